"""Whether four numbers are an upright box in pixels, by what stands beside them: an angle, another shape or a unit."""

import re
from collections.abc import Iterable
from math import isfinite

from data_tools.files.csv_tables import column_key
from data_tools.formats.words.vocabulary import word_set

_ANGLES = word_set("angle rotation rot theta rotationangle angledeg anglerad angledegrees angleradians")
_SHAPES = word_set("shape shapetype shapename geometry geometrytype boxtype regionshape annotationtype")
_UNITS = word_set("unit units einheit coordinateunit coordinatesunit unitofcoordinates")
_PIXELS = word_set("px pix pixel pixels")
_NO_BOXES = word_set("circle ellipse polygon polyline line linestrip point points keypoint mask brush")
_BOX_PREFIX = re.compile(r"^(bbox|box|rect|rectangle|roi|bb)(?=.)")


def not_upright(beside: Iterable[tuple[str, str]]) -> str:
    """Why a box is not upright, not in pixels, or no box at all; "" where nothing says so.

    Args:
        beside: names and values of what a file says of the area beside its numbers.
    """
    for name, value in beside:
        key = without_box(column_key(name))
        if key in _ANGLES and _turns(value):
            return f"turned, {name[:40]} {value[:20]}: give the corners of its outline"
        if key in _SHAPES and value.strip().lower() in _NO_BOXES:
            return f"{name[:40]} {value[:20]!r} is no rectangle: give the box around it"
        if key in _UNITS and value.strip() and value.strip().lower() not in _PIXELS:
            return f"{name[:40]} {value[:20]!r}: give the box in pixels"
    return ""


def without_box(key: str) -> str:
    """The key of a column without a word for the box before it, as in bbox_x."""
    return _BOX_PREFIX.sub("", key)


def _turns(angle: str) -> bool:
    try:
        degrees = float(angle.replace(",", "."))
    except ValueError:
        return False
    return isfinite(degrees) and bool(degrees % 360)
