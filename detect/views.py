"""One answer from several looks at an image, each at a size of its own.

Two looks misplace a box in different ways, so that their mean lies better than either (weighted box fusion: Solovyev et
al., Image and Vision Computing 2021), and what only one of them sees is less sure. The last look decides which boxes
there are.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import iou
from detect.detections import Detections, SizedDetections

Floats = NDArray[np.float32]
_SAME = 0.5  # overlap from which two looks' boxes are one
_LEAST = np.float32(1e-12)


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
    placed = [replace(raw, boxes_xyxy=raw.boxes_xyxy * _scale(seen, size)) for raw, seen in looks]
    last = placed[-1]
    agreeing = [_agreeing(last, other) for other in placed[:-1]] + [(last.boxes_xyxy, last.scores)]
    boxes, scores = (np.stack(parts) for parts in zip(*agreeing, strict=True))
    weights = np.concatenate([scores[:-1], np.maximum(scores[-1:], _LEAST)])  # a score may be 0
    mean = scores.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    fused = (boxes * (weights / weights.sum(axis=0))[..., None]).sum(axis=0)
    logit = sum(one.image_logit for one in placed) / len(placed)
    return Detections(fused[order], mean[order], last.labels[order], logit), size


def _scale(seen_hw: tuple[int, int], wanted_hw: tuple[int, int]) -> Floats:
    return np.array([wanted_hw[1] / seen_hw[1], wanted_hw[0] / seen_hw[0]] * 2, dtype=np.float32)


def _agreeing(boxes: Detections, other: Detections) -> tuple[Floats, Floats]:
    """Of each of n boxes the best one of the other look that is the same: (n, 4) boxes and (n,) scores, 0 if none."""
    if not len(other.scores):
        return boxes.boxes_xyxy, np.zeros_like(boxes.scores)
    overlaps = iou(boxes.boxes_xyxy.astype(np.float64), other.boxes_xyxy.astype(np.float64))
    same = (overlaps >= _SAME) & (boxes.labels[:, None] == other.labels)
    scores = same * other.scores
    return other.boxes_xyxy[scores.argmax(axis=1)], scores.max(axis=1)
