"""Class-activation maps of a classifier, batched, leaving the model as it was found."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from classify.cam_package import package_maps
from data_tools.networks.cam import activations_and_gradients, evaluation_mode, recorded, the_map
from data_tools.networks.cam_methods import METHODS
from data_tools.networks.cam_names import CLASSIFIER_METHODS, PACKAGE_METHODS


@runtime_checkable
class PooledHead(Protocol):
    """A classifier that knows which of its layers is followed by global average pooling and one linear layer alone."""

    def pooled_weights(self, layer: nn.Module) -> Tensor | None:
        """(c,) weights of the linear layer for the maps of that layer; None for any other layer."""


@dataclass(frozen=True)
class Evidence:
    """What the classifier's logits owe to a layer.

    Attributes:
        logits: (n, 1).
        activations, gradients: (n, c, rows, columns) float32, the layer's output and the logits' gradients there.
    """

    logits: Tensor
    activations: Tensor
    gradients: Tensor

    def maps(self, method: str) -> NDArray[np.float32]:
        """(n, rows, columns) maps by a method of `data_tools.networks.cam_methods`."""
        with torch.no_grad():
            maps = METHODS[method](self.activations, self.gradients)
        return maps.cpu().numpy().astype(np.float32)


def gather_evidence(model: nn.Module, layer: nn.Module, images: Tensor) -> Evidence:
    """Logits of a batch with activations and gradients of a layer.

    Where pooling and a linear layer follow, the gradient of a cell is that channel's weight over the number of cells
    (Selvaraju et al., ICCV 2017, sec. 3.1), so nothing is differentiated; elsewhere the backward pass stops at the
    layer. Arguments and errors as in `cam_maps`.
    """
    weights = model.pooled_weights(layer) if isinstance(model, PooledHead) else None
    if weights is None:
        return Evidence(*activations_and_gradients(model, layer, lambda: model(images.clone())))
    with torch.no_grad(), evaluation_mode(model), recorded(layer) as outputs:
        logits = model(images)
        activations = the_map(outputs).float()
        gradients = pooled_gradients(activations, weights.detach().float())
    return Evidence(logits, activations, gradients)


def pooled_gradients(activations: Tensor, weights: Tensor) -> Tensor:
    """(n, c, rows, columns) gradients of a linear layer of (c,) weights on what is pooled from such activations."""
    ones = torch.ones_like(activations)  # counted, because an exported graph is of no fixed size
    return ones * weights.view(1, -1, 1, 1) / ones.sum(dim=(2, 3), keepdim=True)


def cam_maps(
    model: nn.Module, layer: nn.Module, images: Tensor, method: str = "gradcam"
) -> tuple[Tensor, NDArray[np.float32]]:
    """Logits and maps of a batch.

    Args:
        model: gives (n, 1) logits; used in evaluation mode. Flags, hooks, mode and `.grad` stay as they were, also
            after an exception. The caller may be in `no_grad` or `inference_mode`.
        layer: the module of the model whose (n, c, rows, columns) output is explained.
        images: (n, 3, h, w).
        method: one of `CLASSIFIER_METHODS`. "scorecam" and "ablationcam" cost a forward pass for each of the layer's
            channels.

    Returns:
        (n, 1) detached logits and (n, rows, columns) float32 maps on the layer's grid, not normalised.

    Raises:
        KeyError: unknown method.
        RuntimeError: the layer was not used in the forward pass, or its output is no map.
    """
    if method in PACKAGE_METHODS:
        return package_maps(model, layer, images, method)
    if method not in METHODS:
        raise KeyError(f"unknown method {method!r}; known are {', '.join(CLASSIFIER_METHODS)}")
    evidence = gather_evidence(model, layer, images)
    return evidence.logits, evidence.maps(method)
