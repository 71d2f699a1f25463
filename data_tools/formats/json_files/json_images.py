"""The images in JSON, JSON lines, or a table with fields of JSON, each with the objects that have boxes in it.

An object is of the image that it names, in itself or in an object right inside it (`asset`, `params`, `metadata`), or
under whose name it stands. What a key such as `predictions` or `history` holds is left out.
"""

from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from data_tools.files.csv_tables import column_key
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.formats.images.image_addresses import path_of
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.json_files.boxed_objects import (
    NAMES_OF_TYPES,
    Object,
    box_in,
    columns_as_objects,
    names_of_types,
    singular,
    type_in,
)
from data_tools.formats.json_files.boxes_of_defects import LISTS, Boxed, is_no_truth
from data_tools.formats.json_files.json_values import json_values, parsed_json
from data_tools.formats.shapes.packed_boxes import sense_of
from data_tools.formats.tables.columns import find_image
from data_tools.formats.tables.tables import SEPARATORS, first_fields, table_records
from data_tools.formats.tables.tables import SUFFIXES as TABLES

_IMAGES = (
    *("imagegcsuri", "imageuri", "imageurl", "url", "uri", "attachment", "datatitle", "title", "sourceref"),
    *("externalid", "labeleddata"),
)
_BARE = ("imageid", "imagename", "filename")  # may be names without a suffix
_LONGEST_BARE = 200
_DEEPEST = 6
_LONGEST, _LONGEST_FIELD = 4096, 1 << 20


@dataclass(frozen=True)
class Entry:
    """An image with its boxes, as a file has them.

    Attributes:
        line: of the file; None where it is one value of JSON.
        image: its name or path.
        size_hw: height and width that stand there; None without.
        boxes: its objects, each with its box, None where it has none that is understood, and the key of their list.
        empty: the keys of its empty lists.
        own: the object of the image itself.
        problem: why its boxes may be of another image; "" without.
    """

    line: int | None
    image: str
    size_hw: tuple[int, int] | None
    boxes: tuple[Boxed, ...]
    empty: frozenset[str]
    own: Object
    problem: str = ""


def entries_of(path: Path) -> tuple[list[Entry], dict[str, str]]:
    """The images of a file, else the one that it is named after, and the names of types by their numbers."""
    values = _values(path)
    names = names_of_types(values[0][1]) if len(values) == 1 else {}
    entries = [entry for line, value in values for entry in _found(value, line)]
    if not entries and len(values) == 1 and isinstance(values[0][1], dict):  # a file for one image, named after it
        boxes, empty = _boxes(values[0][1], 0)
        own = Entry(None, path.stem, _declared(values[0][1]), tuple(boxes), frozenset(empty), values[0][1])
        return [own] if boxes or empty else [], names
    return entries, names


def _values(path: Path) -> list[tuple[int | None, Any]]:
    """The values of a file, each with its line where there are several.

    Raises:
        InputError: neither JSON nor lines of it, nor a table.
    """
    if path.suffix.lower() in TABLES:
        return [*_rows(path)]
    return json_values(path)


def _rows(path: Path) -> Iterator[tuple[int | None, Any]]:
    """The rows of a table by the names in its header, with the objects and lists in its fields."""
    headers = ((separator, first_fields(path, separator)) for separator in SEPARATORS)
    separator = next((one for one, names in headers if len(names) > 1 and find_image(names) is not None), "")
    for line, row in table_records(path, separator) if separator else ():
        yield line, {name: _unpacked(name, field) for name, field in row.items()}


def _unpacked(name: str, field: str) -> Any:
    """The object, or the list of objects or points, in a field, as JSON or Python writes it; any other field as it is.

    Boxes that are lists of numbers alone are those of `csv`.
    """
    start = field[:_LONGEST].replace(" ", "")[:2]
    is_one = start[:1] == "{" or start in ("[{", "[]") or (start == "[[" and sense_of(column_key(name)) is None)
    if not is_one or len(field) > _LONGEST_FIELD:
        return field
    try:
        return parsed_json(field)
    except ValueError:
        pass
    try:
        return literal_eval(field)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return field


def _found(value: Any, line: int | None, depth: int = 0) -> Iterator[Entry]:
    """The images in a value of JSON with their boxes, from the outside in."""
    if depth > _DEEPEST or not isinstance(value, dict | list):
        return
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                yield from _found(one, line, depth + 1)
        return
    image = _image_of(value)
    inside = [
        entry
        for key, part in value.items()
        if isinstance(part, dict | list) and not is_no_truth(key)
        for entry in _found(_named(key, part), line, depth + 1)
        if entry.boxes or entry.empty
    ]
    within = sorted({entry.image for entry in inside} - {_path(image)}) if _is_image(image) else []
    if within:
        problem = f"{_path(image)[:80]} has {within[0][:80]} inside: of which of the two are the boxes?"
        inside = [replace(entry, problem=entry.problem or problem) for entry in inside]
        yield Entry(line, _path(image), None, (), frozenset(), value, problem)
    yield from inside
    if image and not inside:
        boxes, empty = _boxes(value, 0)
        yield Entry(line, _path(image), _declared(value), tuple(boxes), frozenset(empty), value)


def _path(image: str) -> str:
    return path_of(path_of(image)).lstrip("/")


def _named(key: str, value: Any) -> Any:
    """A value under the name of an image as an object that names it."""
    if not isinstance(value, list | dict) or not _is_image(key):
        return value
    return {"image": key, "annotations": value} if isinstance(value, list) else {"image": key, **value}


def _image_of(value: Object) -> str:
    """The image that an object names, in itself or in an object right inside it; "" where there is none."""
    own = _own_image(value)
    if own:
        return own
    parts = ((part, _own_image(part)) for part in value.values() if isinstance(part, dict))
    return next((image for part, image in parts if image and not any(_boxes(part, 0))), "")


def _own_image(value: Object) -> str:
    paths = {key: one for key, one in value.items() if isinstance(one, str) and _is_image(one)}
    place = find_image([*paths])
    if place is not None:
        return [*paths.values()][place]
    named = {column_key(key): one for key, one in paths.items()}
    bare = {column_key(key): one for key, one in value.items() if isinstance(one, str) and 0 < len(one) < _LONGEST_BARE}
    return next((of[key] for of, keys in ((named, _IMAGES), (bare, _BARE)) for key in keys if key in of), "")


def _is_image(value: str) -> bool:
    return len(value) < _LONGEST and PurePosixPath(path_of(value).replace("\\", "/")).suffix.lower() in IMAGE_SUFFIXES


def _boxes(value: Object, depth: int) -> tuple[list[Boxed], set[str]]:
    """The objects with boxes in an object, with the key that leads to them, and the keys of its empty lists."""
    own = box_in(value)
    if own is not None and depth:
        return [(value, own, "")], set()
    beside = columns_as_objects(value)
    if beside:
        return [(one, box_in(one), "") for one in beside], set()
    boxes: list[Boxed] = []
    empty: set[str] = set()
    for key, part in value.items():
        if is_no_truth(key) or depth > _DEEPEST or (own is not None and column_key(key) == own.key):
            continue
        if isinstance(part, dict):
            below, none_below = _boxes(part, depth + 1)
            boxes += [(one, found, of or key) for one, found, of in below]
            empty |= none_below
        elif part == []:
            empty.add(key)
        elif isinstance(part, list) and all(isinstance(one, dict) for one in part):
            in_list, none_in_list = _listed(part, key, depth)
            boxes += in_list
            empty |= none_in_list
    if own is not None and (own.key or not boxes):  # else x, y, width and height of an image are no box of it
        return [(value, own, ""), *boxes], empty
    return boxes, empty


def _listed(objects: list[Any], key: str, depth: int) -> tuple[list[Boxed], set[str]]:
    """What `_boxes` gives, of the objects in a list: those with boxes, else what is inside of them."""
    own = [(one, box_in(one), key) for one in objects]
    if any(found for _, found, _ in own):
        return own, set()
    inside = [_boxes(one, depth + 1) for one in objects]
    told = zip(objects, inside, strict=True)
    boxes = [(_with_type(outer, one), found, of) for outer, (below, _) in told for one, found, of in below]
    empty = {name for _, of in inside for name in of}
    return (boxes, empty) if boxes or LISTS & {*map(singular, empty)} or singular(key) not in LISTS else (own, set())


def _with_type(outer: Object, value: Object) -> Object:
    """A box with what is said of the object around it, where it has no type of its own and that one has."""
    if type_in(value, {}) or not type_in(outer, {}):
        return value
    return {**{key: one for key, one in outer.items() if isinstance(one, str | int | float)}, **value}


def not_understood(own: Object, depth: int = 0) -> str:
    """The key of a list of an image that holds objects or lists, which may be areas; "" where there is none."""
    for key, part in own.items():
        if is_no_truth(key) or column_key(key) in NAMES_OF_TYPES or depth > _DEEPEST:
            continue
        if isinstance(part, dict):
            below = not_understood(part, depth + 1)
            if below:
                return below
        is_list = isinstance(part, list) and any(isinstance(one, dict | list) and one for one in part)
        if is_list and not any(_boxes({key: part}, 0)) and _declared({key: part}) is None:  # else its size
            return key
    return ""


def left_out(own: Object) -> Iterator[str]:
    """The keys of an image, and of the objects right inside it, whose boxes are left out as no truth."""
    for key, part in own.items():
        if isinstance(part, dict | list) and is_no_truth(key):
            if any(_boxes({"objects": part}, 0)):
                yield key
        elif isinstance(part, dict):
            yield from (name for name, one in part.items() if is_no_truth(name) and any(_boxes({"objects": one}, 0)))


def _declared(value: Object) -> tuple[int, int] | None:
    """Height and width that an object gives of its image, in itself or in objects inside it that are no boxes."""
    parts = [value, *(part for part in value.values() if isinstance(part, dict))]
    parts += [one for part in parts[1:] for one in part.values() if isinstance(one, dict)]
    parts += [part[0] for part in value.values() if isinstance(part, list) and len(part) == 1]
    for part in parts:
        if isinstance(part, dict) and box_in(part) is None:
            named = {column_key(key): one for key, one in part.items()}
            for prefix in ("", "image", "img"):
                size_hw = declared_size((named.get(f"{prefix}height"), named.get(f"{prefix}width")))
                if size_hw is not None:
                    return size_hw
    return None
