"""Which gray levels image files of more than 8 bits use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.images import bits_of, read_gray, read_levels, read_rgb

FULL_BITS, _BYTE = 16, 8
_ALL_BITS = 128  # a gray level of 8 bits: 2 ** 15 and more of 16 bits become this and more


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


def gray_levels(path: Path | bytes) -> GrayLevels | None:
    """The levels of an image file, or of its content.

    None for 8 bits, and for one that cannot be read or holds values that are not finite.
    """
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


class DarknessNotice:
    """Says which images of 16 bits use few of them, which a run that learned from stretched images takes for darkness.

    The first is named, then the tenth, the hundredth and so on, so that a million are no flood.

    Args:
        say: is given each sentence.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say, self._seen, self._dark = say, 0, 0

    def look(self, name: str, pixels: NDArray[np.uint8], source: Path | bytes | Image.Image) -> None:
        """Count an image; its file, content or PIL image is opened again only where its pixels are dark."""
        self._seen += 1
        if pixels.max() >= _ALL_BITS or not _is_deep(source):
            return
        self._dark += 1
        if str(self._dark).strip("0") != "1":
            return
        levels = _levels_of_opened(source) if isinstance(source, Image.Image) else gray_levels(source)
        if levels is None:
            return
        used = f"{used_bits([levels])} of 16 bits (gray values {range_text([levels])})"
        said = f"{name} uses {used}"
        if self._dark > 1:
            said = f"{self._dark} of {self._seen} images use few of their 16 bits; the last, {name}, uses {used}"
        self._say(
            f"WARNING: {said}; if the run learned from a set that was converted with --gray_range, stretch such images "
            "by the same range"
        )

    def close(self) -> None:
        """Say how many there were, unless that has been said."""
        if self._dark > 1:
            self._say(f"WARNING: {self._dark} of {self._seen} images use few of their 16 bits")


def used_bits(levels: Sequence[GrayLevels]) -> int:
    """How many of their bits the images of a set use together; all of them without images."""
    return int(np.ceil(np.log2(max(0.0, *(one.high for one in levels)) + 1))) if levels else FULL_BITS


def range_text(levels: Sequence[GrayLevels], between: str = " to ") -> str:
    """The darkest and the brightest level of a set."""
    return f"{min(one.low for one in levels):.10g}{between}{max(one.high for one in levels):.10g}"


def _has_a_range(path: Path | bytes) -> bool:
    """Whether a deep image can be read as it is."""
    try:
        read_gray(path)
    except InputError:
        return False
    return True


def _is_deep(source: Path | bytes | Image.Image) -> bool:
    if isinstance(source, Image.Image):
        return source.mode.startswith("I")
    try:
        return bits_of(source) > _BYTE
    except InputError:
        return False  # gone since it was read


def _levels_of_opened(image: Image.Image) -> GrayLevels:
    values = np.asarray(image)
    return GrayLevels(float(values.min()), float(values.max()), "gray")
