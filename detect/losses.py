"""Losses that region proposals and box heads share, each as a sum and over how many things it is.

The mean is over the boxes of all processes, so whoever adds losses up divides.
"""

import torch
from torch import Tensor
from torch.nn import functional

_BETA = 1 / 9


def sum_and_count(total: Tensor, count: int) -> Tensor:
    """A scalar sum and over how many things it is: (2,) float32."""
    return torch.stack([total.float(), torch.tensor(float(count), device=total.device)])


def box_loss(deltas: Tensor, targets: Tensor) -> Tensor:
    """Smooth L1 over the four deltas of (n, 4) predicted and true boxes (Girshick 2015), as `sum_and_count`."""
    total = functional.smooth_l1_loss(deltas, targets, beta=_BETA, reduction="sum")
    return sum_and_count(total, deltas.numel())


def objectness_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of (n,) logits with labels 0 or 1, as `sum_and_count`."""
    return sum_and_count(
        functional.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(), len(labels)
    )


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of (n, classes) logits with class ids, as `sum_and_count`."""
    return sum_and_count(functional.cross_entropy(logits, labels, reduction="none").sum(), len(labels))
