"""Class-activation maps as pure functions of a layer's activations and of a score's gradients there.

Each takes two (n, c, rows, columns) tensors and gives (n, rows, columns), nowhere negative and not normalised. They
compute what the `grad-cam` package computes, its small constants included, so that both give the same numbers.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from data_tools.networks.cam_names import GRADIENT_METHODS

Method = Callable[[Tensor, Tensor], Tensor]


def grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Channels weighted by their mean gradient, positive part (Selvaraju et al., ICCV 2017)."""
    return _weighted(activations, gradients.mean(dim=(2, 3)))


def grad_cam_plus_plus(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients weighted by higher-order terms (Chattopadhay et al., WACV 2018).

    The paper has no constant in the denominator; the reference implementation's 1e-6 is kept. Where activations may be
    negative the denominator passes through zero, which magnifies rounding and makes weights so large that their sum
    cancels, so all is computed in float64.
    """
    values, slopes = activations.double(), gradients.double()
    squared = slopes**2
    denominator = 2 * squared + values.sum(dim=(2, 3), keepdim=True) * squared * slopes + 1e-6
    alpha = torch.where(slopes != 0, squared / denominator, torch.zeros_like(squared))
    return _weighted(values, (alpha * slopes.relu()).sum(dim=(2, 3))).to(activations.dtype)


def hires_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times gradient, cell by cell (Draelos & Carin, 2020)."""
    return (gradients * activations).sum(dim=1).relu()


def layer_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Activation times positive gradient, cell by cell (Jiang et al., TIP 2021); useful on earlier layers."""
    return (gradients.relu() * activations).sum(dim=1).relu()


def x_grad_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """Gradients averaged with the activation as weight (Fu et al., BMVC 2020).

    In float64 for the reason given at `grad_cam_plus_plus`.
    """
    values = activations.double()
    total = values.sum(dim=(2, 3), keepdim=True)
    return _weighted(values, (gradients.double() * values / (total + 1e-7)).sum(dim=(2, 3))).to(activations.dtype)


def eigen_cam(activations: Tensor, gradients: Tensor) -> Tensor:
    """First principal component of the cells' activations, whatever the class (Muhammad & Yeasin, IJCNN 2020).

    A component has no sign of its own: its largest absolute value is made positive (Chung & Ying, Appl. Sci. 2025).
    `gradients` are not used.
    """
    cells = activations.flatten(2).transpose(1, 2)
    left, singular, _ = torch.linalg.svd(cells - cells.mean(dim=1, keepdim=True), full_matrices=False)
    component = left[:, :, 0] * singular[:, :1]
    largest = component.gather(1, component.abs().argmax(dim=1, keepdim=True))
    oriented = torch.where(largest < 0, -component, component)
    return oriented.reshape(len(activations), *activations.shape[2:]).relu()


_FUNCTIONS: tuple[Method, ...] = (grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, x_grad_cam, eigen_cam)
METHODS: dict[str, Method] = dict(zip(GRADIENT_METHODS, _FUNCTIONS, strict=True))


def _weighted(activations: Tensor, weights: Tensor) -> Tensor:
    """(n, c, rows, columns) maps and (n, c) weights -> (n, rows, columns): the positive part of the weighted sum."""
    return torch.einsum("nchw,nc->nhw", activations, weights).relu()
