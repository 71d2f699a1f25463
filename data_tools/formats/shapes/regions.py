"""Boxes around the connected regions of a mask."""

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import empty_boxes


def regions(mask: NDArray[np.bool_], min_area: int, merge_distance: int) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around the 8-connected regions of a mask, and how many were left out as too small.

    Args:
        mask: (h, w).
        min_area: regions with fewer pixels are left out, but the largest region of a mask never is.
        merge_distance: regions with at most so many pixels between them make one box.
    """
    return boxes_of(label(mask, merge_distance), min_area)


def label(mask: NDArray[np.bool_], merge_distance: int = 0) -> NDArray[np.int32]:
    """(h, w) numbers from 1 of the 8-connected regions of a mask, 0 elsewhere; see `regions` for `merge_distance`."""
    from scipy import ndimage

    joined = ndimage.binary_dilation(mask, np.ones((merge_distance + 1,) * 2)) if merge_distance else mask
    numbers: NDArray[np.int32] = ndimage.label(joined, structure=np.ones((3, 3), dtype=bool))[0]
    return np.where(mask, numbers, 0) if merge_distance else numbers


def boxes_of(numbers: NDArray[np.int32], min_area: int) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around the pixels of each number above 0, and how many were left out as too small.

    Args:
        numbers: (h, w); the pixels of a number need not be connected.
        min_area: as for `regions`.
    """
    from scipy import ndimage

    sizes = np.bincount(numbers.ravel())[1:]
    if not sizes.any():
        return empty_boxes(), 0
    slices = ndimage.find_objects(numbers)
    kept = np.flatnonzero((sizes >= min(min_area, sizes.max())) & (sizes > 0))
    boxes = [(slices[i][1].start, slices[i][0].start, slices[i][1].stop, slices[i][0].stop) for i in kept]
    return np.array(boxes, dtype=np.float64), int((sizes > 0).sum() - len(kept))
