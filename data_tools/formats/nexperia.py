"""Headerless defect-area CSV files: `image_id,class,rectangle,x1,y1,x2,y2`, one rectangle a row.

Corners are 0-based and inclusive by default. The image id is the file name without extension.
"""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.errors import InputError
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.geometry import inclusive_to_half_open
from data_tools.images import find_images, read_size
from data_tools.records import BOXED, GOOD, UNBOXED, Sample, empty_boxes, empty_labels

_FIELDS = 7
_COPY = re.compile(r" - Copy( \(\d+\))?$")
_GOOD_FOLDER, _BAD_FOLDER = re.compile(r"^good", re.I), re.compile(r"^(defect|bad)", re.I)
_LONGEST_FIELD = 10_000


@dataclass(frozen=True)
class _Row:
    """One usable row, corners as they stand in the file."""

    source: Path
    line: int
    image: str
    defect_type: str
    corners: tuple[float, float, float, float]


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row.

    With `options.images` each id is looked up there; other images under a folder good* become good ones, under defect*
    or bad* unboxed ones. Without images `options.size_hw` stands for every image's size.

    Raises:
        InputError: neither images nor a size, or an unreadable file.
    """
    if options.images is None and options.size_hw is None:
        raise InputError("the images' size is not known: give --images DIR, or --size HEIGHT,WIDTH")
    files = _index_images(options.images, findings) if options.images is not None else {}
    by_image: dict[str, list[_Row]] = {}
    for path in _csv_files(sources):
        for row in _rows(path, findings):
            by_image.setdefault(row.image, []).append(row)
    for image, rows in by_image.items():
        yield from _sample(image, rows, files, options, findings)
    for image, path in files.items():
        if image not in by_image:
            yield from _without_row(image, path, options, findings)


def _sample(
    image: str, rows: Sequence[_Row], files: dict[str, Path], options: ReadOptions, findings: Findings
) -> Iterator[Sample]:
    if options.images is not None and image not in files:
        for row in rows:
            findings.reject(row.source, row.line, image, f"image not found under {options.images}")
        return
    size_hw = options.size_hw if options.images is None else read_size(files[image])
    assert size_hw is not None
    boxes, types = [], []
    for row in rows:
        box = _box(row, size_hw, options.corners or FORMAT.corners, findings)
        if box is not None:
            boxes.append(box)
            types.append(options.type_map.get(row.defect_type, row.defect_type))
    if not boxes:
        return
    if _COPY.search(image):
        findings.warnings["image ids that end in ' - Copy': kept, in the group of their original"] += 1
    path = image if options.images is None else files[image].relative_to(options.images).as_posix()
    labels = np.ones(len(boxes), dtype=np.int64)
    yield Sample(1, path, size_hw, np.array(boxes), labels, BOXED, "", types[0], tuple(types))


def _without_row(image: str, path: Path, options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    assert options.images is not None
    relative = path.relative_to(options.images)
    folders = [*reversed(relative.parts[:-1]), options.images.name]
    status = next((GOOD if _GOOD_FOLDER.match(f) else UNBOXED for f in folders
                   if _GOOD_FOLDER.match(f) or _BAD_FOLDER.match(f)), None)  # fmt: skip
    if status is None:
        findings.reject(path, None, image, "no row, and no folder good* or defect* that says what it shows")
        return
    defect_type = GOOD if status == GOOD else "unboxed"
    yield Sample(1, relative.as_posix(), read_size(path), empty_boxes(), empty_labels(), status, "", defect_type)


def _csv_files(sources: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            found = sorted(source.glob("*.csv"))
            if not found:
                raise InputError(f"{source}: no .csv files in this folder")
            files += found
        elif source.is_file():
            files.append(source)
        else:
            raise InputError(f"{source}: no such file or folder")
    return files


def _rows(path: Path, findings: Findings) -> Iterator[_Row]:
    """The usable rows of a file; everything else is listed with its line."""
    seen: set[tuple[str, ...]] = set()
    for line, text in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        raw = text.removesuffix(b"\r")
        if not raw.strip():
            continue
        fields = _fields(raw)
        image = fields[0] if fields else ""
        reason = _reason_against(fields)
        if reason is None and tuple(fields) in seen:
            reason = "duplicate row"
        if reason is not None:
            findings.reject(path, line, image[:200], reason)
            continue
        seen.add(tuple(fields))
        if fields[1] != path.stem:
            findings.warnings["rows whose class differs from the file's name: kept under their own class"] += 1
        x1, y1, x2, y2 = (float(value) for value in fields[3:])
        yield _Row(path, line, image, fields[1], (x1, y1, x2, y2))


def _fields(raw: bytes) -> list[str]:
    """The stripped fields of one line; a single odd field where the line is not UTF-8 text."""
    try:
        text = raw.decode("utf-8")
        return [value.strip() for value in next(csv.reader([text], strict=True))]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        return []


def _reason_against(fields: Sequence[str]) -> str | None:
    if not fields:
        return "not a line of UTF-8 comma-separated text"
    if len(fields) != _FIELDS:
        return f"{len(fields)} fields instead of {_FIELDS}"
    if any(len(value) > _LONGEST_FIELD for value in fields):
        return "a field is too long"
    image, defect_type, shape = fields[:3]
    if not image or any(ord(c) < 32 for c in image):
        return "empty or unprintable image id"
    if not defect_type:
        return "empty class"
    if defect_type == GOOD:
        return "class 'good' with a rectangle"
    if shape != "rectangle":
        return f"unknown shape {shape[:40]!r}"
    for value in fields[3:]:
        try:
            number = float(value)
        except ValueError:
            return f"corner {value[:40]!r} is not a number"
        if not math.isfinite(number):
            return f"corner {value[:40]!r} is not finite"
    return None


def _box(row: _Row, size_hw: tuple[int, int], corners: str, findings: Findings) -> NDArray[np.float64] | None:
    """The half-open box of a row, or None with a reject."""
    x1, y1, x2, y2 = row.corners
    height, width = size_hw
    reason = None
    if x2 < x1 or y2 < y1:
        reason = "inverted rectangle"
    elif x2 == x1 or y2 == y1:
        reason = "zero-area rectangle"
    as_given = np.array([[x1, y1, x2, y2]])
    box: NDArray[np.float64] = (inclusive_to_half_open(as_given) if corners == "inclusive" else as_given)[0]
    limits: NDArray[np.float64] = np.array([width, height, width, height], dtype=np.float64)
    outside = max(float(-box.min()), float((box - limits).max()))
    if reason is None and outside >= 1:
        reason = f"corner outside the {width} x {height} image"
    if reason is not None:
        findings.reject(row.source, row.line, row.image, reason)
        return None
    if outside > 0:
        findings.warnings["boxes less than a pixel outside the image: clipped"] += 1
        box = np.clip(box, 0.0, limits).astype(np.float64)
        if (box[2:] - box[:2]).min() <= 0:
            findings.reject(row.source, row.line, row.image, "zero-area rectangle after clipping to the image")
            return None
    return box


def _index_images(folder: Path, findings: Findings) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: --images must be a folder")
    files: dict[str, Path] = {}
    for path in find_images(folder):
        if path.stem in files:
            findings.reject(path, None, path.stem, f"second image of this name; {files[path.stem]} is used")
        else:
            files[path.stem] = path
    return files


def _recognise(source: Path) -> str | None:
    try:
        path = _csv_files([source])[0]
        with path.open("rb") as file:
            first = next((line for line in file if line.strip()), b"")
    except (InputError, OSError):
        return None
    fields = _fields(first.removeprefix(b"\xef\xbb\xbf").strip())
    return (
        f"{path.name} starts with id,class,rectangle,..."
        if len(fields) == _FIELDS and fields[2] == "rectangle"
        else None
    )


def _images_root(_sources: Sequence[Path], options: ReadOptions) -> Path | None:
    return options.images


FORMAT = Format(
    "nexperia", "headerless CSV: id,class,rectangle,x1,y1,x2,y2", "inclusive", _recognise, _images_root, read
)
