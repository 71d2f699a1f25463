"""Class-activation maps that need a forward pass for each channel, by the `grad-cam` package."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data_tools.networks.cam import evaluation_mode, recorded, the_map


def package_maps(model: nn.Module, layer: nn.Module, images: Tensor, method: str) -> tuple[Tensor, NDArray[np.float32]]:
    """Logits and maps of a batch, on the layer's grid and not normalised; the model stays as it was.

    Score-CAM (Wang et al., CVPR workshops 2020) weights a channel by the logit of the image seen through it.
    Ablation-CAM (Desai & Ramaswamy, WACV 2020) weights it by how far the logit falls without it, divided by the logit.
    Here it is divided by the logit's absolute value: for a negative logit the quotient would turn the map around and
    show what speaks for a good image.

    Args:
        model: gives (n, 1) logits.
        layer: a module of it with an (n, c, rows, columns) output.
        images: (n, 3, h, w).
        method: of `data_tools.networks.cam_names.PACKAGE_METHODS`.

    Returns:
        (n, 1) logits and (n, rows, columns) maps, nowhere negative.

    Raises:
        RuntimeError: the layer was not used in the forward pass, or its output is no map.
    """
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kind: Any = {"scorecam": pytorch_grad_cam.ScoreCAM, "ablationcam": pytorch_grad_cam.AblationCAM}[method]
    with torch.no_grad(), evaluation_mode(model), recorded(layer) as outputs:
        logits = model(images)
        the_map(outputs)
    signs = logits.sign().cpu().numpy() if method == "ablationcam" else np.ones((len(images), 1), dtype=np.float32)
    maps: list[NDArray[np.float32]] = []

    class Recording(kind):  # type: ignore[misc]
        """Keeps the maps before they are scaled and upsampled."""

        def get_cam_weights(self, *positional: Any, **named: Any) -> NDArray[np.float32]:
            weights: NDArray[np.float32] = signs * super().get_cam_weights(*positional, **named)
            return weights

        def get_cam_image(self, *positional: Any, **named: Any) -> NDArray[np.float32]:
            maps.append(np.maximum(super().get_cam_image(*positional, **named), 0).astype(np.float32))
            return maps[-1]

    # the package shows a bar for each image on stderr, and as a context manager it swallows errors
    with evaluation_mode(model), _same_modules(model), redirect_stderr(io.StringIO()):
        cam = Recording(model, [layer])
        try:
            cam(images, [ClassifierOutputTarget(0)] * len(images))
        finally:
            cam.activations_and_grads.release()
    return logits, maps[0]


@contextmanager
def _same_modules(model: nn.Module) -> Iterator[None]:
    """Every module has its own parts again afterwards, also where an exception leaves one of the package's in it."""
    parts = [(module, dict(module._modules)) for module in model.modules()]
    try:
        yield
    finally:
        for module, own in parts:
            module._modules.update(own)
