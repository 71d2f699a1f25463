"""CSV files with a header: columns are found by their names, several rows may belong to one image.

Default corners: exclusive, that is x2 - x1 is the width. Columns, in any common spelling and order:

- the image: image, filename, file_name, image_id, path, id...
- the box: xmin, ymin, xmax, ymax (or x1.., left.., x_min..), or left, top and width, height, or a centre with both,
  or an outline of three points or more (x1, y1, x2, y2, x3, y3...), which gets the box around it, or all in one field
  (`packed_boxes`);
- optionally the type: class, label, type, category...; and the image's size: width and height beside two corners,
  or image_width and image_height.

`--columns image,x1,y1,x2,y2,class` names the columns of files without a header, or anew. A row without a box says that
its image is good, unless its type or another column says otherwise (`csv_verdicts`): then it is a defect of unknown
area, or is listed. A table of boxes with scores is one of predictions, and is refused. Where all boxes of a file lie
in 0..1 they are shares of the image. The header may stand below a few lines of title. The separator may be a comma, a
semicolon (then a comma may stand for the decimal point), a tab, or blanks.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Dataset, Sample
from data_tools.files.atomic import write_text
from data_tools.files.csv_tables import column_key, csv_text, plain
from data_tools.formats.assembly import samples_from_claims
from data_tools.formats.claims import PREDICTIONS, Claim, Shape, is_score
from data_tools.formats.images.image_index import images_folder
from data_tools.formats.images.image_places import declared_size, folder_under
from data_tools.formats.registry import CLAIMED, Findings, Format, ReadOptions
from data_tools.formats.shapes.packed_boxes import UNKNOWN, boxes_in, sense_by_values
from data_tools.formats.shapes.rectangles import are_shares, half_open, numbers
from data_tools.formats.shapes.upright import not_upright
from data_tools.formats.tables.columns import LABELS, Columns, without_end
from data_tools.formats.tables.csv_layout import GROUPED, Table, label_table, signs_of, table_of
from data_tools.formats.tables.csv_verdicts import (
    ANY_DEFECT,
    EMPTY,
    Company,
    Verdict,
    flag_columns,
    is_called_good,
    named_by_values,
    tell_codes,
    told,
    verdict_of,
)
from data_tools.formats.tables.csv_verdicts import ROW as GOOD_ROW
from data_tools.formats.tables.label_tables import label_claims, refuse_scores, tell_unknown_areas
from data_tools.formats.tables.tables import csv_files, first_lines, some_tables, table_lines
from data_tools.formats.words.folders import is_predicted
from data_tools.formats.words.names import reason_against

_GOOD_ZEROS = "row with box 0,0,0,0"
_ZEROS = "boxes 0,0,0,0 of good images: taken as no box"
_OUTLINE = "an outline: the box around its points is taken"
_UNKNOWN_AREA = "rows that name a defect type without a box: taken as unboxed"
_NO_NUMBERS = {"-1", "-1.0", "-1,0"}
_SOME = 8
_AMBIGUOUS = "which may be thousands or a decimal: write {} without a sign for thousands, or decimals with more places"
_NO_HEADER = (
    "no header with a column for the image and columns for the box, such as image,type,x1,y1,x2,y2 or "
    "filename,class,xmin,ymin,xmax,ymax, or for labels alone image,label; without a header, name the columns with "
    "--columns"
)
_BESIDE_BOXES = "a table of labels beside tables of boxes is not read: convert it by itself, into a dataset of its own"

_NO_BOX = "no box of four numbers; call that column unused, in the file or by --columns"
_SENSE = (
    "two corners, or left, top, width and height? Call that column bbox_xyxy or bbox_xywh, in the file or by --columns"
)
_READ_AS = {"corner": "left, top, width, height", "corners": "two corners"}

Rows = list[tuple[int, list[str]]]


def read(sources: Sequence[Path], options: ReadOptions, findings: Findings) -> Iterator[Sample]:
    """Samples in order of first appearance, then images without a row as their folders say.

    Sizes come from the images where they are at hand, else from the size columns, else from `options.size_hw`.

    Raises:
        InputError: a file without the needed columns, or with predictions.
    """
    files = csv_files(sources, findings)
    tables = {path: table_of(path, options.columns) for path in files}
    if not any(tables.values()):
        tables = {path: label_table(path, options.columns) for path in files}
    if not any(tables.values()) or any(tables[path] is None for path in sources if path in tables):
        raise InputError(f"{next(path for path in files if tables[path] is None)}, line 1: {_NO_HEADER}")
    for path, table in tables.items():
        if table is not None and table.columns.twice:
            where = f"{path}, line {table.header_line or 1}"
            raise InputError(f"{where}: two columns {table.columns.twice!r}; keep one, or name them by --columns")
    _tell_unnamed(tables, options.columns, findings)
    for path, table in tables.items():
        if table is not None and table.header_line:
            findings.notes.append(f"{path.name}: the header is line {table.header_line}; what stands above is not read")
    if options.corners and all(table.columns.shape == LABELS for table in tables.values() if table):
        raise InputError(f"--corners {options.corners}: a table of labels has no boxes; leave it out")
    claims: list[Claim] = []
    rows = {path: _rows(path, table, findings) for path, table in tables.items() if table is not None}
    tables = {path: table and _with_sense(path, table, rows[path], options, findings) for path, table in tables.items()}
    company = _company(((table, rows[path]) for path, table in tables.items() if table is not None), options)
    for path, table in tables.items():
        if table is None:
            findings.reject(path, 1, "", _BESIDE_BOXES if label_table(path) else _NO_HEADER)
        else:
            _refuse_predictions(path, table, rows[path])
            if table.columns.shape == LABELS:
                told = [*label_claims(path, rows[path], table.columns, options, findings)]
                tell_unknown_areas(told, findings)
            else:
                told = [*_claims(path, table, rows[path], company, options, findings)]
            claims += told
    root = images_folder(sources, options)
    claims = [one if one.source in sources else replace(one, folder=folder_under(one.source, root)) for one in claims]
    yield from samples_from_claims(claims, sources, options, findings, percent_from=_percent_from(tables.values()))


def _tell_unnamed(tables: Mapping[Path, Table | None], names: Sequence[str], findings: Findings) -> None:
    """Say of which files the given names of columns are not taken, since their own header has more or fewer.

    Raises:
        InputError: they are taken of none.
    """
    if not names:
        return
    others = {path: table.columns for path, table in tables.items() if table and table.columns.count != len(names)}
    told = [f"{path}: its header has {own.count} columns, and --columns {len(names)}" for path, own in others.items()]
    if len(told) == sum(table is not None for table in tables.values()):
        raise InputError(f"{told[0]}; name all of them, or leave --columns out")
    findings.notes += [f"{one}: read by its header" for one in told]


def write(dataset: Dataset, path: Path, samples: Sequence[Sample] | None = None) -> None:
    """One row a box, exclusive corners; a row without corners for an image without boxes."""
    rows: list[Sequence[object]] = [("image", "image_width", "image_height", "type", "x1", "y1", "x2", "y2", "status")]
    for sample in dataset.samples if samples is None else samples:
        height, width = sample.size_hw
        for box, box_type in zip(sample.boxes_xyxy.tolist(), sample.box_types, strict=True):
            rows.append((sample.path, width, height, box_type, *(f"{v:.17g}" for v in box), sample.status))
        if not len(sample.boxes_xyxy):
            rows.append((sample.path, width, height, sample.type, "", "", "", "", sample.status))
    write_text(path, csv_text(rows))


def _rows(path: Path, table: Table, findings: Findings) -> Rows:
    """Line and fields of each row of a file that holds anything, the header left out."""
    lines = table_lines(path, table.separator, findings)
    rows = [(line, _trimmed([plain(field) for field in fields], table.columns)) for line, fields in lines]
    rows = table.rows([(line, fields) for line, fields in rows if not fields or any(fields)])
    return [(line, box) for line, fields in rows for box in _by_boxes(fields, table.columns)]


def _by_boxes(fields: list[str], columns: Columns) -> list[list[str]]:
    """A row for each box of a row whose one field holds several, unless its type may be a list, too."""
    if len(columns.box) != 1 or len(fields) != columns.count or columns.type_of(fields)[:1] == "[":
        return [fields]
    i = columns.box[0]
    return [[*fields[:i], box, *fields[i + 1 :]] for box in boxes_in(fields[i])]


def _with_sense(path: Path, table: Table, rows: Rows, options: ReadOptions, findings: Findings) -> Table:
    """The table, told by its boxes whether the numbers in their one field are corners or sizes.

    Raises:
        InputError: the column holds no boxes, or nothing tells.
    """
    columns = table.columns
    if columns.shape != UNKNOWN:
        return table
    name = columns.names[-1]
    whole = [(line, fields) for line, fields in rows if len(fields) == columns.count]
    filled = [(line, fields) for line, fields in whole if not _is_empty(columns.box_of(fields))]
    boxes = [(columns.box_of(fields), columns.size_of(fields) or options.size_hw) for _, fields in filled]
    shape = sense_by_values(boxes)
    if boxes and shape == UNKNOWN:
        line, shown = filled[0][0], filled[0][1][columns.box[0]][:80]
        problem = _SENSE if any(len(box) > 1 for box, _ in boxes) else _NO_BOX
        raise InputError(f"{path}, line {line}: {name} {shown!r}: {problem}")
    if boxes:
        findings.notes.append(f"{path.name}: {name} read as {_READ_AS[shape]}, since many can be nothing else")
    return replace(table, columns=replace(columns, shape=shape))


def _claims(
    path: Path, table: Table, rows: Rows, company: Company, options: ReadOptions, findings: Findings
) -> Iterator[Claim]:
    """What the rows of a file say; a row that cannot be told to be of an image is listed with its line."""
    whole = [fields for _, fields in rows if len(fields) == table.columns.count]
    decimal, thousands = signs_of([table.columns.box_of(fields) for fields in whole], table.separator)
    columns = replace(table.columns, others=named_by_values(table.columns.others, whole, findings))
    table = replace(table, columns=columns, decimal=decimal, thousands=thousands)
    if _are_of_boxes(table, whole):
        findings.notes.append(f"{path.name}: width and height are those of the boxes, not of the images")
        table = replace(table, columns=replace(columns, size=None))
    tell_codes(table.columns.others, whole, findings)
    company = replace(company, flags=flag_columns(table.columns, whole))
    corners = options.corners or FORMAT.corners
    shares = _are_shares(rows, table)
    seen: set[tuple[str, ...]] = set()
    for line, fields in rows:
        name = table.columns.image_of(fields)
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
        claim = _claim(path, line, fields, table, corners, shares, company, findings)
        yield replace(claim, part=table.columns.part_of(fields), lot=table.columns.lot_of(fields))


def _claim(
    path: Path,
    line: int,
    fields: list[str],
    table: Table,
    corners: str,
    shares: bool,
    company: Company,
    findings: Findings,
) -> Claim:
    """What one row says."""
    columns = table.columns
    name, kind = columns.image_of(fields), columns.type_of(fields)
    size_hw = columns.size_of(fields)
    values = columns.box_of(fields)
    if columns.shape == "outline":  # rows of fewer points than the longest
        while len(values) > 2 and _is_empty(values[-2:]):
            values = values[:-2]
    if _is_empty(values):
        verdict = verdict_of(columns, fields, company)
        return _without_box(path, line, name, verdict, size_hw, findings)
    if not kind:
        kind = GOOD if is_called_good(columns, fields) else ANY_DEFECT
    turned = not_upright((of, fields[i]) for i, of in columns.others)
    box_numbers = f"{turned}, or call that column unused" if turned else _numbers(values, table)
    if isinstance(box_numbers, str):
        lost = Shape(kind, line=line, problem=box_numbers)
        return Claim(path, name, line, declared_hw=size_hw, shapes=(lost,))
    if not any(box_numbers):
        verdict = verdict_of(columns, fields, company)
        if not verdict.defect_type:
            findings.mend(path, line, name, _ZEROS)
            good = _GOOD_ZEROS if verdict.good == GOOD_ROW else verdict.good
            return _without_box(path, line, name, replace(verdict, good=good), size_hw, findings)
    box = columns.corners(box_numbers)
    box_xyxy, note = half_open(box, "exclusive" if shares or columns.shape != "corners" else corners)
    note = note or (_OUTLINE if columns.shape == "outline" else "")
    shape = Shape(kind, box_xyxy, line, note, beside=told(columns.others, fields))
    return Claim(path, name, line, declared_hw=size_hw, shapes=(shape,))


def _without_box(
    path: Path, line: int, name: str, verdict: Verdict, size_hw: tuple[int, int] | None, findings: Findings
) -> Claim:
    if verdict.problem:
        return Claim(path, name, line, problem=verdict.problem)
    if verdict.defect_type:
        findings.warnings[_UNKNOWN_AREA] += 1
    return Claim(path, name, line, declared_hw=size_hw, defect_type=verdict.defect_type, good=verdict.good)


def _percent_from(tables: Iterable[Table | None]) -> int:
    """How many boxes that look like percentages are some: one beside a size as Label Studio names it."""
    names = {column_key(name) for table in tables if table is not None for _, name in table.columns.others}
    return 1 if "originalwidth" in names else _SOME


def _company(tables: Iterable[tuple[Table, Rows]], options: ReadOptions) -> Company:
    """The types that have boxes in any table, and those that get new names."""
    boxed = {
        table.columns.type_of(fields).lower()
        for table, rows in tables
        for _, fields in rows
        if len(fields) == table.columns.count
        and not _is_empty(values := table.columns.box_of(fields))
        and any(value.strip("0.,") for value in values)
    }
    return Company(boxed, mapped=options.type_map)


def _is_empty(values: Sequence[str]) -> bool:
    """Whether fields say nothing; -1 in all of several stands for no box, as -1 -1 -1 -1 can be none."""
    return all(value.lower() in EMPTY for value in values) or (len(values) > 1 and {*values} <= _NO_NUMBERS)


def _refuse_predictions(path: Path, table: Table, rows: Rows) -> None:
    """Refuse a table whose boxes have scores, or a model's class and none beside it: they are what a model says.

    Raises:
        InputError: boxes with a score other than 1 and 100, or with a predicted class alone.
    """
    if table.columns.shape == LABELS:
        refuse_scores(path, rows, table.columns)
        return
    for i, name in table.columns.others:
        is_a_model_s = table.columns.type is None and is_predicted(name)
        for line, fields in rows:
            is_whole = len(fields) == table.columns.count
            told = is_whole and (
                is_score(name, fields[i].replace(",", ".")) or (is_a_model_s and not _is_empty([fields[i]]))
            )
            if told and not _is_empty(table.columns.box_of(fields)):
                raise InputError(f"{path}, line {line}: {name} {fields[i]}: {PREDICTIONS}, or call that column unused")


def _are_of_boxes(table: Table, rows: Sequence[list[str]]) -> bool:
    """Whether the sizes in all rows with two corners are those of the box, to a pixel, and not of the image."""
    columns = table.columns
    boxes = []
    for fields in rows if columns.shape == "corners" else ():
        box, size_hw = _numbers(columns.box_of(fields), table), declared_size(columns.size_of(fields))
        if not isinstance(box, str) and size_hw is not None:
            boxes.append((box, size_hw))
    within = all(abs(d - b - h) <= 1 and abs(c - a - w) <= 1 for (a, b, c, d), (h, w) in boxes)
    return within and any(max(box[:2]) > 1 for box, _ in boxes)  # a box from the corner may be the whole image


def _are_shares(rows: Rows, table: Table) -> bool:
    """Whether the boxes of a file count in shares: then no pixel is added to their corners."""
    whole = [fields for _, fields in rows if len(fields) == table.columns.count]
    read = (_numbers(table.columns.box_of(fields), table) for fields in whole)
    return are_shares(table.columns.corners(values) for values in read if not isinstance(values, str))


def _numbers(values: Sequence[str], table: Table) -> tuple[float, ...] | str:
    if table.thousands:
        doubtful = next((v for v in values if table.thousands in v and GROUPED.match(v)), "")
        if doubtful:
            return f"{doubtful}, {_AMBIGUOUS.format(re.sub('[.,]', '', doubtful))}"
    if table.decimal == "," and any("." in value for value in values):
        return "a decimal point in a file with decimal commas"
    if len(values) == 1:
        return f"{values[0][:40]!r} is no box of four numbers"
    return numbers([value.replace(table.decimal, ".") for value in values])


def _trimmed(fields: list[str], columns: Columns) -> list[str]:
    """The fields of a row without empty ones behind the last column, and with the empty ones that were left out."""
    fields = without_end(fields, columns.count)
    if 1 < len(fields) < columns.count and columns.may_lack(range(len(fields), columns.count)):
        fields = [*fields, *[""] * (columns.count - len(fields))]
    return fields


def _recognise(source: Path, find: Callable[[Path], Table | None] = table_of, below: bool = False) -> str | None:
    for path in some_tables(source, below):
        table = find(path)
        if table is not None and not _holds_objects(path, table):
            return f"{path.name} has the columns {', '.join(table.columns.names)}"
    return None


def _holds_objects(path: Path, table: Table) -> bool:
    """Whether the one field of a box holds an object of JSON, as `json` reads it."""
    place = table.columns.box[0] if len(table.columns.box) == 1 else None
    fields = (fields for _, fields in islice(first_lines(path, table.separator), 1, None))
    texts = (one[place] for one in fields if place is not None and len(one) > place and one[place])
    return next(texts, "").replace(" ", "").startswith(("{", "[{"))


def _recognise_last(source: Path) -> str | None:
    return _recognise(source, below=True) or _recognise(source, label_table, below=True)


FORMAT = Format(
    "csv",
    "CSV, columns found by name or by --columns",
    "exclusive",
    _recognise,
    images_folder,
    read,
    write,
    ".csv",
    reads=CLAIMED | {"corners", "columns"},
    recognise_last=_recognise_last,
)
