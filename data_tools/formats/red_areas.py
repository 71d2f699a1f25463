"""Where red was drawn into a copy of a gray image."""

import numpy as np
from numpy.typing import NDArray

_FAINTEST = 40  # levels by which red must lead green and blue; gray JPEG images stay far below
_OF_PEAK = 0.5  # of a region's strongest red: half-way down is where the edge was before JPEG blurred its color


def red_mask(copy: NDArray[np.uint8], original: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(h, w) pixels where red was drawn.

    JPEG keeps color at half the resolution and so smears a red line over its neighbours. Each connected reddish region
    is therefore cut at half of its own strongest red.

    Args:
        copy, original: (h, w, 3) uint8 red, green and blue. Red that the original has too does not count.
    """
    from scipy import ndimage

    drawn = _redness(copy) - np.maximum(_redness(original), 0)
    numbers, count = ndimage.label(drawn >= _FAINTEST, structure=np.ones((3, 3)))
    if not count:
        return np.zeros(drawn.shape, dtype=bool)
    peaks = np.concatenate([[np.inf], ndimage.maximum(drawn, numbers, np.arange(1, count + 1))])
    mask: NDArray[np.bool_] = drawn >= np.maximum(_FAINTEST, _OF_PEAK * peaks[numbers])
    return mask


def _redness(pixels: NDArray[np.uint8]) -> NDArray[np.int16]:
    signed = pixels.astype(np.int16)
    difference: NDArray[np.int16] = signed[..., 0] - np.maximum(signed[..., 1], signed[..., 2])
    return difference
