"""Boxes and points in numpy, vectorised. The conventions are those of `data_tools.core.records`."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def xywh_to_xyxy(boxes_xywh: Floats) -> Floats:
    """(n, 4) boxes as left, top, width, height -> left, top, right, bottom."""
    boxes = np.asarray(boxes_xywh, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_xywh(boxes_xyxy: Floats) -> Floats:
    """(n, 4) boxes as left, top, right, bottom -> left, top, width, height."""
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def areas(boxes_xyxy: Floats) -> Floats:
    """(n,) areas of (n, 4) boxes, in square pixels."""
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    area: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return area


def centres(boxes_xyxy: Floats) -> Floats:
    """(n, 2) centres, as x and y, of (n, 4) boxes."""
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    middle: Floats = (boxes[:, :2] + boxes[:, 2:]) / 2.0
    return middle


def hull(boxes_xyxy: Floats) -> Floats:
    """(4,) the smallest box around (n, 4) boxes, of which there is at least one."""
    boxes = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def weighed_mean(boxes_xyxy: Floats, scores: Floats) -> Floats:
    """The mean of (n, 4) boxes weighed by their scores, plainly if all are 0; of one box, itself to the last bit."""
    weights = scores if scores.any() else np.ones(len(scores))
    mean: Floats = (weights / weights.sum()) @ boxes_xyxy
    return mean


def best_centre(boxes_xyxy: Floats, scores: Floats) -> tuple[float, float] | None:
    """x and y of the centre of the box with the highest of (n,) scores, the first of equals; None without a box.

    This is a detector's peak: the one place where it looks for the defect.
    """
    if not len(scores):
        return None
    x, y = centres(boxes_xyxy)[int(np.argmax(scores))].tolist()
    return x, y


def iou(boxes_xyxy: Floats, others_xyxy: Floats) -> Floats:
    """(n, m) intersection over union of every box with every other, 0 where both are empty."""
    first = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 1, 4)
    second = np.asarray(others_xyxy, dtype=np.float64).reshape(1, -1, 4)
    return _overlap(first, second, areas(boxes_xyxy)[:, None], areas(others_xyxy)[None, :])


def iou_in_pairs(boxes_xyxy: Floats, others_xyxy: Floats) -> Floats:
    """(n,) intersection over union of each of n boxes with the other in its row, 0 where they share no area."""
    return _overlap(boxes_xyxy, others_xyxy, areas(boxes_xyxy), areas(others_xyxy))


def _overlap(first: Floats, second: Floats, first_areas: Floats, second_areas: Floats) -> Floats:
    top_left = np.maximum(first[..., :2], second[..., :2])
    bottom_right = np.minimum(first[..., 2:], second[..., 2:])
    sides = np.maximum(bottom_right - top_left, 0.0)
    intersection = sides[..., 0] * sides[..., 1]
    union = first_areas + second_areas - intersection
    overlap: Floats = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return overlap


def point_to_box_distance(points_xy: Floats, boxes_xyxy: Floats) -> Floats:
    """(n, m) Euclidean distance in pixels of every point to every box; 0 inside the box and on its border."""
    points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 1, 2)
    return distance_in_pairs(points, np.asarray(boxes_xyxy, dtype=np.float64).reshape(1, -1, 4))


def distance_in_pairs(points_xy: Floats, boxes_xyxy: Floats) -> Floats:
    """(n,) distance in pixels of each of (n, 2) points to the box in its row of (n, 4); other shapes broadcast."""
    outside = np.maximum(np.maximum(boxes_xyxy[..., :2] - points_xy, points_xy - boxes_xyxy[..., 2:]), 0.0)
    return np.hypot(outside[..., 0], outside[..., 1])


def diagonal(size_hw: tuple[int, int]) -> float:
    """Length in pixels of the diagonal of an image of (height, width)."""
    return float(np.hypot(size_hw[0], size_hw[1]))
