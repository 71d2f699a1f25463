"""Datumaro's own JSON: items, each an image with annotations, and categories by number.

Coordinates are positions between pixels. An item without annotations says that its image is good.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD
from data_tools.files.dataset_folder import read_json
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import LINE, WITHOUT_AREA, corners_of, shape, turned_note, turned_rectangle
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.tool_files import json_with, tool_format
from data_tools.formats.words.entry_words import contradiction, values_in, why_undecided, word_of
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.remarks import NOT_UNDERSTOOD

SUFFIXES = (".json",)
EMPTY = "Datumaro item without annotations"
_WITHOUT_AREA = ("label", "points", "skeleton")
_SILENT = ("caption",)


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its images, in the order of its items.

    Raises:
        InputError: not a file of Datumaro.
    """
    value = read_json(path)
    if not _is_datumaro(value):
        raise InputError("no 'items' and 'categories', so not a file of Datumaro")
    labels = _labels(value["categories"])
    for i, item in enumerate(value["items"]):
        name, declared_hw = _image(item) if isinstance(item, dict) else ("", None)
        annotations = item.get("annotations") if isinstance(item, dict) else None
        if not name:
            findings.reject(path, None, name, f"items[{i}]: without an id")
            continue
        if not isinstance(annotations, list):
            yield Claim(path, name, problem=f"items[{i}]: without a list of annotations")
            continue
        attributes = item.get("attr")
        said, word = word_of(attributes) if isinstance(attributes, dict) else ("", "")
        if said not in ("", GOOD) and not annotations:
            yield Claim(path, name, problem=f"{NOT_UNDERSTOOD}: {word}")
            continue
        if said == GOOD and annotations:
            yield Claim(path, name, declared_hw=declared_hw, good=word)
        yield from _claims(path, name, declared_hw, annotations, labels, findings)


def looks_like_datumaro(path: Path) -> str | None:
    """What of Datumaro a file is, or None."""
    value = json_with(path, {"items", "categories"})
    return f"{path.name} has items and categories" if _is_datumaro(value) else None


def _is_datumaro(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("items"), list) and isinstance(value.get("categories"), dict)
    )


def _claims(
    path: Path,
    name: str,
    declared_hw: tuple[int, int] | None,
    annotations: Sequence[Any],
    labels: Sequence[str],
    findings: Findings,
) -> Iterator[Claim]:
    shapes, whole = [], []
    for i, entry in enumerate(annotations):
        kind = str(entry.get("type")) if isinstance(entry, dict) else ""
        if kind in _SILENT:
            findings.reject(path, None, name, f"annotations[{i}]: a {kind} says nothing of defects")
            continue
        number = entry.get("label_id") if isinstance(entry, dict) else None
        known = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < len(labels)
        label = labels[number] if known else ""  # type: ignore[index]
        attributes = entry.get("attributes") if isinstance(entry, dict) else None
        beside = tuple(values_in(attributes)) if isinstance(attributes, dict) else ()
        if kind in _WITHOUT_AREA:
            problem = why_undecided(f"annotations[{i}]: {kind}", label, contradiction(is_good(label), beside))
            if problem:
                yield Claim(path, name, declared_hw=declared_hw, problem=problem)
                continue
            whole.append(label)
            if not is_good(label):
                findings.mend(path, None, name, WITHOUT_AREA.format(kind))
        elif not isinstance(entry, dict) or kind not in _READERS:
            reason = f"type {kind[:40]!r} encloses no area that is read here"
            shapes.append(Shape(label or "defect", problem=reason, part=f"annotations[{i}]"))
        else:
            box, note = _READERS[kind](entry)
            shapes.append(shape(label, box, None, note, f"annotations[{i}]", beside))
    yield Claim(path, name, declared_hw=declared_hw, shapes=tuple(shapes), good="" if annotations else EMPTY)
    for label in whole:
        proof = f"label {label!r}" if is_good(label) else ""
        yield Claim(path, name, declared_hw=declared_hw, defect_type="" if proof else label or "defect", good=proof)


def _image(item: Mapping[str, Any]) -> tuple[str, tuple[int, int] | None]:
    """The name and the size of an item's image."""
    image = item.get("image")
    path = image.get("path") if isinstance(image, dict) else None
    size = image.get("size") if isinstance(image, dict) else None
    name = path if isinstance(path, str) and path else item.get("id")
    return (str(name) if isinstance(name, str | int) else ""), declared_size(size)


def _labels(categories: Mapping[str, Any]) -> list[str]:
    labels = categories.get("label")
    entries = labels.get("labels") if isinstance(labels, dict) else None
    entries = entries if isinstance(entries, list) else []
    return [str(one.get("name", "")) if isinstance(one, dict) else "" for one in entries]


def _bbox(entry: Mapping[str, Any]) -> tuple[Box | str, str]:
    place = entry.get("bbox")
    values = numbers(place) if isinstance(place, list) and len(place) == 4 else "bbox is not left, top, width, height"
    attributes = entry.get("attributes")
    turned = numbers([(attributes.get("rotation") or 0) if isinstance(attributes, dict) else 0])
    if isinstance(values, str) or isinstance(turned, str):
        return values if isinstance(values, str) else str(turned), ""
    x, y, width, height = values
    box = corners_of("corner", values)
    if not turned[0] % 360:
        return box, ""
    return turned_rectangle(box, turned[0], (x + width / 2, y + height / 2)), turned_note(turned[0])


def _outline(entry: Mapping[str, Any]) -> tuple[Box | str, str]:
    points, fewest = entry.get("points"), 6 if entry["type"] == "polygon" else 4
    if not isinstance(points, list) or len(points) < fewest or len(points) % 2:
        return "not enough numbers for an outline", ""
    values = numbers(points)
    box = values if isinstance(values, str) else corners_of("outline", values)
    return box, LINE if entry["type"] == "polyline" else ""


_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[Box | str, str]]] = {
    "bbox": _bbox,
    "polygon": _outline,
    "polyline": _outline,
    "ellipse": _outline,
}


FORMAT = tool_format("datumaro", "Datumaro JSON", "Datumaro", SUFFIXES, looks_like_datumaro, claims_of)
