"""One answer from several looks at an image, each at a size of its own.

A detector outlines a small defect better in a larger image than it was trained on (as classifiers see better there:
Touvron et al., NeurIPS 2019), but tells defect from background best at the size it knows. So the last look gives the
boxes, and all of them together say how sure they are.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchvision.ops import box_iou

from detect.model import RawDetections

Look = tuple[RawDetections, tuple[int, int]]
_SAME = 0.5  # overlap from which two looks' boxes are one


def agree(looks: Sequence[Look]) -> Look:
    """The last look's boxes in the first look's pixels, best first.

    A box's score is the mean over the looks of the best score given to a box of its class there, 0 where there is
    none; the image's logit is the mean of all.

    Args:
        looks: detections with the height and width at which the network saw the image.
    """
    if len(looks) == 1:
        return looks[0]
    size = looks[0][1]
    placed = [replace(raw, boxes_xyxy=raw.boxes_xyxy * _scale(seen, size, raw.boxes_xyxy)) for raw, seen in looks]
    last = placed[-1]
    scores = torch.stack([_support(last, other) for other in placed[:-1]] + [last.scores]).mean(dim=0)
    order = scores.argsort(descending=True, stable=True)
    logit = sum(one.image_logit for one in placed) / len(placed)
    return RawDetections(last.boxes_xyxy[order], scores[order], last.labels[order], logit), size


def _scale(seen_hw: tuple[int, int], wanted_hw: tuple[int, int], like: Tensor) -> Tensor:
    return like.new_tensor([wanted_hw[1] / seen_hw[1], wanted_hw[0] / seen_hw[0]] * 2)


def _support(boxes: RawDetections, other: RawDetections) -> Tensor:
    """(n,) the best score of the other look's boxes that are the same as each of these, or 0."""
    if not len(other.scores):
        return torch.zeros_like(boxes.scores)
    same = (box_iou(boxes.boxes_xyxy, other.boxes_xyxy) >= _SAME) & (boxes.labels[:, None] == other.labels)
    best: Tensor = (same * other.scores).amax(dim=1)
    return best
