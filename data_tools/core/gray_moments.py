"""Mean and spread of an image's gray levels, in whole numbers and some rows at a time."""

import math

import numpy as np
from numpy.typing import NDArray

from data_tools.core.row_blocks import row_blocks


def gray_moments(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation (of the population) of (h, w) gray levels, h and w above 0.

    numpy's own would make copies of eight bytes a pixel.
    """
    total = squares = 0
    for rows in row_blocks(*image.shape):
        part = image[rows].astype(np.int64)
        total += int(part.sum())
        squares += int(np.square(part).sum())
    count = image.size
    return total / count, math.sqrt(count * squares - total * total) / count
