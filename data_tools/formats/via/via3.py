"""VGG Image Annotator 3: projects as JSON, and their regions as CSV. A region is a list of numbers after its kind."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import LINE, WITHOUT_AREA, circle_through, corners_of, shape, turned_ellipse
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.via.via2 import EMPTY, said_by
from data_tools.formats.via.via_labels import beside_of, class_of, state_of, value_of
from data_tools.formats.words.folders import is_good
from data_tools.formats.words.remarks import NOT_UNDERSTOOD

COLUMNS = ("metadata_id", "file_list", "flags", "temporal_coordinates", "spatial_coordinates", "metadata")
HEADER = "# CSV_HEADER"
_POINT, _RECTANGLE, _CIRCLE, _ELLIPSE, _LINE, _POLYLINE, _POLYGON, _EXTREME_RECTANGLE, _EXTREME_CIRCLE = range(1, 10)
_COUNTS = {_POINT: 2, _RECTANGLE: 4, _CIRCLE: 3, _ELLIPSE: 4, _LINE: 4, _EXTREME_RECTANGLE: 8, _EXTREME_CIRCLE: 6}
_FEWEST = {_POLYLINE: 4, _POLYGON: 6}


def is_project(value: Any) -> bool:
    """Whether a JSON value is a project of VIA 3."""
    parts = ("attribute", "file", "metadata", "view")
    return isinstance(value, dict) and "project" in value and all(isinstance(value.get(key), dict) for key in parts)


def json_claims(path: Path, value: dict[str, Any], findings: Findings) -> Iterator[Claim]:
    """What a project says, in the order of its views; a view without any region is an image without a defect."""
    described: set[str] = set()
    for key, entry in value["metadata"].items():
        view = str(entry.get("vid")) if isinstance(entry, dict) else key.partition("_")[0]
        names = _names(value, view)
        if not isinstance(entry, dict) or len(names) != 1:
            findings.reject(path, None, ", ".join(names), f"metadata {key[:40]!r}: not of one image")
            described.add(view)
            continue
        parts = (entry.get("z"), entry.get("xy"), entry.get("av"))
        claims = list(_claims(path, None, names[0], *parts, value["attribute"], findings))
        if claims or parts[:2] != ([], []):  # else it is a remark, which says nothing of defects
            described.add(view)
        yield from claims
    for view in value["view"]:
        names = _names(value, view)
        if view not in described and len(names) == 1:
            yield Claim(path, names[0], good=EMPTY)


def csv_claims(path: Path, rows: Sequence[tuple[int, list[str], str]], findings: Findings) -> Iterator[Claim]:
    """What a table of regions says; it does not say which images have none.

    Args:
        path: of the file.
        rows: line, fields and text.
        findings: gets rows that cannot be read.
    """
    definitions: dict[str, Any] = {}
    for line, fields, text in rows:
        if text.startswith("#"):
            key, _, content = text.lstrip("# ").partition("=")
            if key.strip() == "ATTRIBUTE":
                declaration = value_of(content)
                definitions = declaration if isinstance(declaration, dict) else {}
            continue
        values = [value_of(field) for field in fields[: len(COLUMNS)]]
        names = values[1] if len(values) == len(COLUMNS) else None
        if not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
            findings.reject(path, line, "", f"not a row with {', '.join(COLUMNS)} about one image")
            continue
        yield from _claims(path, line, names[0], values[3], values[4], values[5], definitions, findings)


def _claims(
    path: Path,
    line: int | None,
    name: str,
    times: Any,
    place: Any,
    attributes: Any,
    definitions: Mapping[str, Any],
    findings: Findings,
) -> Iterator[Claim]:
    """The claim of one region, or of an attribute of the whole image that tells its class."""
    named, named_definitions = _by_name(attributes, definitions)
    if times not in (None, []):
        findings.reject(path, line, name, "a moment of a video or sound, not an image")
    elif place in (None, []):
        state = state_of(named, named_definitions)
        if state is not None:
            good, defect_type = said_by(state)
            problem = f"{NOT_UNDERSTOOD}: {state[1]!r}" if state[0] is None else ""
            yield Claim(path, name, line, good=good, defect_type=defect_type, problem=problem)
    else:
        label, note = class_of(named, named_definitions)
        box, own_note = _box(place)
        if box is None:
            findings.mend(path, line, name, WITHOUT_AREA.format("a point"))
            yield Claim(path, name, line, defect_type="" if is_good(label) else label or "defect")
            return
        note = "; ".join(filter(None, (own_note, note)))
        one = shape(label, box, line, note, beside=beside_of(named, named_definitions))
        yield Claim(path, name, line, shapes=(one,))


def _box(place: Any) -> tuple[Box | str | None, str]:
    """The box of a region and a note; None for a point, which has none."""
    flat = numbers(place) if isinstance(place, list) else "a region is a list of numbers"
    if isinstance(flat, str):
        return flat, ""
    kind, values = flat[0], flat[1:]
    right_count = len(values) == _COUNTS.get(int(kind), -1) or (
        len(values) >= _FEWEST.get(int(kind), 1 << 30) and not len(values) % 2
    )
    if kind not in (*_COUNTS, *_FEWEST) or not right_count:
        return f"a region of kind {kind:g} with {len(values)} numbers", ""
    points = list(zip(values[::2], values[1::2], strict=False))
    if kind == _POINT:
        return None, ""
    if kind == _RECTANGLE:
        return corners_of("corner", values), ""
    if kind in (_CIRCLE, _ELLIPSE):
        return turned_ellipse(points[0], (values[2], values[-1])), ""
    if kind == _EXTREME_CIRCLE:
        return circle_through(*points), ""
    return corners_of("outline", values), LINE if kind in (_LINE, _POLYLINE) else ""


def _names(value: dict[str, Any], view: str) -> list[str]:
    """The names of the files that a view shows."""
    shown = value["view"].get(view)
    numbers_of_files = shown.get("fid_list") if isinstance(shown, dict) else None
    files = [value["file"].get(str(one)) for one in numbers_of_files] if isinstance(numbers_of_files, list) else []
    return [str(file.get("src") or file.get("fname")) for file in files if isinstance(file, dict)]


def _by_name(attributes: Any, definitions: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values and definitions of attributes by their names instead of their numbers."""
    names = {}
    for key in attributes if isinstance(attributes, dict) else ():
        definition = definitions.get(key)
        name = definition.get("aname") if isinstance(definition, dict) else definition  # the name alone in older tables
        names[key] = name if isinstance(name, str) and name else str(key)
    values = {names[key]: attributes[key] for key in names}
    return values, {names[key]: definitions.get(key) for key in names}
