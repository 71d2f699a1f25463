"""Images and their boxes at another size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize(
    image: NDArray[np.uint8], boxes_xyxy: NDArray[np.float64], input_hw: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Image and boxes at a new (height, width); the bilinear filter widens when shrinking, which keeps thin lines."""
    height, width = image.shape
    if (height, width) == tuple(input_hw):
        return image, boxes_xyxy
    resized = np.asarray(Image.fromarray(image).resize((input_hw[1], input_hw[0]), Image.Resampling.BILINEAR))
    scale = np.array([input_hw[1] / width, input_hw[0] / height] * 2)
    return resized, boxes_xyxy * scale
