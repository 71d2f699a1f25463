"""Mean and spread of an image's gray levels, in whole numbers and some rows at a time."""

import math

import numpy as np
from numpy.typing import NDArray

_AT_A_TIME = 1_000_000  # pixels


def gray_moments(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation (of the population) of (h, w) gray levels, h and w above 0.

    numpy's own would make copies of eight bytes a pixel.
    """
    total = squares = 0
    rows = max(_AT_A_TIME // image.shape[1], 1)
    for top in range(0, image.shape[0], rows):
        part = image[top : top + rows].astype(np.int64)
        total += int(part.sum())
        squares += int(np.square(part).sum())
    count = image.size
    return total / count, math.sqrt(count * squares - total * total) / count
