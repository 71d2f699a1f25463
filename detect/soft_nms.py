"""Soft non-maximum suppression (Bodla et al., ICCV 2017): boxes that overlap a better one lose score, and stay."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import box_iou

Detections = tuple[Tensor, Tensor, Tensor]
Suppression = Callable[[Tensor, Tensor, Tensor], Detections]


@dataclass(frozen=True)
class SoftSuppression:
    """Soft suppression of one image's detections.

    Attributes:
        sigma: see `soft_nms`.
        score_threshold: boxes left with less are dropped.
        most: boxes kept.
    """

    sigma: float
    score_threshold: float
    most: int

    def __call__(self, boxes_xyxy: Tensor, scores: Tensor, labels: Tensor) -> Detections:
        """(n, 4) boxes, (n,) scores and labels -> those that are left, best first."""
        softened = soft_nms(boxes_xyxy, scores, labels, self.sigma)
        order = softened.argsort(descending=True, stable=True)[: self.most]
        order = order[softened[order] > self.score_threshold]
        return boxes_xyxy[order], softened[order], labels[order]


def soft_nms(boxes_xyxy: Tensor, scores: Tensor, labels: Tensor, sigma: float) -> Tensor:
    """The (n,) scores after suppression; boxes of another class do not count.

    The best box keeps its score and each other one's is multiplied by exp(-overlap² / sigma), then the best of the rest
    does the same, and so on.

    Args:
        boxes_xyxy: (n, 4).
        scores: (n,) in 0..1.
        labels: (n,) class ids.
        sigma: above 0; the smaller, the less is left of an overlapping box.
    """
    decay = torch.exp(-(box_iou(boxes_xyxy, boxes_xyxy) ** 2) / sigma)
    decay = torch.where(labels[:, None] == labels, decay, 1.0).cpu()
    left, waiting = scores.cpu().clone(), torch.ones(len(scores), dtype=torch.bool)
    for _ in range(len(left)):
        best = int(torch.where(waiting, left, -1.0).argmax())
        waiting[best] = False
        left = torch.where(waiting, left * decay[best], left)
    return left.to(scores.device)
