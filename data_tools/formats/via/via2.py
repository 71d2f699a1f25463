"""VGG Image Annotator 1 and 2: projects and annotations as JSON, and annotations as CSV with JSON in its fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import degrees
from pathlib import Path
from typing import Any

from data_tools.core.records import GOOD
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import LINE, WITHOUT_AREA, corners_of, shape, turned_ellipse, turned_note
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.via.via_labels import beside_of, class_of, state_of, value_of
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.remarks import NOT_UNDERSTOOD

EMPTY = "image without regions in a VIA file"
COLUMNS = ("filename", "file_attributes", "region_count", "region_shape_attributes", "region_attributes")
State = tuple[str | None, str] | None


def is_project(value: Any) -> bool:
    """Whether a JSON value is a project of VIA 2."""
    return isinstance(value, dict) and isinstance(value.get("_via_img_metadata"), dict)


def is_annotations(value: Any) -> bool:
    """Whether a JSON value is the annotations that VIA 1 and 2 export."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(one, dict) and "filename" in one and "regions" in one for one in value.values())
    )


def json_claims(path: Path, value: dict[str, Any], findings: Findings) -> Iterator[Claim]:
    """What a project or exported annotations say, in the order of the images."""
    attributes = value.get("_via_attributes")
    of_regions, of_files = (
        part if isinstance(part, dict) else {}
        for part in ((attributes.get("region"), attributes.get("file")) if isinstance(attributes, dict) else ({}, {}))
    )
    entries = value["_via_img_metadata"] if is_project(value) else value
    for key, entry in entries.items():
        name = entry.get("filename") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            findings.reject(path, None, key, "an image without a filename")
            continue
        regions = entry.get("regions")
        regions = list(regions.values()) if isinstance(regions, dict) else regions  # a dictionary in VIA 1
        if not isinstance(regions, list):
            yield Claim(path, name, problem="regions are no list")
            continue
        pairs = [_parts(region) for region in regions]
        state = state_of(entry.get("file_attributes"), of_files)
        yield from image_claims(path, name, None, pairs, state, of_regions, findings)


def csv_claims(path: Path, rows: Sequence[tuple[int, list[str]]], findings: Findings) -> Iterator[Claim]:
    """What a table of annotations says, in the order of the images.

    Args:
        path: of the file.
        rows: line and fields; the first is the header.
        findings: gets rows that cannot be read.
    """
    header = [name.strip().lstrip("#") for name in rows[0][1]]
    place = {name: header.index(name) for name in COLUMNS}
    images: dict[str, list[tuple[int, Any, Any]]] = {}
    states: dict[str, State] = {}
    counts: dict[str, int] = {}
    for line, fields in rows[1:]:
        name = fields[place["filename"]] if len(fields) > place["filename"] else ""
        values = [value_of(fields[place[key]]) for key in COLUMNS[3:]] if len(fields) == len(header) else [None]
        if not name or not all(isinstance(value, dict) for value in values):
            reason = f"{len(fields)} fields instead of {len(header)}" if len(values) == 1 else "attributes are not JSON"
            if name:
                yield Claim(path, name, line, problem=reason)
            else:
                findings.reject(path, line, name, reason)
            continue
        states[name] = state_of(value_of(fields[place["file_attributes"]]), {}) or states.get(name)
        count = fields[place["region_count"]]
        counts[name] = int(count) if count.isascii() and count.isdigit() and len(count) < 9 else 0
        images.setdefault(name, [])
        if values[0]:
            images[name].append((line, values[0], values[1]))
    for name, regions in images.items():
        pairs = [(shape_attributes, region_attributes) for _, shape_attributes, region_attributes in regions]
        lines = [line for line, _, _ in regions]
        missing = counts.get(name, 0) - len(pairs)
        if missing > 0:
            pairs.append((None, f"{missing} of {counts[name]} regions have no row that can be read"))
            lines.append(0)
        yield from image_claims(path, name, lines, pairs, states.get(name), {}, findings)


def image_claims(
    path: Path,
    name: str,
    lines: Sequence[int] | None,
    regions: Sequence[tuple[Any, Any]],
    state: State,
    definitions: Mapping[str, Any],
    findings: Findings,
) -> Iterator[Claim]:
    """Claims about one image.

    Args:
        path, name: the file and the image.
        lines: of the regions; None where lines mean nothing.
        regions: shape and region attributes; None and the reason for a region that cannot be read.
        state: status of the image as a whole, and what says so; None where nothing does.
        definitions: of the regions' attributes.
        findings: gets what has no area.
    """
    shapes, points = [], []
    for i, (form, attributes) in enumerate(regions):
        line = (lines[i] or None) if lines else None
        if form is None:
            shapes.append(Shape("defect", line=line, problem=str(attributes)))
            continue
        label, note = class_of(attributes, definitions)
        if isinstance(form, dict) and form.get("name") == "point":
            points.append((line, label))
        else:
            box, own_note = _box(form)
            note = "; ".join(filter(None, (own_note, note)))
            shapes.append(shape(label, box, line, note, beside=beside_of(attributes, definitions)))
    proof, defect_type = said_by(state)
    if not regions and state is None:
        proof = EMPTY
    elif not regions and state is not None and state[0] is None:
        yield Claim(path, name, problem=f"no regions, and {NOT_UNDERSTOOD}: {state[1]!r}")
        return
    yield Claim(
        path, name, lines[0] or None if lines else None, shapes=tuple(shapes), defect_type=defect_type, good=proof
    )
    for line, label in points:
        findings.mend(path, line, name, WITHOUT_AREA.format("a point"))
        if not is_good(label):
            yield Claim(path, name, line, defect_type=label or "defect")


def said_by(state: State) -> tuple[str, str]:
    """The evidence that an image is good, or its type where it is a defect; both empty where nothing is said."""
    if state is None or state[0] is None:
        return "", ""
    return (f"VIA attribute {state[1]!r}", "") if state[0] == GOOD else ("", state[1])


def _parts(region: Any) -> tuple[Any, Any]:
    if not isinstance(region, dict) or not isinstance(region.get("shape_attributes"), dict):
        return None, "a region without shape_attributes"
    return region["shape_attributes"], region.get("region_attributes")


def _box(form: Mapping[str, Any]) -> tuple[Box | str, str]:
    kind = form.get("name")
    reader = _SHAPES.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return f"shape {str(kind)[:40]!r} encloses no area that is read here", ""
    return reader(form)


def _rect(form: Mapping[str, Any]) -> tuple[Box | str, str]:
    values = numbers([form.get(key) for key in ("x", "y", "width", "height")])
    return (values if isinstance(values, str) else corners_of("corner", values)), ""


def _round(form: Mapping[str, Any]) -> tuple[Box | str, str]:
    circle = form.get("name") == "circle"
    values = numbers([form.get(key) for key in (("cx", "cy", "r", "r") if circle else ("cx", "cy", "rx", "ry"))])
    turned = numbers([form.get("theta") or 0])
    if isinstance(values, str) or isinstance(turned, str):
        return values if isinstance(values, str) else str(turned), ""
    angle = 0.0 if circle else degrees(turned[0])
    return turned_ellipse((values[0], values[1]), (values[2], values[3]), angle), turned_note(angle)


def _outline(form: Mapping[str, Any]) -> tuple[Box | str, str]:
    xs, ys = form.get("all_points_x"), form.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        return "points without an x and a y each", ""
    line = form.get("name") == "polyline"
    if len(xs) < (2 if line else 3):
        return f"{len(xs)} points for a {form.get('name')}", ""
    flat_xs, flat_ys = numbers(xs), numbers(ys)
    if isinstance(flat_xs, str) or isinstance(flat_ys, str):
        return flat_xs if isinstance(flat_xs, str) else str(flat_ys), ""
    return (min(flat_xs), min(flat_ys), max(flat_xs), max(flat_ys)), LINE if line else ""


_SHAPES: dict[str, Callable[[Mapping[str, Any]], tuple[Box | str, str]]] = {
    "rect": _rect,
    "circle": _round,
    "ellipse": _round,
    "polygon": _outline,
    "polyline": _outline,
}
