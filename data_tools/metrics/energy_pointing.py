"""Energy-based pointing game (Wang et al., Score-CAM, CVPR workshops 2020): how much of a map lies inside the boxes?"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data_tools.core.heatmaps import Map, interpolation_weights

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Energy:
    """Share of the map's positive sum inside the boxes, 0..1, and its ratio to the boxes' share of the image."""

    inside: float
    lift: float


def energy_pointing(heatmap: Map, boxes_xyxy: Floats, size_hw: tuple[int, int]) -> Energy | None:
    """The map, bilinearly interpolated to the image's pixels, summed inside the union of the boxes and over all.

    Args:
        heatmap: (rows, columns) on its native grid; negative values count as 0.
        boxes_xyxy: (n, 4) true boxes, n > 0; a pixel that is partly inside counts in part.
        size_hw: height and width of the image.

    Returns:
        None for a map that is not finite or nowhere positive. A uniform positive map is defined: its lift is 1.
    """
    values = np.maximum(np.asarray(heatmap, dtype=np.float64), 0.0)
    highest = values.max()  # NaN where any value is
    if not np.isfinite(highest) or highest <= 0:
        return None
    values /= highest
    xs, ys = np.unique(boxes_xyxy[:, [0, 2]]), np.unique(boxes_xyxy[:, [1, 3]])
    # strips between neighbouring box edges: each cell of their grid lies wholly inside or outside the union
    mass = _strips(size_hw[0], values.shape[0], ys) @ values @ _strips(size_hw[1], values.shape[1], xs).T
    cells = np.outer(np.diff(ys), np.diff(xs))
    middle_x, middle_y = (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2
    covered = np.zeros(cells.shape, dtype=bool)
    for x1, y1, x2, y2 in boxes_xyxy:
        covered |= np.outer((middle_y > y1) & (middle_y < y2), (middle_x > x1) & (middle_x < x2))
    total = _cumulated(size_hw[0], values.shape[0])[-1] @ values @ _cumulated(size_hw[1], values.shape[1])[-1]
    inside = float(mass[covered].sum() / total)
    return Energy(inside, inside / (float(cells[covered].sum()) / (size_hw[0] * size_hw[1])))


def _strips(target: int, source: int, edges: Floats) -> Floats:
    """(strips, source) weight of each cell in the sum over the pixels between neighbouring edges."""
    table = _cumulated(target, source)
    low = np.minimum(edges.astype(np.int64), target - 1)
    share = (edges - low)[:, None]
    reached: Floats = table[low] * (1 - share) + table[low + 1] * share
    return np.diff(reached, axis=0)


@lru_cache(maxsize=16)  # of an image of 12,000 px one takes 30 MB
def _cumulated(target: int, source: int) -> Floats:
    """(target + 1, source) sums of the interpolation weights over the first 0..target pixels."""
    return np.concatenate([np.zeros((1, source)), np.cumsum(interpolation_weights(target, source), axis=0)])
