"""Class-activation maps of a classifier, batched, leaving the model as it was found.

The activation of the target layer is cut out of the graph and made a leaf, so the backward pass stops there: frozen
backbones work, no parameter gets a gradient, and nothing before the layer is differentiated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Weighting = Callable[[Tensor, Tensor], Tensor]


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient, positive part (Selvaraju et al., ICCV 2017)."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(dim=1).relu()


def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients weighted by higher-order terms (Chattopadhay et al., WACV 2018)."""
    squared = gradients**2
    denominator = 2 * squared + activations.sum(dim=(2, 3), keepdim=True) * gradients**3
    alpha = torch.where(denominator != 0, squared / denominator, torch.zeros_like(squared))
    alpha = torch.where(gradients != 0, alpha, torch.zeros_like(alpha))
    weights = (alpha * gradients.relu()).sum(dim=(2, 3), keepdim=True)
    return (weights * activations).sum(dim=1).relu()


def hires_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times gradient, cell by cell (Draelos & Carin, 2020)."""
    return (gradients * activations).sum(dim=1).relu()


def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times positive gradient, cell by cell (Jiang et al., TIP 2021); useful on earlier layers."""
    return (gradients.relu() * activations).sum(dim=1).relu()


def x_grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients averaged with the activation as weight (Fu et al., BMVC 2020)."""
    total = activations.sum(dim=(2, 3), keepdim=True)
    weights = (gradients * activations).sum(dim=(2, 3), keepdim=True) / (total + 1e-7)
    return (weights * activations).sum(dim=1).relu()


METHODS: dict[str, Weighting] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_plus_plus,
    "hirescam": hires_cam,
    "layercam": layer_cam,
    "xgradcam": x_grad_cam,
}


def cam_maps(
    model: nn.Module, layer: nn.Module, images: Tensor, method: str = "gradcam"
) -> tuple[Tensor, NDArray[np.float32]]:
    """Logits and maps of a batch.

    Args:
        model: gives (n, 1) logits; used in evaluation mode. Flags, hooks, mode and `.grad` stay as they were, also
            after an exception.
        layer: the module of the model whose (n, c, rows, columns) output is explained.
        images: (n, 3, h, w).
        method: a key of `METHODS`.

    Returns:
        (n, 1) detached logits and (n, rows, columns) float32 maps on the layer's grid, not normalised.

    Raises:
        KeyError: unknown method.
        RuntimeError: the layer was not used in the forward pass, or its output is no map.
    """
    weighting = METHODS[method]
    with torch.inference_mode(False), torch.enable_grad(), _evaluation(model), _tapped(layer) as taps:
        logits = model(images.clone())
        if len(taps) != 1 or taps[0].ndim != 4:
            raise RuntimeError(
                f"the layer gave {len(taps)} outputs of shapes {[tuple(t.shape) for t in taps]}, not a map"
            )
        # images do not influence each other in evaluation mode, so one backward pass serves the batch
        (gradients,) = torch.autograd.grad(logits[:, 0].sum(), taps[0])
        with torch.no_grad():
            maps = weighting(taps[0].float(), gradients.float())
    return logits.detach(), maps.cpu().numpy().astype(np.float32)


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@contextmanager
def _tapped(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Replace the layer's output by a leaf of its own, which lands in the list."""
    taps: list[Tensor] = []

    def tap(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        leaf = output.detach().clone().requires_grad_()
        taps.append(leaf)
        return leaf.clone()  # a following in-place ReLU then changes the copy

    handle = layer.register_forward_hook(tap)
    try:
        yield taps
    finally:
        handle.remove()
