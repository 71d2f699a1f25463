"""How the pixels of an image are: brightness, contrast, sharpness, noise, saturation, each a number."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.files.image_header import channel_bits
from data_tools.files.images import read_gray

_PER_PIXEL = math.sqrt(math.pi / 2) / 6


@dataclass(frozen=True)
class ImageQuality:
    """Numbers that no label is needed for; gray values are 0..255, as `read_gray` gives them.

    Attributes:
        height, width: as displayed, in pixels.
        kind: file format, pixel format and bits a channel, such as "PNG L 8 bit".
        mean, spread: of the gray values, and their standard deviation.
        sharpness: standard deviation of the Laplacian (the root of what Pech-Pacheco et al., ICPR 2000, take).
        noise: estimated standard deviation (Immerkaer, Computer Vision and Image Understanding 1996).
        saturated: share of pixels that are 0 or 255.
    """

    height: int
    width: int
    kind: str
    mean: float
    spread: float
    sharpness: float
    noise: float
    saturated: float


def read_quality(path: Path) -> ImageQuality:
    """Decode one image and measure it.

    Raises:
        InputError: not readable.
    """
    pixels = read_gray(path)
    with Image.open(path) as header:
        kind = f"{header.format or 'unknown'} {header.mode} {channel_bits(header)} bit"
    saturated = float(((pixels == 0) | (pixels == 255)).mean())
    height, width = pixels.shape
    return ImageQuality(
        height, width, kind, float(pixels.mean()), float(pixels.std()), sharpness(pixels), noise(pixels), saturated
    )


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Standard deviation of the Laplacian (4 neighbours) of (h, w) gray values; 0 for images below 3 x 3."""
    if min(pixels.shape) < 3:
        return 0.0
    values = pixels.astype(np.int16)
    laplacian = 4 * values[1:-1, 1:-1] - values[:-2, 1:-1] - values[2:, 1:-1] - values[1:-1, :-2] - values[1:-1, 2:]
    return float(laplacian.std())


def noise(pixels: NDArray[np.uint8]) -> float:
    """Standard deviation of the noise of (h, w) gray values, by a mask that lets edges pass little; 0 below 3 x 3.

    The mask is 1 -2 1 along both axes; for normal noise its mean magnitude is 6 sigma sqrt(2 / pi).
    """
    if min(pixels.shape) < 3:
        return 0.0
    values = pixels.astype(np.int16)
    along = values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]
    both = along[:-2] - 2 * along[1:-1] + along[2:]
    return float(np.abs(both).mean()) * _PER_PIXEL
