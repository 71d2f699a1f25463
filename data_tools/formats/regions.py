"""Boxes around the connected regions of a mask."""

import numpy as np
from numpy.typing import NDArray

from data_tools.records import empty_boxes


def regions(mask: NDArray[np.bool_], min_area: int, merge_distance: int) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around the 8-connected regions of a mask, and how many were left out as too small.

    Args:
        mask: (h, w).
        min_area: regions with fewer pixels are left out, but the largest region of a mask never is.
        merge_distance: regions with at most so many pixels between them make one box.
    """
    from scipy import ndimage

    reach = np.ones((3, 3), dtype=bool)
    joined = ndimage.binary_dilation(mask, np.ones((merge_distance + 1,) * 2)) if merge_distance else mask
    numbers, count = ndimage.label(joined, structure=reach)
    if not count:
        return empty_boxes(), 0
    numbers = np.where(mask, numbers, 0)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    slices = ndimage.find_objects(numbers, max_label=count)
    kept = np.flatnonzero(sizes >= min(min_area, sizes.max()))
    boxes = [(slices[i][1].start, slices[i][0].start, slices[i][1].stop, slices[i][0].stop) for i in kept]
    return np.array(boxes, dtype=np.float64), int(count - len(kept))
