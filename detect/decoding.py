"""What lies between and behind the detector's graphs, in numpy: proposals from anchors, levels to pool from, boxes.

It does what torchvision's region-proposal network and box heads do, and `detect.box_heads`, `detect.roi_pooling`.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.anchors import CANONICAL_LEVEL, CANONICAL_SIDE, STRIDES
from data_tools.core.box_decoding import (
    Floats,
    Places,
    anchors_at,
    best_first,
    clipped_to_image,
    decoded,
    is_larger,
    suppressed_in_groups,
)
from detect.bundle_record import POOLED, ProposalRule
from detect.config import PredictionConfig
from detect.detections import Detections

_LEAST_SIDE = 1e-2  # of a detection, as torchvision has it
_LEAST = np.float32(1e-12)
_ANCHOR_UNITS = (1.0, 1.0, 1.0, 1.0)


def proposals_of(
    objectness: Sequence[Floats],
    deltas: Sequence[Floats],
    cell_anchors: Sequence[Floats],
    padded_hw: tuple[int, int],
    size_hw: tuple[int, int],
    rule: ProposalRule,
) -> tuple[Floats, Floats]:
    """(n, 4) proposals of one image in input pixels, best first, and their objectness (n,) in 0..1.

    Args:
        objectness: of each level (kinds, rows, columns) logits.
        deltas: of each level (4 * kinds, rows, columns).
        cell_anchors: of each level (kinds, 4).
        padded_hw, size_hw: height and width of the whole input, and of the image in it.
        rule: which to keep.
    """
    boxes, logits = [], []
    for scores, moves, anchors in zip(objectness, deltas, cell_anchors, strict=True):
        kinds, rows, columns = scores.shape
        flat = scores.transpose(1, 2, 0).reshape(-1)
        best = best_first(flat, rule.before)
        y, x, kind = np.unravel_index(best, (rows, columns, kinds))
        stride = padded_hw[0] // rows, padded_hw[1] // columns
        moved = moves.reshape(kinds, 4, rows, columns)[kind, :, y, x]
        boxes.append(decoded(moved, anchors_at(anchors, np.stack([y, x], axis=1), kind, stride), _ANCHOR_UNITS))
        logits.append(flat[best])
    level = np.repeat(np.arange(len(boxes)), [len(one) for one in boxes])
    together, scores = clipped_to_image(np.concatenate(boxes), size_hw), sigmoid(np.concatenate(logits))
    large = np.flatnonzero(is_larger(together, rule.least_side))
    kept = large[suppressed_in_groups(together[large], scores[large], level[large], rule.nms_iou, rule.kept)]
    return together[kept], scores[kept]


def rows_to_pool(boxes_xyxy: Sequence[Floats]) -> tuple[list[Floats], Places]:
    """All images' boxes as the box heads' graphs take them.

    Args:
        boxes_xyxy: of each image, (n, 4) in input pixels.

    Returns:
        of each pooled level (k, 5) rows of image, x1, y1, x2, y2; and of the rows, level after level, their places
        among all boxes, image after image.
    """
    images = np.repeat(np.arange(len(boxes_xyxy)), [len(one) for one in boxes_xyxy]).astype(np.float32)
    rows = np.concatenate([images[:, None], np.concatenate(boxes_xyxy)], axis=1)
    levels = levels_of(rows[:, 1:])
    places = [np.flatnonzero(levels == level) for level in range(len(POOLED))]
    return [np.ascontiguousarray(rows[one], dtype=np.float32) for one in places], np.concatenate(places)


def levels_of(boxes_xyxy: Floats) -> Places:
    """(n,) places among the pooled levels that fit the boxes' sizes (Lin et al. 2017, eq. 1)."""
    sides = np.sqrt(np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1))
    with np.errstate(divide="ignore"):
        levels = np.floor(CANONICAL_LEVEL + np.log2(sides / np.float32(CANONICAL_SIDE)) + np.float32(1e-6))
    places: Places = np.clip(levels - math.log2(STRIDES[0]), 0, len(POOLED) - 1).astype(np.int64)
    return places


def moved(
    boxes_xyxy: Floats, logits: Floats, deltas: Floats, units: Sequence[float], size_hw: tuple[int, int]
) -> Floats:
    """(n, 4) boxes of an image where a head puts them, for their likeliest class, cut to the image.

    Args:
        boxes_xyxy: (n, 4).
        logits, deltas: (n, classes) and (n, classes, 4), the background being class 0.
        units: of the head's deltas.
        size_hw: of the image in the input.
    """
    likeliest = logits[:, 1:].argmax(axis=1) + 1
    return clipped_to_image(decoded(deltas[np.arange(len(deltas)), likeliest], boxes_xyxy, units), size_hw)


def detections_of(
    boxes_xyxy: Floats,
    logits: Sequence[Floats],
    deltas: Floats,
    units: Sequence[float],
    size_hw: tuple[int, int],
    image_logit: float,
    config: PredictionConfig,
) -> Detections:
    """Detections of one image: the last head's boxes with the mean of all heads' class probabilities.

    Args:
        boxes_xyxy: (n, 4) that the last head was given.
        logits: of each head (n, classes).
        deltas, units: of the last head.
        size_hw: of the image in the input.
        image_logit: of the image head.
        config: what becomes of the boxes.
    """
    mean = np.maximum(np.mean([softmax(one) for one in logits], axis=0), _LEAST)
    scores = (mean / mean.sum(axis=1, keepdims=True))[:, 1:]
    rows, labels = np.nonzero(scores > np.float32(config.score_threshold))
    labels += 1
    boxes = clipped_to_image(decoded(deltas[rows, labels], boxes_xyxy[rows], units), size_hw)
    flat = scores[rows, labels - 1]
    large = np.flatnonzero(is_larger(boxes, _LEAST_SIDE))
    kept = large[suppressed_in_groups(boxes[large], flat[large], labels[large], config.nms_iou, config.detections)]
    return Detections(boxes[kept], flat[kept], labels[kept], image_logit)


def sigmoid(logits: Floats) -> Floats:
    """Probabilities of logits of any shape."""
    small = np.exp(-np.abs(logits))
    probabilities: Floats = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    return probabilities


def softmax(logits: NDArray[np.float32]) -> Floats:
    """(n, classes) logits -> probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    probabilities: Floats = raised / raised.sum(axis=1, keepdims=True)
    return probabilities
