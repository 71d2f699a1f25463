"""Boxes in the objects of JSON, by the keys that tools and published sets give them.

An object has a box where its keys name the sides (`xMin`, `left`, `x`), in itself or one level below (`boundingBox`,
`bndbox`, `points`), or where one key holds its numbers in a list (`bbox`), or the points of its outline (`polygon`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from data_tools.files.csv_tables import column_key
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.packed_boxes import UNKNOWN, sense_of
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.tables.columns import find_columns
from data_tools.formats.words.folders import is_predicted
from data_tools.formats.words.vocabulary import word_set

_IMAGE = "image"
_CORNERS = ("x1", "y1", "x2", "y2")
_OUTLINES = word_set(
    "points polygon segmentation vertices contour coordinates geometry exterior boundingpoly normalizedvertices shape"
)
_SIDES = 4
_ROWS_FIRST = ("box2d",)  # as vision language models have it: y1, x1, y2, x2, in 0..1000
_NO_TYPES = word_set("bbox box boundingbox rect rectangle polygon polyline mask segmentation detection image")
_TYPES = {
    **dict.fromkeys(("tagname", "displayname", "bboxlabel", "classtitle", "tags", "labels"), "label"),
    **dict.fromkeys(("title", "value"), "name"),
    "categories": "category",
    "code": "defectcode",
    "labelid": "classid",
}
NAMES_OF_TYPES = word_set("categories classes labelclasses classnames")
"""Keys of what types are called, by `column_key`."""

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST_NUMBER = 40
_TRUTH = re.compile("^(?:gt|groundtruth|truth|true)(?=b)")
Object = Mapping[str, Any]


@dataclass(frozen=True)
class Found:
    """A box as an object has it.

    Attributes:
        key: under which it stands; "" where its sides are keys of the object itself.
        shape: as `Columns` has it; "outline" where `values` are x and y of each point in turn.
        values: its numbers.
        keys: all keys of the object, by `column_key`.
    """

    key: str
    shape: str
    values: tuple[Any, ...]
    keys: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether all its numbers are 0, as some write it where there is no box."""
        read = numbers(self.values)
        return not isinstance(read, str) and not any(read)

    def corners(self, shape: str) -> Box | str:
        """x1, y1, x2, y2 where the numbers are of the given shape; or what is wrong with them."""
        values = numbers(self.values)
        if isinstance(values, str):
            return values
        if shape in ("corner", "centre") and min(values[2:]) <= 0:
            return "zero-area rectangle"
        return corners_of(shape, values)


def box_in(value: Any) -> Found | None:
    """The box of an object; None where it has none."""
    if not isinstance(value, dict):
        return None
    keys = frozenset(map(column_key, value))
    own = _sides(value)
    if own is not None:
        return Found("", *own, keys)
    outline = None
    for key, inside in value.items():
        name = column_key(key)
        sense = UNKNOWN if name in _ROWS_FIRST else _sense(name)
        if sense is not None and _is_list_of_numbers(inside, _SIDES):
            return Found(name, sense, tuple(inside), keys)
        if (sense is not None or name in _OUTLINES) and isinstance(inside, dict):
            sides = _sides(inside)
            if sides is not None:
                return Found(name, *sides, keys)
            inside = next((one for of, one in inside.items() if column_key(of) in _OUTLINES), None)
        if outline is None and (sense is not None or name in _OUTLINES):
            outline = _outline(name, inside, keys)
    return outline


def outline_in(value: Object) -> Found | None:
    """The outline that an object has, if need be beside its box; None where it has none."""
    keys = frozenset(map(column_key, value))
    found = (_outline(name, one, keys) for key, one in value.items() if (name := column_key(key)) in _OUTLINES)
    return next((one for one in found if one is not None and one.shape == "outline"), None)


def type_in(value: Object, names: Mapping[str, str]) -> str:
    """The type that an object names, by its number in `names` where it is one; "" where it names none."""
    texts = {key: text for key, one in value.items() if (text := _type(one)) and not _is_no_type(text)}
    place = _type_place(tuple(texts))
    text = "" if place is None else [*texts.values()][place]
    return names.get(text, text)


def columns_as_objects(value: Object) -> list[Object] | None:
    """The objects of lists that stand side by side, an entry each: {"bbox": [[...]], "category": [...]}.

    None where no list of boxes is among them.
    """
    lists = {key: one for key, one in value.items() if isinstance(one, list) and not is_predicted(key)}
    for key, boxes in lists.items():
        if _sense(column_key(key)) is None or not all(_is_list_of_numbers(box, _SIDES) for box in boxes):
            continue
        if boxes:
            beside = [name for name, one in lists.items() if name == key or len(one) == len(boxes)]
            return [{singular(name): lists[name][i] for name in beside} for i in range(len(boxes))]
        return []
    return None


def names_of_types(value: Any) -> dict[str, str]:
    """The names of types by their numbers, as a file gives them above its objects; empty where it does not."""
    if not isinstance(value, dict):
        return {}
    for key, part in value.items():
        if column_key(key) in ("metainfo", "info", "meta"):
            inside = names_of_types(part)
            if inside:
                return inside
        if column_key(key) not in NAMES_OF_TYPES:
            continue
        if isinstance(part, list) and part and all(isinstance(one, str) for one in part):
            return {str(i): one for i, one in enumerate(part)}
        pairs = [*_numbered(part)]
        if pairs:
            return dict(pairs)
    return {}


def _sense(key: str) -> str | None:
    """What `sense_of` says of a key, with or without a word for the truth before it."""
    return sense_of(_TRUTH.sub("", key))


def _numbered(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):  # by number, or by name
        yield from ((key, one) for key, one in part.items() if key.isdecimal() and isinstance(one, str))
        yield from ((str(one), key) for key, one in part.items() if isinstance(one, int) and not isinstance(one, bool))
    for one in part if isinstance(part, list) else ():
        number = next((one[key] for key in ("class_id", "id") if key in one), None) if isinstance(one, dict) else None
        name = one.get("name") if isinstance(one, dict) else None
        if number is not None and isinstance(name, str):
            yield str(number), name


def _sides(value: Object) -> tuple[str, tuple[Any, ...]] | None:
    """The shape of the box whose sides are keys of an object, and its numbers."""
    keys = tuple(key for key, one in value.items() if _is_number(one))
    found = _side_places(keys)
    return None if found is None else (found[0], tuple(value[keys[i]] for i in found[1]))


@lru_cache(maxsize=1 << 10)
def _side_places(keys: Sequence[str]) -> tuple[str, tuple[int, ...]] | None:
    columns = find_columns((_IMAGE, *keys))
    return None if columns is None or len(columns.box) == 1 else (columns.shape, tuple(i - 1 for i in columns.box))


@lru_cache(maxsize=1 << 10)
def _type_place(keys: Sequence[str]) -> int | None:
    own = [_TYPES.get(column_key(key), key) for key in keys]
    columns = find_columns((_IMAGE, *_CORNERS, *own))
    return None if columns is None or columns.type is None else columns.type - 1 - len(_CORNERS)


def _type(value: Any) -> str:
    if isinstance(value, list):
        texts = [str(one.get("name", "")) if isinstance(one, dict) else one for one in value]
        return " & ".join(texts) if all(isinstance(one, str) and one for one in texts) else ""
    return "" if isinstance(value, bool) or not isinstance(value, str | int) else str(value).strip()


def _is_no_type(text: str) -> bool:
    """Whether a text is of the shape of a box, or names an image."""
    return text.lower() in _NO_TYPES or text.lower().endswith(IMAGE_SUFFIXES)


def _outline(key: str, value: Any, keys: frozenset[str]) -> Found | None:
    """The outline, or two corners, that a list of points makes: pairs, objects with x and y, or numbers in a row."""
    if not isinstance(value, list) or not value:
        return None
    if len(value) == 1 and isinstance(value[0], dict) and key == "boundingpoly":
        inside = (_outline(key, one, keys) for name, one in value[0].items() if column_key(name) in _OUTLINES)
        return next((one for one in inside if one is not None), None)
    if len(value) == 1 and isinstance(value[0], list) and value[0]:
        inner = value[0]
        if len(inner) > _SIDES or not _is_number(inner[0]):
            return _outline(key, inner, keys)
    points = [(one.get("x"), one.get("y")) if _is_point(one) else one for one in value]
    if all(isinstance(one, list | tuple) and len(one) == 2 for one in points):
        flat = tuple(side for point in points for side in point)
    elif all(map(_is_number, value)) and len(value) % 2 == 0 and len(value) > _SIDES:
        flat = tuple(value)
    else:
        return None
    if not all(map(_is_number, flat)) or len(flat) < _SIDES:
        return None
    return Found(key, "corners" if len(flat) == _SIDES else "outline", flat, keys)


def _is_point(value: Any) -> bool:
    """Whether an object is a point, and no box with more than its corner."""
    return isinstance(value, dict) and {"x", "y"} <= value.keys() <= {"x", "y", "z"}


def singular(key: str) -> str:
    """The key of one object in a list by the key of the list, as `column_key` has it."""
    name = column_key(key)
    return "category" if name == "categories" else name.removesuffix("es" if name.endswith("boxes") else "s")


def _is_list_of_numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    """Whether a value is a number, or the text of one."""
    if isinstance(value, str):
        return len(value) < _LONGEST_NUMBER and _NUMBER.fullmatch(value.strip()) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)
