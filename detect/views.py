"""One answer from several looks at an image, each at a size of its own.

Two looks misplace a box in different ways, so that their mean lies better than either (weighted box fusion: Solovyev et
al., Image and Vision Computing 2021), and what only one of them sees is less sure. The last look decides which boxes
there are.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchvision.ops import box_iou

from detect.model import RawDetections

SizedDetections = tuple[RawDetections, tuple[int, int]]
_SAME = 0.5  # overlap from which two looks' boxes are one
_LEAST = 1e-12


def agree(looks: Sequence[SizedDetections]) -> SizedDetections:
    """The last look's boxes in the first look's pixels, moved towards the others', best first.

    In each other look, the best of the boxes that are the same as a box agrees with it. A box becomes the mean of
    those, weighed by their scores, and its score the mean over all looks, 0 counting for a look without such a box; the
    image's logit is the mean of all.

    Args:
        looks: detections with the height and width at which the network saw the image.
    """
    if len(looks) == 1:
        return looks[0]
    size = looks[0][1]
    placed = [replace(raw, boxes_xyxy=raw.boxes_xyxy * _scale(seen, size, raw.boxes_xyxy)) for raw, seen in looks]
    last = placed[-1]
    agreeing = [_agreeing(last, other) for other in placed[:-1]] + [(last.boxes_xyxy, last.scores)]
    boxes, scores = (torch.stack(parts) for parts in zip(*agreeing, strict=True))
    weights = torch.cat([scores[:-1], scores[-1:].clamp_min(_LEAST)])  # a score may be 0
    mean = scores.mean(dim=0)
    order = mean.argsort(descending=True, stable=True)
    fused = (boxes * (weights / weights.sum(dim=0))[..., None]).sum(dim=0)
    logit = sum(one.image_logit for one in placed) / len(placed)
    return RawDetections(fused[order], mean[order], last.labels[order], logit), size


def _scale(seen_hw: tuple[int, int], wanted_hw: tuple[int, int], like: Tensor) -> Tensor:
    return like.new_tensor([wanted_hw[1] / seen_hw[1], wanted_hw[0] / seen_hw[0]] * 2)


def _agreeing(boxes: RawDetections, other: RawDetections) -> tuple[Tensor, Tensor]:
    """Of each of n boxes the best one of the other look that is the same: (n, 4) boxes and (n,) scores, 0 if none."""
    if not len(other.scores):
        return boxes.boxes_xyxy, torch.zeros_like(boxes.scores)
    same = (box_iou(boxes.boxes_xyxy, other.boxes_xyxy) >= _SAME) & (boxes.labels[:, None] == other.labels)
    scores, places = (same * other.scores).max(dim=1)
    return other.boxes_xyxy[places], scores
