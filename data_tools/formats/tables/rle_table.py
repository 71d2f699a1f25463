"""Tables of run lengths, as contests have them: ImageId, ClassId, EncodedPixels, or ImageId_ClassId, EncodedPixels.

Run lengths are "start length start length ...", counted from 1 down the columns of the image. A row is the mask of one
class; each of its connected regions is a defect. An image of which all rows are empty is good by them, unless the class
or another column says otherwise (`csv_verdicts`); an image without a row is one of which the table says nothing.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.csv_tables import column_key
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.images.image_places import ImagePlaces
from data_tools.formats.registry import AREAS, CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.regions import label, regions
from data_tools.formats.shapes.run_lengths import mask_down_columns, runs_of_pairs
from data_tools.formats.tables.csv_verdicts import ANY_DEFECT, named_by_values, told, verdict_of_others
from data_tools.formats.tables.tables import SEPARATORS, first_fields, table_lines
from data_tools.formats.tool_files import claims_of_files, images_root, recogniser
from data_tools.formats.words.folders import is_good

SizeOf = Callable[[str], tuple[int, int] | None]
SUFFIXES = (".csv", ".tsv")
_RUNS = ("encodedpixels", "rle", "rlemask", "maskrle", "runlengths")
_IMAGE = ("imageid", "image", "img", "imgid", "filename", "imagename", "imagefilename", "file", "id", "name")
_CLASS = (
    "classid",
    "class",
    "label",
    "labelid",
    "classname",
    "category",
    "categoryid",
    "type",
    "defecttype",
    "defect",
    "defectclass",
)
_JOINED = re.compile(r"^(imageid|image|img|filename|id)_?(classid|class|label|category|type)$")
_NONE = ("", "-1", "[]", "nan", "none", "null", "na", "n/a")
_SCATTERED = 3


@dataclass(frozen=True)
class _Columns:
    """Positions of the columns; `kind` is -1 where the image's field ends with _CLASS, None where there is no class."""

    separator: str
    count: int
    image: int
    kind: int | None
    runs: int
    others: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class _Row:
    """Line, class, run lengths and what stands in the other columns of a row."""

    line: int
    kind: str
    runs: str
    beside: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it has no run lengths."""
        return self.runs.lower() in _NONE


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples of what the files claim.

    Raises:
        InputError: no table of run lengths.
    """
    noticed = Findings()
    places = ImagePlaces(images_root(sources, options), options, noticed)

    def size_of(name: str) -> tuple[int, int] | None:
        path = places.match(name).path
        return None if path is None else places.size_of(path)[0]

    claims = [*claims_of_files(sources, SUFFIXES, lambda path: claims_of(path, findings, options, size_of), findings)]
    findings.absorb(noticed)
    yield from samples_from_claims(claims, sources, options, findings, places=places)


def claims_of(path: Path, findings: Findings, options: ReadOptions, size_of: SizeOf) -> Iterator[Claim]:
    """What a table says of its images, in order of their first appearance.

    Args:
        path: of the table.
        findings: gets rows that cannot be read.
        options: for the smallest region, and what is joined.
        size_of: height and width of an image by its name.

    Raises:
        InputError: no such table.
    """
    columns = _columns(path)
    if columns is None:
        raise InputError("no columns ImageId and EncodedPixels, so not a table of run lengths")
    lines = table_lines(path, columns.separator)
    next(line for line in lines if line[1])
    rows_of_file = [*lines]
    whole = [fields for _, fields in rows_of_file if len(fields) == columns.count]
    columns = replace(columns, others=named_by_values(columns.others, whole, findings))
    images: dict[str, list[_Row]] = {}
    for line, fields in rows_of_file:
        if len(fields) != columns.count:
            reason = f"{len(fields)} fields instead of {columns.count}"
            if fields and columns.image == 0:  # what the row said is lost, so the image is not good by its other rows
                yield Claim(path, _image_and_class([*fields, *[""] * columns.count], columns)[0], line, problem=reason)
            else:
                findings.reject(path, line, "", reason)
            continue
        name, kind = _image_and_class(fields, columns)
        if fields[columns.runs].lower() in _NONE:
            verdict = verdict_of_others(columns.others, fields)
            if verdict.problem or verdict.defect_type:
                yield Claim(path, name, line, defect_type=verdict.defect_type, problem=verdict.problem)
                continue
        images.setdefault(name, []).append(_Row(line, kind, fields[columns.runs], told(columns.others, fields)))
    kinds = {row.kind for rows in images.values() for row in rows}
    for name, rows in images.items():
        if all(row.is_empty for row in rows):
            yield _without_runs(path, name, rows, kinds)
        else:
            yield _claim(path, name, rows, findings, options, size_of)


def looks_like_run_lengths(path: Path) -> str | None:
    """What a table of run lengths is recognised by, or None."""
    columns = _columns(path)
    if columns is None:
        return None
    return f"{path.name} has run lengths in the column {first_fields(path, columns.separator)[columns.runs]}"


def _claim(
    path: Path,
    name: str,
    rows: Sequence[_Row],
    findings: Findings,
    options: ReadOptions,
    size_of: SizeOf,
) -> Claim:
    shapes: list[Shape] = []
    size_hw = size_of(name)
    for row in rows:
        if row.is_empty:
            continue
        boxes = _boxes(row.runs, size_hw, options)
        if isinstance(boxes, str):
            shapes.append(Shape(row.kind, line=row.line, problem=boxes, beside=row.beside))
            continue
        region_boxes, small = boxes
        if small:
            findings.reject(path, row.line, name, f"{small} regions of fewer than {options.min_area} pixels")
        shapes += [Shape(row.kind, (x1, y1, x2, y2), row.line, beside=row.beside) for x1, y1, x2, y2 in region_boxes]
    return Claim(path, name, rows[0].line, shapes=tuple(shapes))


def _without_runs(path: Path, name: str, rows: Sequence[_Row], kinds: Collection[str]) -> Claim:
    """What the rows of an image say that have no run lengths.

    A row a class, of all classes of the table, has none of any. Where some class is a word for good, a class is said of
    the image, and a defect has no area. A class by name that is neither is not understood.

    Args:
        kinds: the classes of the whole table.
    """
    line, own = rows[0].line, {row.kind for row in rows}
    named = sorted(kind for kind in own if not kind.isdigit() and kind != ANY_DEFECT and not is_good(kind))
    if named and any(map(is_good, kinds)):
        return Claim(path, name, line, defect_type=named[0])
    if named and own != kinds:
        return Claim(path, name, line, problem=f"no run lengths, but class {named[0][:40]!r}: is it there or not?")
    return Claim(
        path, name, line, good=f"empty run lengths in {'the row' if len(rows) == 1 else f'all {len(rows)} rows'}"
    )


def _boxes(text: str, size_hw: tuple[int, int] | None, options: ReadOptions) -> tuple[list[list[float]], int] | str:
    """The boxes around the regions of a row and the number of regions that are too small, or what is wrong."""
    runs = runs_of_pairs(text)
    if isinstance(runs, str):
        return runs
    if size_hw is None:
        return "run lengths of an image whose size is not known: give --images DIR, or --size HEIGHT,WIDTH"
    mask = mask_down_columns(*runs, size_hw)
    if isinstance(mask, str):
        return mask
    if _fits_rows_better(mask):
        return "runs that are one area only if they run along the rows, which is not read; count them down the columns"
    boxes, small = regions(mask, options.min_area, options.merge_distance)
    return boxes.tolist(), small


def _fits_rows_better(mask: NDArray[np.bool_]) -> bool:
    """Whether runs that make scattered areas down the columns make a few along the rows."""
    height, width = mask.shape
    down, along = (int(label(one).max()) for one in (mask, mask.T.reshape(height, width)))
    return down >= _SCATTERED and along * _SCATTERED <= down


def _image_and_class(fields: Sequence[str], columns: _Columns) -> tuple[str, str]:
    name = fields[columns.image]
    if columns.kind == -1:
        name, _, kind = name.rpartition("_")
        return name, kind or ANY_DEFECT
    kind = "" if columns.kind is None else fields[columns.kind]
    return name, ANY_DEFECT if kind.lower() in _NONE else kind


def _columns(path: Path) -> _Columns | None:
    for separator in SEPARATORS:
        header = first_fields(path, separator)
        keys = [column_key(name) for name in header]
        runs = next((keys.index(name) for name in _RUNS if name in keys), None)
        joined = next((i for i, name in enumerate(header) if _JOINED.match(name.strip().lower())), None)
        image = next((keys.index(name) for name in _IMAGE if name in keys), joined)
        if runs is not None and image is not None:
            kind = next((keys.index(name) for name in _CLASS if name in keys and keys.index(name) != image), None)
            kind = -1 if kind is None and image == joined else kind
            others = tuple((i, one) for i, one in enumerate(header) if i not in (image, kind, runs))
            return _Columns(separator, len(header), image, kind, runs, others)
    return None


FORMAT = Format(
    "rle",
    "table of run lengths (EncodedPixels)",
    "none",
    recogniser(SUFFIXES, looks_like_run_lengths),
    images_root,
    read,
    reads=CLAIMED | AREAS,
)
