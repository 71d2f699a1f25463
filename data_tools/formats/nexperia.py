"""Headerless defect-area CSV files: `image_id,class,rectangle,x1,y1,x2,y2`, one rectangle a row.

Corners are 0-based and inclusive by default. The image id is the file name without extension.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.rectangles import half_open, numbers
from data_tools.formats.tables.tables import csv_files, first_fields, some_tables, table_lines
from data_tools.formats.words.names import reason_against

_FIELDS = 7
_COPY = re.compile(r" - Copy( \(\d+\))?$")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row.

    With `options.images` each id is looked up there; other images are good or unboxed as their folders say; what no
    folder explains, such as a contest's test images, is listed. Without images `options.size_hw` stands for every
    image's size.

    Raises:
        InputError: neither images nor a size, or an unreadable file.
    """
    if options.images is None and options.size_hw is None:
        raise InputError("the images' size is not known: give --images DIR, or --size HEIGHT,WIDTH")
    claims: list[Claim] = []
    for path in csv_files(sources, findings):
        shapes: dict[str, list[Shape]] = {}
        for image, shape in _rows(path, options.corners or FORMAT.corners, findings):
            shapes.setdefault(image, []).append(shape)
        claims += [Claim(path, image, ones[0].line, shapes=tuple(ones)) for image, ones in shapes.items()]
    for sample in samples_from_claims(claims, sources, options, findings, root=_images_root):
        if _COPY.search(Path(sample.path).stem if options.images else sample.path):
            findings.warnings["image ids that end in ' - Copy': kept, in the group of their original"] += 1
        yield sample


def _rows(path: Path, corners: str, findings: Findings) -> Iterator[tuple[str, Shape]]:
    """The image of each row of a file and what it says; a row without an image's name is listed."""
    for line, fields in table_lines(path, findings=findings):
        image = fields[0] if fields else ""
        reason = "not a line of UTF-8 comma-separated text" if not fields else reason_against(image, "image id")
        if reason is not None:
            findings.reject(path, line, image[:200], reason)
            continue
        reason = _reason_against(fields)
        rectangle = numbers(fields[3:7]) if reason is None else reason
        if isinstance(rectangle, str):
            yield image, Shape(fields[1] if len(fields) > 1 else "unboxed", line=line, problem=rectangle)
            continue
        if rectangle[0] == rectangle[2] or rectangle[1] == rectangle[3]:  # a click without a drag: no area was drawn
            yield image, Shape(fields[1], line=line, problem="zero-area rectangle")
            continue
        if fields[1] != path.stem:
            findings.warnings["rows whose class differs from the file's name: kept under their own class"] += 1
        x1, y1, x2, y2 = rectangle
        box_xyxy, note = half_open((x1, y1, x2, y2), corners)
        yield image, Shape(fields[1], box_xyxy, line, note)


def _reason_against(fields: Sequence[str]) -> str | None:
    if len(fields) != _FIELDS:
        return f"{len(fields)} fields instead of {_FIELDS}"
    return None if fields[2] == "rectangle" else f"unknown shape {fields[2][:40]!r}"


def _recognise(source: Path) -> str | None:
    path = next((path for path in some_tables(source) if first_fields(path)[2:3] == ["rectangle"]), None)
    return None if path is None else f"{path.name} starts with id,class,rectangle,..."


def _images_root(_sources: Sequence[Path], options: ReadOptions) -> Path | None:
    return options.images


FORMAT = Format(
    "nexperia",
    "headerless CSV: id,class,rectangle,x1,y1,x2,y2",
    "inclusive",
    _recognise,
    _images_root,
    read,
    reads=CLAIMED | {"corners"},
)
