"""The regions of a map above several levels at once, from runs of cells instead of a label image for each level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.core.heatmaps import Map

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LevelRegions:
    """8-connected regions, level after level, those of a level in the order of their first cell.

    Attributes:
        levels: (n,) place of each region's level, ascending.
        boxes_xyxy: (n, 4) float64 half-open, in cells.
        areas: (n,) cells.
    """

    levels: Ints
    boxes_xyxy: NDArray[np.float64]
    areas: Ints


def regions_at(full: Map, fractions: Sequence[float]) -> LevelRegions:
    """The regions where a map reaches each of some values, which every level reaches somewhere.

    Rows of cells are cut into runs. Runs of neighbouring rows that touch, at sides or corners, belong together.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    height, width = full.shape
    # an empty row after each level and an empty cell after each row keep what is apart from touching
    flat = np.zeros(1 + len(fractions) * (height + 1) * (width + 1), dtype=bool)
    reached = flat[1:].reshape(len(fractions), height + 1, width + 1)
    np.greater_equal(full, np.array(fractions, dtype=np.float32)[:, None, None], out=reached[:, :-1, :-1])
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    first, last = ends[0::2], ends[1::2]
    begin = np.searchsorted(last, first + width + 1, "left")
    counts = np.searchsorted(first, last + width + 1, "right") - begin
    below = np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    touching = csr_matrix((np.ones(len(below), np.int8), below, np.append(0, np.cumsum(counts))), (len(first),) * 2)
    total, regions = connected_components(touching, directed=False)
    order = np.argsort(regions, kind="stable")
    starts = np.searchsorted(regions[order], np.arange(total))
    rows, columns = np.divmod(first[order], width + 1)
    lengths = (last - first)[order]
    levels, rows = np.divmod(rows, height + 1)
    x1, y1 = np.minimum.reduceat(columns, starts), rows[starts]
    x2, y2 = np.maximum.reduceat(columns + lengths, starts), np.maximum.reduceat(rows, starts) + 1
    boxes = np.stack([x1, y1, x2, y2], axis=1).astype(np.float64)
    return LevelRegions(levels[starts], boxes, np.add.reduceat(lengths, starts))
