"""Labelbox's export as NDJSON: a line an image, with its labels by project.

Coordinates are positions between pixels. A label without objects and answers says that its image is good, unless the
image is still to be labelled or was skipped; an image without any label says nothing. Answers to questions about the
whole image count as remarks do. Masks are only linked to, so that they are listed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.annotation_files import head_of, numbered_lines
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.json_files.json_values import value_of_line
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import WITHOUT_AREA, corners_of, shape
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.tool_files import tool_format
from data_tools.formats.words.remarks import NOT_UNDERSTOOD, status_of_remark

SUFFIXES = (".ndjson", ".jsonl")
EMPTY = "Labelbox label without objects"
_UNDONE = ("TO_LABEL", "IN_REWORK")
_SIDES = ("left", "top", "width", "height")
Record = Mapping[str, Any]


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What the lines of a file say of their images.

    Raises:
        InputError: a line that is not one of Labelbox's export.
    """
    for line, text in numbered_lines(path):
        row = value_of_line(line, text)
        if not _is_row(row):
            raise InputError(f"line {line}: no 'data_row' with 'projects', so not an export of Labelbox as NDJSON")
        yield from _row_claims(path, line, row, findings)


def _row_claims(path: Path, line: int, row: Record, findings: Findings) -> Iterator[Claim]:
    name, media = _name(row["data_row"]), _object(row.get("media_attributes"))
    size_hw = declared_size((media.get("height"), media.get("width")))
    if not name:
        findings.reject(path, line, "", "data_row without an external_id or a row_data that names the image")
        return
    for project in map(_object, row["projects"].values()):
        state = str(_object(project.get("project_details")).get("workflow_status", ""))
        for label in map(_object, _list(project.get("labels"))):
            said = _object(label.get("annotations"))
            objects, answers = _list(said.get("objects")), [*_answers(said.get("classifications"))]
            is_skipped = _object(label.get("performance_details")).get("skipped") is True
            undone = "skipped" if is_skipped else f"workflow_status {state}" if state in _UNDONE else ""
            if undone or not isinstance(label.get("annotations"), dict):
                problem = f"{undone or 'a label without annotations'}: nobody has finished this label"
                yield Claim(path, name, line, problem=problem)
                continue
            shapes = tuple(_shape(one, line, f"object {i}") for i, one in enumerate(objects, start=1))
            good = "" if objects or answers else EMPTY
            yield Claim(path, name, line, declared_hw=size_hw, shapes=shapes, good=good)
            for question, answer in answers:
                shown, status = f"{question[:40]} {answer[:40]!r}", status_of_remark(answer, question)
                if status == UNBOXED:
                    findings.mend(path, line, name, WITHOUT_AREA.format("an answer"))
                    yield Claim(path, name, line, declared_hw=size_hw, defect_type=answer)
                elif status == GOOD:
                    yield Claim(path, name, line, declared_hw=size_hw, good=shown)
                elif not objects:
                    yield Claim(path, name, line, problem=f"{NOT_UNDERSTOOD}: {shown}")


def _name(data_row: Record) -> str:
    """The image's own name, or the end of its address."""
    own, address = data_row.get("external_id"), data_row.get("row_data")
    if isinstance(own, str) and own.strip():
        return own
    return PurePosixPath(address.partition("?")[0]).name if isinstance(address, str) else ""


def _shape(entry: Any, line: int, part: str) -> Shape:
    one = _object(entry)
    name = one.get("name")
    beside = tuple(_answers(one.get("classifications")))
    return shape(name if isinstance(name, str) else "", _box(one), line, part=part, beside=beside)


def _box(one: Record) -> Box | str:
    """The box of an object, or why there is none."""
    if isinstance(one.get("bounding_box"), dict):
        read = numbers([one["bounding_box"].get(side) for side in _SIDES])
        return read if isinstance(read, str) else corners_of("corner", read)
    points = next((one[kind] for kind in ("polygon", "line") if isinstance(one.get(kind), list)), None)
    if not points:
        return "encloses no area that is read here; of masks Labelbox gives the address alone"
    flat = numbers([_object(point).get(axis) for point in points for axis in "xy"])
    return flat if isinstance(flat, str) else corners_of("outline", flat)


def _answers(classifications: Any) -> Iterator[tuple[str, str]]:
    """Questions and answers: of a choice, of several, or in words."""
    for one in map(_object, _list(classifications)):
        chosen = [one.get("radio_answer"), *_list(one.get("checklist_answers")), *_list(one.get("checklist_answer"))]
        texts = [_object(answer).get("name") for answer in chosen]
        for text in (*texts, _object(one.get("text_answer")).get("content")):
            if isinstance(text, str) and text.strip():
                yield str(one.get("name", "")), text


def _object(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_row(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), dict) for key in ("data_row", "projects"))


def looks_like_labelbox(path: Path) -> str | None:
    """What of Labelbox a file is, or None."""
    head = head_of(path)
    has_both = b'"data_row"' in head and b'"projects"' in head
    return f"{path.name} has lines with data_row and projects" if has_both else None


FORMAT = tool_format("labelbox", "Labelbox export, NDJSON", "Labelbox", SUFFIXES, looks_like_labelbox, claims_of)
