"""Decoded images -> arrays, some rows at a time: no second copy of the whole is made beside the array itself."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.row_blocks import row_blocks

_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_MOST_DEEP = 65535

Pixels = NDArray[np.uint8]


def gray_of(image: Image.Image, place: Path | str) -> Pixels:
    """(h, w) uint8 gray levels of an upright image.

    16-bit gray is scaled by 65535 -> 255, color goes to gray by the ITU-R 601 luma, transparency is laid over black.

    Args:
        image: decoded.
        place: its name in messages.

    Raises:
        InputError: gray levels of no known range.
    """
    return _filled(image, (), _gray_rows(image, place))


def rgb_of(image: Image.Image, place: Path | str) -> Pixels:
    """(h, w, 3) uint8 red, green and blue of an upright image, by the rules of `gray_of`."""
    if image.mode in (*_DEEP, "F"):
        return np.repeat(gray_of(image, place)[:, :, None], 3, axis=2)
    return _filled(image, (3,), lambda rows: np.asarray(_in_color(rows)))


def _gray_rows(image: Image.Image, place: Path | str) -> Callable[[Image.Image], Pixels]:
    """What turns some rows of the image into gray levels."""
    if image.mode == "F":
        raise InputError(f"{place}: floating-point pixels have no known range; convert with --gray_range LO,HI")
    if image.mode == "I":
        least, most = (int(value) for value in image.getextrema())  # type: ignore[arg-type]
        if least < 0 or most > _MOST_DEEP:
            raise InputError(
                f"{place}: pixel values {least}..{most} do not fit 16 bits; convert with --gray_range LO,HI"
            )
    if image.mode in _DEEP:
        return lambda rows: ((np.asarray(rows).astype(np.int32) + 128) // 257).astype(np.uint8)
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return lambda rows: np.asarray(rows.convert("L"))
    return lambda rows: np.asarray(_in_color(rows).convert("L"))


def _in_color(rows: Image.Image) -> Image.Image:
    """In mode RGB, what is transparent over black."""
    if "A" in rows.mode or "transparency" in rows.info:
        rows = rows.convert("RGBA")
        rows = Image.alpha_composite(Image.new("RGBA", rows.size, (0, 0, 0, 255)), rows)
    return rows.convert("RGB")


def _filled(image: Image.Image, channels: tuple[int, ...], values: Callable[[Image.Image], Pixels]) -> Pixels:
    made = np.empty((image.height, image.width, *channels), dtype=np.uint8)
    for rows in row_blocks(image.height, image.width):
        made[rows] = values(image.crop((0, rows.start, image.width, rows.stop)))
    return made
