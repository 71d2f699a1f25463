"""From a detection network's outputs to boxes, in numpy: what torchvision does behind its networks, for runtimes
without it.

All in float32, as the networks give it, so that the same boxes lie above the same limits.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.int64]
_LARGEST_GROWTH = np.float32(math.log(1000.0 / 16))  # torchvision's limit: e to this power is a factor of 62.5
_BLOCK = 64


def decoded(deltas: Floats, boxes_xyxy: Floats, units: Sequence[float]) -> Floats:
    """(n, 4) boxes moved and stretched by (n, 4) deltas (Girshick et al., R-CNN, 2014, appendix C).

    Args:
        deltas: of the centre's x and y in sides of the box, and of the logarithm of its width and height.
        boxes_xyxy: (n, 4) to be moved.
        units: that the four deltas are divided by.
    """
    dx, dy, dw, dh = (deltas / np.array(units, dtype=np.float32)).T
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    centres = boxes_xyxy[:, :2] + np.float32(0.5) * sides + np.stack([dx, dy], axis=1) * sides
    half = np.float32(0.5) * np.exp(np.minimum(np.stack([dw, dh], axis=1), _LARGEST_GROWTH)) * sides
    moved: Floats = np.concatenate([centres - half, centres + half], axis=1)
    return moved


def clipped_to_image(boxes_xyxy: Floats, size_hw: tuple[int, int]) -> Floats:
    """(n, 4) boxes cut at the edges of an image."""
    limits = np.array([size_hw[1], size_hw[0]] * 2, dtype=np.float32)
    cut: Floats = np.clip(boxes_xyxy, np.float32(0), limits)
    return cut


def is_larger(boxes_xyxy: Floats, least_side: float) -> NDArray[np.bool_]:
    """(n,) whether both sides of each box are at least so long."""
    sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    return np.asarray((sides >= np.float32(least_side)).all(axis=1))


def anchors_at(cell_anchors: Floats, cells_yx: Places, kinds: Places, stride_hw: tuple[int, int]) -> Floats:
    """(n, 4) anchors of a level: the given kinds, moved to their cells.

    Args:
        cell_anchors: (kinds, 4) around the corner of the first cell.
        cells_yx: (n, 2) row and column.
        kinds: (n,) rows of `cell_anchors`.
        stride_hw: of the level in input pixels.
    """
    corners = (cells_yx[:, ::-1] * np.array(stride_hw[::-1])).astype(np.float32)
    placed: Floats = cell_anchors[kinds] + np.tile(corners, 2)
    return placed


def best_first(scores: Floats, most: int) -> Places:
    """Places of the `most` highest of (n,) scores, highest first, equal ones in their order where all are wanted."""
    if len(scores) <= most:
        return np.argsort(-scores, kind="stable")
    chosen = np.sort(np.argpartition(-scores, most - 1)[:most])
    return chosen[np.argsort(-scores[chosen], kind="stable")]


def suppressed(boxes_xyxy: Floats, threshold: float, most: int) -> Places:
    """Places of the boxes that non-maximum suppression keeps, of (n, 4) boxes that stand best first; `most` at most.

    A box is dropped if it overlaps a kept, better one with an IoU above `threshold`. Overlaps are computed for a block
    of boxes at a time, and not beyond the last box that is kept.
    """
    areas = np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
    kept = np.zeros(0, dtype=np.int64)
    for start in range(0, len(boxes_xyxy), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(boxes_xyxy)))
        block = block[~(_overlaps(boxes_xyxy, areas, kept, block) > threshold).any(axis=0)]
        above = _overlaps(boxes_xyxy, areas, block, block) > threshold
        alive = np.ones(len(block), dtype=bool)
        for i in range(len(block)):
            if alive[i]:
                alive[i + 1 :] &= ~above[i, i + 1 :]
        kept = np.concatenate([kept, block[alive]])
        if len(kept) >= most:
            return kept[:most]
    return kept


def suppressed_in_groups(boxes_xyxy: Floats, scores: Floats, groups: Places, threshold: float, most: int) -> Places:
    """Places of the boxes that are kept, best first, where only boxes of the same group suppress each other.

    Args:
        boxes_xyxy, scores, groups: (n, 4), (n,), (n,) in any order.
        threshold, most: see `suppressed`; at most so many of all groups together.
    """
    kept = [np.zeros(0, dtype=np.int64)]
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        members = members[np.argsort(-scores[members], kind="stable")]
        kept.append(members[suppressed(boxes_xyxy[members], threshold, most)])
    together = np.sort(np.concatenate(kept))
    return together[np.argsort(-scores[together], kind="stable")][:most]


def _overlaps(boxes: Floats, areas: Floats, first: Places, second: Places) -> Floats:
    """(n, m) IoU of boxes at two lists of places; 0 where both are empty."""
    a, b = boxes[first][:, None], boxes[second][None]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    union = areas[first][:, None] + areas[second][None] - shared
    quotient: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return quotient
