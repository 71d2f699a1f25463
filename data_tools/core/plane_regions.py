"""The regions of many planes of cells at once, from runs of cells instead of a label image for each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PlaneRegions:
    """8-connected regions, plane after plane, those of a plane in the order of their first cell.

    Attributes:
        planes: (n,) place of each region's plane, ascending.
        boxes_xyxy: (n, 4) float64 half-open, in cells.
        areas: (n,) cells.
    """

    planes: Ints
    boxes_xyxy: NDArray[np.float64]
    areas: Ints


def plane_regions(planes: NDArray[np.bool_]) -> PlaneRegions:
    """The regions in (planes, rows, columns) flags, of which at least one is set.

    Rows of cells are cut into runs. Runs of neighbouring rows that touch, at sides or corners, belong together.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    count, height, width = planes.shape
    # an empty row after each plane and an empty cell after each row keep what is apart from touching
    flat = np.zeros(1 + count * (height + 1) * (width + 1), dtype=bool)
    flat[1:].reshape(count, height + 1, width + 1)[:, :-1, :-1] = planes
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
    of_planes, rows = np.divmod(rows, height + 1)
    x1, y1 = np.minimum.reduceat(columns, starts), rows[starts]
    x2, y2 = np.maximum.reduceat(columns + lengths, starts), np.maximum.reduceat(rows, starts) + 1
    boxes = np.stack([x1, y1, x2, y2], axis=1).astype(np.float64)
    return PlaneRegions(of_planes[starts], boxes, np.add.reduceat(lengths, starts))
