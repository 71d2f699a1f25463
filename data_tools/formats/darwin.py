"""Darwin JSON 2.0, as V7 exports it: a file an image, with its item and annotations.

Coordinates are positions between pixels. A file without annotations says that its image is good. Tags and key points
have no area: they say that an image shows a defect. Of a polygon the bounding box stands beside it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_json
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import WITHOUT_AREA, around, corners_of, shape, turned_ellipse
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.tool_files import json_with, tool_format
from data_tools.formats.words.entry_words import beside_in, contradiction, why_undecided
from data_tools.formats.words.folders import is_good

SUFFIXES = (".json",)
EMPTY = "Darwin file without annotations"
_AREAS = ("bounding_box", "polygon", "ellipse", "line")
_WITHOUT_AREA = ("tag", "keypoint")
_OWN = (*_AREAS, *_WITHOUT_AREA, "id", "name", "slot_names", "ranges", "annotators", "reviewers", "skeleton", "mask")


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its image.

    Raises:
        InputError: not a Darwin file of version 2.
    """
    value = read_json(path)
    if not _is_darwin(value):
        raise InputError("no 'item' with 'slots' beside 'annotations', so not a Darwin file of version 2")
    name, declared_hw = _image(value["item"])
    shapes, tags = list[Shape](), list[str]()
    for i, entry in enumerate(value["annotations"]):
        part = f"annotations[{i}]"
        label = entry.get("name") if isinstance(entry, dict) else None
        label = label if isinstance(label, str) else ""
        if not isinstance(entry, dict):
            shapes.append(Shape(label or "defect", problem="no object", part=part))
            continue
        beside = beside_in(entry, _OWN)
        kind = next((kind for kind in _WITHOUT_AREA if kind in entry), "")
        if not kind or any(area in entry for area in _AREAS):
            shapes.append(shape(label, _box(entry), part=part, beside=beside))
            continue
        problem = why_undecided(f"{part}: {kind}", label, contradiction(is_good(label), beside))
        if problem:
            yield Claim(path, name, own_name=path.stem, declared_hw=declared_hw, problem=problem)
            continue
        tags.append(label)
        if not is_good(label):
            findings.mend(path, None, name, WITHOUT_AREA.format(kind))
    good = "" if value["annotations"] else EMPTY
    yield Claim(path, name, None, path.stem, "", declared_hw, tuple(shapes), good=good)
    for label in tags:
        proof = f"tag {label!r}" if is_good(label) else ""
        kind = "" if proof else label or "defect"
        yield Claim(path, name, None, path.stem, "", declared_hw, defect_type=kind, good=proof)


def _is_darwin(value: Any) -> bool:
    item = value.get("item") if isinstance(value, dict) else None
    is_item = isinstance(item, dict) and isinstance(item.get("slots"), list) and isinstance(item.get("name"), str)
    return is_item and isinstance(value.get("annotations"), list)


def _image(item: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None]:
    """The path of an item's image below its dataset, and its size where it has one."""
    folder = item.get("path")
    place = folder.strip("/") if isinstance(folder, str) else ""
    slots = [slot for slot in item["slots"] if isinstance(slot, dict)]
    declared_hw = declared_size((slots[0].get("height"), slots[0].get("width"))) if len(slots) == 1 else None
    return f"{place}/{item['name']}".lstrip("/"), declared_hw


def _box(entry: Mapping[str, Any]) -> Box | str:
    """The box of an annotation, or why there is none."""
    kind = next((kind for kind in _AREAS if isinstance(entry.get(kind), dict)), "")
    if kind == "bounding_box":
        read = _numbers(entry[kind], "x", "y", "w", "h")
        return read if isinstance(read, str) else corners_of("corner", read)
    if kind == "ellipse":
        centre, radii = _point(entry[kind].get("center")), _point(entry[kind].get("radius"))
        angle = numbers((entry[kind].get("angle", 0),))
        problem = next((one for one in (centre, radii, angle) if isinstance(one, str)), "")
        return problem or turned_ellipse(centre, radii, angle[0])  # type: ignore[arg-type]
    if not kind:
        return "encloses no area that is read here"
    paths = entry[kind].get("paths") if kind == "polygon" else [entry[kind].get("path")]
    points = [_point(point) for path in paths or [] if isinstance(path, list) for point in path]
    problem = next((point for point in points if isinstance(point, str)), "" if points else f"a {kind} without points")
    return problem or around(points)  # type: ignore[arg-type]


def _point(value: Any) -> tuple[float, float] | str:
    read = _numbers(value, "x", "y")
    return read if isinstance(read, str) else (read[0], read[1])


def _numbers(value: Any, *keys: str) -> tuple[float, ...] | str:
    return numbers([value.get(key) for key in keys]) if isinstance(value, dict) else "no point of x and y"


def looks_like_darwin(path: Path) -> str | None:
    """What of Darwin a file is, or None."""
    value = json_with(path, {"annotations", "item", "slots"})
    return f"{path.name} has an item with slots, and annotations" if _is_darwin(value) else None


FORMAT = tool_format(
    "darwin", "Darwin JSON 2.0, by V7", "Darwin", SUFFIXES, looks_like_darwin, claims_of, one_image=True
)
