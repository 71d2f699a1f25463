"""Headerless defect-area CSV files: `image_id,class,rectangle,x1,y1,x2,y2`, one rectangle a row.

Corners are 0-based and inclusive by default. The image id is the file name without extension.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.formats.image_places import ImagePlaces
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import Rectangle, boxed_sample, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.tables import csv_files, first_csv, first_fields, table_lines

_FIELDS = 7
_COPY = re.compile(r" - Copy( \(\d+\))?$")


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row.

    With `options.images` each id is looked up there; other images under a folder good* become good ones, under defect*
    or bad* unboxed ones; what no folder explains, such as a contest's test images, is listed. Without images
    `options.size_hw` stands for every image's size.

    Raises:
        InputError: neither images nor a size, or an unreadable file.
    """
    if options.images is None and options.size_hw is None:
        raise InputError("the images' size is not known: give --images DIR, or --size HEIGHT,WIDTH")
    places = ImagePlaces(options.images, options, findings)
    by_image: dict[str, list[Rectangle]] = {}
    for path in csv_files(sources):
        for row in _rows(path, findings):
            by_image.setdefault(row.image, []).append(row)
    for image, rows in by_image.items():
        placed = places.place(image)
        if isinstance(placed, str):
            for row in rows:
                findings.reject(row.source, row.line, image, placed)
            continue
        sample = boxed_sample(*placed, rows, options.corners or FORMAT.corners, options, findings)
        if sample is not None:
            if _COPY.search(image):
                findings.warnings["image ids that end in ' - Copy': kept, in the group of their original"] += 1
            yield sample
    yield from places.unannotated(findings)


def _rows(path: Path, findings: Findings) -> Iterator[Rectangle]:
    """The usable rows of a file; everything else is listed with its line."""
    seen: set[tuple[str, ...]] = set()
    for line, fields in table_lines(path):
        image = fields[0] if fields else ""
        reason = _reason_against(fields)
        if reason is None and tuple(fields) in seen:
            reason = "duplicate row"
        corners = () if reason is not None else numbers(fields[3:])
        if isinstance(corners, str):
            reason = corners
        elif reason is None and (corners[0] == corners[2] or corners[1] == corners[3]):
            reason = "zero-area rectangle"  # a click without a drag: no area was drawn
        if reason is not None:
            findings.reject(path, line, image[:200], reason)
            continue
        seen.add(tuple(fields))
        if fields[1] != path.stem:
            findings.warnings["rows whose class differs from the file's name: kept under their own class"] += 1
        x1, y1, x2, y2 = (float(value) for value in corners)
        yield Rectangle(path, line, image, fields[1], (x1, y1, x2, y2))


def _reason_against(fields: Sequence[str]) -> str | None:
    if not fields:
        return "not a line of UTF-8 comma-separated text"
    if len(fields) != _FIELDS:
        return f"{len(fields)} fields instead of {_FIELDS}"
    image, defect_type, shape = fields[:3]
    reason = reason_against(image, "image id") or reason_against(defect_type, "class")
    if reason is None and shape != "rectangle":
        reason = f"unknown shape {shape[:40]!r}"
    return reason


def _recognise(source: Path) -> str | None:
    path = first_csv(source)
    fields = first_fields(path) if path else []
    if path is None or len(fields) != _FIELDS or fields[2] != "rectangle":
        return None
    return f"{path.name} starts with id,class,rectangle,..."


def _images_root(_sources: Sequence[Path], options: ReadOptions) -> Path | None:
    return options.images


FORMAT = Format(
    "nexperia", "headerless CSV: id,class,rectangle,x1,y1,x2,y2", "inclusive", _recognise, _images_root, read
)
