"""Which gray levels image files of more than 8 bits use."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from data_tools.core.errors import InputError
from data_tools.files.images import bits_of, read_gray, read_levels, read_rgb

FULL_BITS, _BYTE = 16, 8


@dataclass(frozen=True)
class GrayLevels:
    """The gray levels of an image of more than 8 bits.

    Attributes:
        low, high: of the whole image.
        kind: "gray" of 16 bits, "color" of 16 bits, of which the upper 8 are read, or "wide" where the values have no
            range of their own: floating point, negative, or more than 16 bits.
    """

    low: float
    high: float
    kind: Literal["gray", "color", "wide"]


def gray_levels(path: Path) -> GrayLevels | None:
    """The levels of an image file; None for 8 bits, and for one that cannot be read or holds values not finite."""
    try:
        levels = read_levels(path)
        if levels is not None:
            if not np.isfinite(levels).all():
                return None
            return GrayLevels(float(levels.min()), float(levels.max()), "gray" if _has_a_range(path) else "wide")
        if bits_of(path) > _BYTE:
            pixels = read_rgb(path)
            return GrayLevels(float(pixels.min()) * 256, float(pixels.max()) * 256 + 255, "color")
    except InputError:
        pass
    return None


def used_bits(levels: Sequence[GrayLevels]) -> int:
    """How many of their bits the images of a set use together; all of them without images."""
    return int(np.ceil(np.log2(max(0.0, *(one.high for one in levels)) + 1))) if levels else FULL_BITS


def range_text(levels: Sequence[GrayLevels], between: str = " to ") -> str:
    """The darkest and the brightest level of a set."""
    return f"{min(one.low for one in levels):.10g}{between}{max(one.high for one in levels):.10g}"


def _has_a_range(path: Path) -> bool:
    """Whether a deep image can be read as it is."""
    try:
        read_gray(path)
    except InputError:
        return False
    return True
