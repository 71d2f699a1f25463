"""Losses that region proposals and box heads share, each as a sum and over how many things it is.

The mean is over the boxes of all processes, so whoever adds losses up divides.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

BoxLoss = Literal["smooth_l1", "giou"]
_BETA = 1 / 9


def sum_and_count(total: Tensor, count: int) -> Tensor:
    """A scalar sum and over how many things it is: (2,) float32."""
    return torch.stack([total.float(), torch.tensor(float(count), device=total.device)])


def box_loss(deltas: Tensor, targets: Tensor, coder: BoxCoder, kind: BoxLoss) -> Tensor:
    """How far (n, 4) predicted box deltas are from the true ones, as `sum_and_count`.

    "smooth_l1" is over the four deltas (Girshick 2015), "giou" one minus the generalised overlap of the boxes that both
    stand for (Rezatofighi et al. 2019). It does not change if both axes are moved and stretched, so that any one
    reference box will do for all of them.

    Args:
        deltas, targets: in the coder's units.
        coder: of the head that gave them.
        kind: which one.
    """
    if kind == "smooth_l1":
        total = functional.smooth_l1_loss(deltas, targets, beta=_BETA, reduction="sum")
        return sum_and_count(total, deltas.numel())
    unit = deltas.new_tensor([[0.0, 0.0, 1.0, 1.0]]).expand(len(deltas), 4)
    predicted, true = (coder.decode_single(one, unit) for one in (deltas, targets))
    return sum_and_count(generalized_box_iou_loss(predicted, true, reduction="sum"), len(deltas))


def objectness_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Binary cross-entropy of (n,) logits with labels 0 or 1, as `sum_and_count`; gamma as in `class_loss`."""
    return sum_and_count(sigmoid_focal_loss(logits, labels, alpha=-1, gamma=gamma, reduction="sum"), len(labels))


def class_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Cross-entropy of (n, classes) logits with class ids, as `sum_and_count`.

    A gamma above 0 makes it a focal loss (Lin et al. 2017): each term times (1 - p)^gamma, p being the probability of
    the true class, so that what is sure already counts less.
    """
    terms = functional.cross_entropy(logits, labels, reduction="none")
    return sum_and_count((terms * (1.0 - torch.exp(-terms)).clamp_min(0.0) ** gamma).sum(), len(labels))
