"""Images and their boxes at another size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resize(
    image: NDArray[np.uint8], boxes_xyxy: NDArray[np.float64], input_hw: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Image and boxes at a new (height, width); see `resized`."""
    height, width = image.shape
    if (height, width) == tuple(input_hw):
        return image, boxes_xyxy
    scale = np.array([input_hw[1] / width, input_hw[0] / height] * 2)
    return resized(image, input_hw), boxes_xyxy * scale


def resized(image: NDArray[np.uint8], input_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """An image at a new (height, width); the bilinear filter widens when shrinking, which keeps thin lines."""
    if image.shape == tuple(input_hw):
        return image
    return np.asarray(Image.fromarray(image).resize((input_hw[1], input_hw[0]), Image.Resampling.BILINEAR))
