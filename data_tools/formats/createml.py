"""CreateML JSON, as LabelImg and Roboflow write it: a list of images, each with labels and their coordinates.

Coordinates are the centre, the width and the height of a box, in pixels; positions lie between pixels. An image that is
listed without annotations is good.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_json
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import corners_of, shape
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.tool_files import json_with, tool_format
from data_tools.formats.words.entry_words import beside_in

SUFFIXES = (".json",)
EMPTY = "listed in CreateML without annotations"
_SIDES = ("x", "y", "width", "height")
_LISTS = ("annotations", "annotation")
_NAMES = ("image", "imagefilename", "filename")


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its images, in its order.

    Raises:
        InputError: not a CreateML file.
    """
    value = read_json(path)
    if not _is_createml(value):
        raise InputError("no list of images with annotations of label and coordinates, so not a CreateML file")
    for i, entry in enumerate(value):
        name = next((entry[key] for key in _NAMES if isinstance(entry, dict) and isinstance(entry.get(key), str)), "")
        annotations = _annotations(entry)
        if not name:
            findings.reject(path, None, "", f"[{i}]: without the name of an image")
        elif annotations is None:
            yield Claim(path, name, problem=f"[{i}]: without a list of annotations")
        else:
            shapes = tuple(_shape(one, f"annotations[{k}]") for k, one in enumerate(annotations))
            yield Claim(path, name, shapes=shapes, good="" if annotations else EMPTY)


def _annotations(entry: Any) -> list[Any] | None:
    lists = [entry[key] for key in _LISTS if isinstance(entry.get(key), list)] if isinstance(entry, dict) else []
    return lists[0] if lists else None


def _shape(entry: Any, part: str) -> Shape:
    one: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
    label, place = one.get("label"), one.get("coordinates")
    read = numbers([place.get(side) for side in _SIDES]) if isinstance(place, dict) else "no coordinates"
    box = read if isinstance(read, str) else corners_of("centre", read)
    label = label if isinstance(label, str) else ""
    return shape(label, box, part=part, beside=beside_in(one, ("label", "coordinates")))


def _is_createml(value: Any) -> bool:
    """Whether the first image with annotations has coordinates, or none has any."""
    entries = value if isinstance(value, list) else []
    lists = [_annotations(entry) for entry in entries]
    first = next((one[0] for one in lists if one), {"label": "", "coordinates": {}})
    is_area = isinstance(first, dict) and {"label", "coordinates"} <= first.keys()
    return is_area and isinstance(first["coordinates"], dict) and any(one is not None for one in lists)


def looks_like_createml(path: Path) -> str | None:
    """What of CreateML a file is, or None."""
    value = json_with(path, {"coordinates", "label"})
    return f"{path.name} lists images with labels and coordinates" if _is_createml(value) else None


FORMAT = tool_format(
    "createml", "CreateML JSON, by LabelImg and Roboflow", "CreateML", SUFFIXES, looks_like_createml, claims_of
)
