"""Boxes that stand in one field: "[834.0, 222.0, 56.0, 36.0]", "(10, 20, 30, 40)", "10 20 30 40".

Several of a row stand apart by semicolons, or each in brackets of its own: Global Wheat's `BoxesString`.

Two corners, or a corner with width and height: a header such as `bbox_xywh` or `bbox (x1,y1,x2,y2)` says it, else all
boxes of a table together, where many of them could be no box in any other sense.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from data_tools.formats.shapes.rectangles import numbers

UNKNOWN = "unknown"
_BOX = "(?:bbox|bboxes|box|boxes|boundingbox|bndbox|rect|rectangle|roi)"
_SENSES = {
    "corner": f"(?:{_BOX}?(?:xywh|ltwh|xywidthheight|xminyminwidthheight|lefttopwidthheight)|{_BOX}coco)",
    "corners": f"(?:{_BOX}?(?:xyxy|x1y1x2y2|x0y0x1y1|ltrb|xminyminxmaxymax|lefttoprightbottom)|{_BOX}(?:pascal)?voc)",
    "centre": f"(?:{_BOX}?(?:cxcywh|xcycwh|cxcywidthheight)|{_BOX}yolo)",
}
_SEVERAL = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_NONE = ("no_box", "nobox", "[]", "()")
_PARTS = re.compile(r"[\s,;]+")
_SIDES = 4
_TELLING = 0.25  # the share of the boxes that could be none in the other sense
_ROUNDING = 1.0  # pixels

SizeHW = tuple[int, int]


@lru_cache(maxsize=1 << 14)
def sense_of(key: str) -> str | None:
    """The shape of the boxes in a column by its key, as `Columns` has it, or UNKNOWN; None where it holds none."""
    if re.fullmatch(f"{_BOX}(?:string|str)?", key):
        return UNKNOWN
    return next((shape for shape, how in _SENSES.items() if re.fullmatch(how, key)), None)


def boxes_in(field: str) -> list[str]:
    """The boxes of a field, a text each; an empty one where it says that there is none, and else the field alone."""
    text = field.strip()
    inside = _SEVERAL.findall(text) if text[:1] in ("[", "(") else []
    boxes = inside or text.split(";")
    if (inside or len(boxes) > 1) and all(len(parts_of(box)) == _SIDES for box in boxes):
        return boxes
    return [""] if text.lower() in _NONE else [field]


def parts_of(field: str) -> list[str]:
    """The four numbers of a field as they are spelled; the field alone where it has not just four."""
    text = field.strip()
    if text[:1] + text[-1:] in ("[]", "()", "{}"):
        text = text[1:-1].strip()
    parts = _PARTS.split(text) if text else []
    return parts if len(parts) == _SIDES else [field]


def sense_by_values(boxes: Sequence[tuple[Sequence[str], SizeHW | None]]) -> str:
    """The shape of the boxes of a table; UNKNOWN where they may have either sense, or are shares of the image's size.

    Args:
        boxes: the four numbers of each as they are spelled, and height and width of the image where they are known.
    """
    read = [(numbers(values), size_hw) for values, size_hw in boxes if len(values) == _SIDES]
    known = [(values, size_hw) for values, size_hw in read if not isinstance(values, str) and any(values)]
    if not any(max(values) > 1 for values, _ in known):
        return UNKNOWN
    no_corners = sum(c <= a or d <= b or _leaves(c, d, size_hw) for (a, b, c, d), size_hw in known)
    no_sizes = sum(min(c, d) <= 0 or _leaves(a + c, b + d, size_hw) for (a, b, c, d), size_hw in known)
    no_rows_first = sum(_leaves(d, c, size_hw) for (_, _, c, d), size_hw in known)  # as scikit-image has them
    telling = _TELLING * len(known)
    if no_corners >= telling and not no_sizes:
        return "corner"
    return "corners" if min(no_sizes, no_rows_first) >= telling and not no_corners else UNKNOWN


def _leaves(x: float, y: float, size_hw: SizeHW | None) -> bool:
    return size_hw is not None and (x > size_hw[1] + _ROUNDING or y > size_hw[0] + _ROUNDING)
