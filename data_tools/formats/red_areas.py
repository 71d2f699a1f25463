"""Where red was drawn into a copy of a gray image."""

import numpy as np
from numpy.typing import NDArray

from data_tools.formats.regions import boxes_of, label

_FAINTEST = 20  # levels by which red must lead green and blue; gray JPEG images stay far below
_OF_PEAK = 0.45  # of a region's strongest red: near half-way down is where the edge was before JPEG blurred its color


def red_boxes(
    copy: NDArray[np.uint8], original: NDArray[np.uint8], min_area: int, merge_distance: int
) -> tuple[NDArray[np.float64], int]:
    """(n, 4) boxes around what was drawn in red, and how many regions were left out as too small.

    JPEG keeps color at half the resolution and so smears a red line over its neighbours. Each connected reddish region
    is therefore cut at about half of its own strongest red; what is left of it makes one box even if the line broke.

    Args:
        copy, original: (h, w, 3) uint8 red, green and blue. Red that the original has too does not count.
        min_area, merge_distance: as for `regions`.
    """
    from scipy import ndimage

    drawn = _redness(copy) - np.maximum(_redness(original), 0)
    numbers = label(drawn >= _FAINTEST, merge_distance)
    peaks = np.asarray(ndimage.maximum(drawn, numbers, np.arange(numbers.max() + 1)))
    # what is faint beside the strongest red is ringing of the compression
    numbers[(drawn < _OF_PEAK * peaks[numbers]) | (peaks[numbers] < _OF_PEAK * peaks[1:].max(initial=0))] = 0
    return boxes_of(numbers, min_area)


def _redness(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    signed = pixels.astype(np.int16)
    difference: NDArray[np.int16] = signed[..., 0] - np.maximum(signed[..., 1], signed[..., 2])
    return difference
