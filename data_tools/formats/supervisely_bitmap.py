"""Supervisely's bitmaps: a PNG, packed by zlib and written as base64, with the place of its upper left pixel."""

import base64
import binascii
import io
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.files.images import PIXEL_LIMIT
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.shapes.run_lengths import EMPTY

_LONGEST = 1 << 26  # bytes of a packed PNG


def bitmap_box(bitmap: Any, size_hw: tuple[int, int] | None) -> Box | str:
    """The box around the pixels of a bitmap, or why there is none.

    Args:
        bitmap: with "data" and "origin" as x and y.
        size_hw: of the image, which a bitmap must not exceed; None where it is not known.
    """
    origin = bitmap.get("origin") if isinstance(bitmap, Mapping) else None
    place = numbers(origin) if isinstance(origin, list) else "no origin"
    if isinstance(place, str) or len(place) != 2:
        return f"a bitmap without an origin of x and y ({place})"
    pixels = _pixels(bitmap.get("data"), size_hw)
    if isinstance(pixels, str):
        return pixels
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return EMPTY
    x, y = place
    return x + float(columns[0]), y + float(rows[0]), x + float(columns[-1] + 1), y + float(rows[-1] + 1)


def _pixels(data: Any, size_hw: tuple[int, int] | None) -> NDArray[np.bool_] | str:
    """(h, w) mask of packed data; the size is looked at before anything is decoded."""
    if not isinstance(data, str):
        return "a bitmap without data"
    try:
        packed = zlib.decompressobj()
        png = packed.decompress(base64.b64decode(data, validate=True), _LONGEST)
    except (binascii.Error, zlib.error, ValueError) as error:
        return f"a bitmap that cannot be unpacked: {error}"
    if packed.unconsumed_tail:
        return f"a bitmap that unpacks to more than {_LONGEST} bytes"
    if not packed.eof:
        return "a bitmap that cannot be unpacked: it ends too early"
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            width, height = image.size
            if width * height > PIXEL_LIMIT or (size_hw is not None and (height > size_hw[0] or width > size_hw[1])):
                return f"a bitmap of {width} x {height} pixels, more than its image has"
            transparent = "A" in image.mode or "transparency" in image.info
            channel = image.convert("RGBA").getchannel("A") if transparent else image.convert("L")
            return np.asarray(channel) > 0
    except Exception:  # crafted files make Pillow raise whatever its decoders stumble on
        return "a bitmap that is no readable PNG"
