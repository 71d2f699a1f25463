"""Class-activation maps without gradients: each channel of a layer is tried by a forward pass of its own.

Both leave the model as they found it. They cost as many forward passes an image as the layer has channels.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from data_tools.networks.cam import evaluation_mode, hooked, recorded, the_map

_CHUNK = 16

Perturbation = Callable[[nn.Module, nn.Module, Tensor], tuple[Tensor, Tensor]]


@torch.no_grad()
def score_cam(model: nn.Module, layer: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Channels weighted by the score of the image seen through them (Wang et al., CVPR workshops 2020).

    Each channel, upsampled (corners aligned, as the reference implementation does) and scaled to 0..1, masks the image;
    the weights are the softmax of the logits over the channels.

    Args:
        model: gives (n, 1) logits.
        layer: a module of it with an (n, c, rows, columns) output.
        images: (n, 3, h, w).

    Returns:
        (n, 1) logits and (n, rows, columns) maps, nowhere negative.
    """
    with evaluation_mode(model):
        logits, activations = _run(model, layer, images)
        weights = torch.stack(
            [_masked_logits(model, image, maps).softmax(dim=0) for image, maps in zip(images, activations, strict=True)]
        )
    return logits, torch.einsum("nchw,nc->nhw", activations, weights).relu()


@torch.no_grad()
def ablation_cam(model: nn.Module, layer: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Channels weighted by how far the logit falls when they are set to zero (Desai & Ramaswamy, WACV 2020).

    The fall is divided by the logit's absolute value: for a negative logit the paper's own quotient would turn the map
    around and show what speaks for a good image. Where a layer has negative values the reference implementation sets
    its channels far below zero instead, which the paper does not. Arguments and result as in `score_cam`.
    """
    with evaluation_mode(model):
        logits, activations = _run(model, layer, images)
        ablated = torch.stack(
            [_ablated_logits(model, layer, images[i : i + 1], activations[i]) for i in range(len(images))]
        )
    weights = (logits - ablated) / logits.abs().clamp(min=1e-12)
    return logits, torch.einsum("nchw,nc->nhw", activations, weights).relu()


PERTURBATIONS: dict[str, Perturbation] = {"scorecam": score_cam, "ablationcam": ablation_cam}


def _run(model: nn.Module, layer: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    with recorded(layer) as outputs:
        logits = model(images)
    return logits, the_map(outputs).float()


def _masked_logits(model: nn.Module, image: Tensor, maps: Tensor) -> Tensor:
    """(3, h, w) image and (c, rows, columns) maps -> (c,) logits of the image masked by each map."""
    found = []
    for chunk in torch.split(maps, _CHUNK):
        masks = functional.interpolate(chunk[:, None], image.shape[1:], mode="bilinear", align_corners=True)
        low, high = masks.amin(dim=(2, 3), keepdim=True), masks.amax(dim=(2, 3), keepdim=True)
        found.append(model(image * (masks - low) / (high - low + 1e-8))[:, 0])
    return torch.cat(found).float()


def _ablated_logits(model: nn.Module, layer: nn.Module, image: Tensor, maps: Tensor) -> Tensor:
    """(1, 3, h, w) image and the layer's (c, rows, columns) maps of it -> (c,) logits without each channel.

    What stands before the layer runs on the one image; what follows gets a batch of ablated maps.
    """
    found = []
    for chunk in torch.split(torch.arange(len(maps), device=maps.device), _CHUNK):
        ablated = maps.repeat(len(chunk), 1, 1, 1)
        ablated[torch.arange(len(chunk), device=chunk.device), chunk] = 0.0
        with hooked(layer, lambda output, given=ablated: given.to(output.dtype)):  # type: ignore[misc]
            found.append(model(image)[:, 0])
    return torch.cat(found).float()
