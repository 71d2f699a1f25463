"""CSV files with a header: columns are found by their names, several rows may belong to one image.

Default corners: exclusive, that is x2 - x1 is the width. Columns, in any common spelling and order:

- the image: image, filename, file_name, image_id, path, id...
- the box: xmin, ymin, xmax, ymax (or x1.., left.., x_min..), or left, top and width, height, or a centre with both;
- optionally the type: class, label, type, category...; and the image's size: width and height beside two corners,
  or image_width and image_height.

`--columns image,x1,y1,x2,y2,class` names the columns of files without a header. A row without a box says that its image
is good, or, where it names a defect type, that it is a defect of unknown area. Where all boxes of a file lie in 0..1
they are shares of the image. The separator may be a comma, a semicolon (then a comma may stand for the decimal point)
or a tab.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.atomic import write_text
from data_tools.files.csv_tables import csv_text, plain
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import Claim, Shape
from data_tools.formats.columns import Columns, find_columns
from data_tools.formats.folders import is_good
from data_tools.formats.image_index import images_folder
from data_tools.formats.image_places import declared_size
from data_tools.formats.names import reason_against
from data_tools.formats.rectangles import half_open, numbers
from data_tools.formats.registry import Findings, Format, ReadOptions
from data_tools.formats.tables import csv_files, first_fields, some_tables, table_lines

_SEPARATORS = (",", ";", "\t")
_NO_BOX = ("", "nan", "none", "null", "na", "n/a", "-")
_NO_TYPE = (*_NO_BOX, "0", "background", "negative")
_GOOD_ROW = "row without a box"
_ZEROS = "boxes 0,0,0,0 of good images: taken as no box"
_UNKNOWN_AREA = "rows that name a defect type without a box: taken as unboxed"
_DECIMAL_COMMA = re.compile(r"^[+-]?\d*,\d+$")
_ANY_DEFECT = "defect"
_NO_HEADER = (
    "no header with a column for the image and columns for the box, such as image,type,x1,y1,x2,y2 or "
    "filename,class,xmin,ymin,xmax,ymax; without a header, name the columns with --columns"
)


@dataclass(frozen=True)
class _Table:
    """How one file is read.

    Attributes:
        separator: between the fields.
        columns: what stands where.
        has_header: whether the first line names the columns.
        decimal: "," where numbers are written so, else ".".
    """

    separator: str
    columns: Columns
    has_header: bool
    decimal: str = "."


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row as their folders say.

    Sizes come from the images where they are at hand, else from the size columns, else from `options.size_hw`.

    Raises:
        InputError: a file without the needed columns.
    """
    files = csv_files(sources, findings)
    tables = {path: _table(path, options.columns) for path in files}
    if not any(tables.values()) or any(tables[path] is None for path in sources if path in tables):
        raise InputError(f"{next(path for path in files if tables[path] is None)}, line 1: {_NO_HEADER}")
    claims: list[Claim] = []
    for path, table in tables.items():
        if table is None:
            findings.reject(path, 1, "", _NO_HEADER)
        else:
            claims += _claims(path, table, options, findings)
    yield from samples_from_claims(claims, sources, options, findings)


def write(dataset: Dataset, path: Path) -> None:
    """One row a box, exclusive corners; a row without corners for an image without boxes."""
    rows: list[Sequence[object]] = [("image", "image_width", "image_height", "type", "x1", "y1", "x2", "y2")]
    for sample in dataset.samples:
        height, width = sample.size_hw
        for box, box_type in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
            rows.append((sample.path, width, height, box_type, *(f"{v:.17g}" for v in box)))
        if not len(sample.boxes_xyxy):
            rows.append((sample.path, width, height, sample.type, "", "", "", ""))
    write_text(path, csv_text(rows))


def _claims(path: Path, table: _Table, options: ReadOptions, findings: Findings) -> Iterator[Claim]:
    """What the rows of a file say; a row that cannot be told to be of an image is listed with its line."""
    lines = table_lines(path, table.separator, findings)
    rows = [(line, _trimmed([plain(field) for field in fields], table.columns)) for line, fields in lines]
    rows = [(line, fields) for line, fields in rows if not fields or any(fields)][table.has_header :]
    table = replace(table, decimal=_decimal(rows, table.columns))
    corners = options.corners or FORMAT.corners
    shares = _are_shares(rows, table)
    seen: set[tuple[str, ...]] = set()
    for line, fields in rows:
        name = fields[table.columns.image] if len(fields) > table.columns.image else ""
        reason = reason_against(name, "image name") if fields else "not a line of text with separated fields"
        if reason is None and tuple(fields) in seen and any(table.columns.box_of(fields)):
            reason = "duplicate row"
        if reason is not None:
            findings.reject(path, line, name[:200], reason)
            continue
        if len(fields) != table.columns.count:
            yield Claim(path, name, line, problem=f"{len(fields)} fields instead of {table.columns.count}")
            continue
        seen.add(tuple(fields))
        yield _claim(path, line, fields, table, corners, shares, findings)


def _claim(
    path: Path, line: int, fields: list[str], table: _Table, corners: str, shares: bool, findings: Findings
) -> Claim:
    """What one row says."""
    name, kind = fields[table.columns.image], table.columns.type_of(fields)
    size_hw = _size(table.columns.size_of(fields))
    values = table.columns.box_of(fields)
    says_good = kind.lower() in _NO_TYPE or is_good(kind)
    if all(value.lower() in _NO_BOX for value in values):
        return _without_box(path, line, name, kind, size_hw, _GOOD_ROW if says_good else "", findings)
    box_numbers = _numbers(values, table.decimal)
    if isinstance(box_numbers, str):
        lost = Shape(kind or _ANY_DEFECT, line=line, problem=box_numbers)
        return Claim(path, name, line, declared_hw=size_hw, shapes=(lost,))
    if not any(box_numbers) and says_good:
        findings.mend(path, line, name, _ZEROS)
        return _without_box(path, line, name, kind, size_hw, "row with box 0,0,0,0", findings)
    box = table.columns.corners(box_numbers)
    box_xyxy, note = half_open(box, "exclusive" if shares or table.columns.shape != "corners" else corners)
    shape = Shape(kind or _ANY_DEFECT, box_xyxy, line, note)
    return Claim(path, name, line, declared_hw=size_hw, shapes=(shape,))


def _without_box(
    path: Path, line: int, name: str, kind: str, size_hw: tuple[int, int] | None, good: str, findings: Findings
) -> Claim:
    if not good:
        findings.warnings[_UNKNOWN_AREA] += 1
    return Claim(path, name, line, declared_hw=size_hw, defect_type="" if good else kind, good=good)


def _are_shares(rows: Sequence[tuple[int, list[str]]], table: _Table) -> bool:
    """Whether all boxes of a file lie in 0..1, some not at whole numbers: then no pixel is added to their corners."""
    fractions = False
    for _, fields in rows:
        if len(fields) != table.columns.count:
            continue
        box_numbers = _numbers(table.columns.box_of(fields), table.decimal)
        if isinstance(box_numbers, str):
            continue
        if min(box_numbers) < 0 or max(box_numbers) > 1:
            return False
        fractions = fractions or any(value != int(value) for value in box_numbers)
    return fractions


def _numbers(values: Sequence[str], decimal: str) -> tuple[float, ...] | str:
    if decimal == "," and any("." in value for value in values):
        return "a decimal point in a file with decimal commas"
    return numbers([value.replace(decimal, ".") for value in values])


def _trimmed(fields: list[str], columns: Columns) -> list[str]:
    """The fields of a row without empty ones behind the last column, and with the empty ones that were left out."""
    while len(fields) > columns.count and not fields[-1]:
        fields = fields[:-1]
    if 1 < len(fields) < columns.count and columns.may_lack(range(len(fields), columns.count)):
        fields = [*fields, *[""] * (columns.count - len(fields))]
    return fields


def _size(values: tuple[str, str] | None) -> tuple[int, int] | None:
    """Height and width from two fields; None where they are empty or no size."""
    sides = None if values is None else numbers(values)
    return None if sides is None or isinstance(sides, str) else declared_size(sides[0], sides[1])


def _table(path: Path, names: tuple[str, ...]) -> _Table | None:
    """How to read a file, by the separator with which its first line, or the columns' given names, make sense."""
    for separator in _SEPARATORS:
        fields = first_fields(path, separator)
        header = find_columns(fields)
        columns = header or (find_columns(names) if len(_without_end(fields, len(names))) == len(names) else None)
        if columns is not None and fields:
            return _Table(separator, columns, header is not None)
    return None


def _without_end(fields: list[str], count: int) -> list[str]:
    while len(fields) > count and not fields[-1]:
        fields = fields[:-1]
    return fields


def _decimal(rows: Sequence[tuple[int, list[str]]], columns: Columns) -> str:
    """The decimal sign of a file's numbers."""
    boxes = (columns.box_of(fields) for _, fields in rows if len(fields) == columns.count)
    return "," if any("," in value and _DECIMAL_COMMA.match(value) for values in boxes for value in values) else "."


def _recognise(source: Path) -> str | None:
    for path in some_tables(source):
        table = _table(path, ())
        if table is not None:
            return f"{path.name} has the columns {', '.join(table.columns.names)}"
    return None


FORMAT = Format(
    "csv",
    "CSV, columns found by name or by --columns",
    "exclusive",
    _recognise,
    images_folder,
    read,
    write,
    ".csv",
)
