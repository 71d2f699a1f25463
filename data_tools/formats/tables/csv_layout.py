"""How a CSV file is read: by its separator, its columns, and the signs in its numbers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data_tools.files.csv_tables import DECIMAL_COMMA
from data_tools.formats.tables.columns import Columns, find_columns, find_image, find_label_columns, without_end
from data_tools.formats.tables.csv_verdicts import EMPTY
from data_tools.formats.tables.one_hot import find_one_hot
from data_tools.formats.tables.tables import BLANKS, SEPARATORS, SUFFIXES, first_fields, first_lines, table_lines

_SEPARATORS = (*SEPARATORS, BLANKS)
_FIRST_LINES, _DEEPEST_HEADER = 3, 6
GROUPED = re.compile(r"^[+-]?[1-9]\d{0,2}([.,])\d{3}$")
"""A number that may have a sign for thousands in it."""

_Find = Callable[[Sequence[str]], Columns | None]


@dataclass(frozen=True)
class Table:
    """How one file is read.

    Attributes:
        separator: between the fields.
        columns: what stands where.
        has_header: whether a line names the columns.
        header_line: its number, where it is not the first, but stands below a title; else 0.
        decimal: "," where numbers are written so, else ".".
        thousands: the sign that may be one for thousands instead; "" where there is no doubt.
    """

    separator: str
    columns: Columns
    has_header: bool
    decimal: str = "."
    thousands: str = ""
    header_line: int = 0

    def rows(self, lines: Sequence[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
        """The lines below the header."""
        return [one for one in lines[self.has_header :] if one[0] > self.header_line]


def table_of(path: Path, names: tuple[str, ...] = (), find: _Find = find_columns) -> Table | None:
    """How to read a file, by the separator with which its first line, or the columns' given names, make sense."""
    for separator in _SEPARATORS:
        fields = first_fields(path, separator)
        header = find(fields)
        named = find(names) if len(without_end(fields, len(names))) == len(names) else None
        columns = named or header
        if columns is not None and fields and (separator != BLANKS or _is_in_columns(path, columns.count)):
            return Table(separator, columns, header is not None)
    return None if names else _below_a_title(path, find)


def _below_a_title(path: Path, find: _Find) -> Table | None:
    """How to read a .csv or .tsv file whose header is not the first line, as below a spreadsheet's title."""
    if path.suffix.lower() not in SUFFIXES:
        return None
    for separator in SEPARATORS:
        for line, fields in islice(first_lines(path, separator), 1, _DEEPEST_HEADER):
            columns = find(fields)
            if columns is not None:
                return Table(separator, columns, True, header_line=line)
    return None


def label_table(path: Path, names: tuple[str, ...] = ()) -> Table | None:
    """How to read a file without boxes: by a column for each class, or by one that judges."""
    for separator in _SEPARATORS:
        first = first_fields(path, separator)
        has_header = find_image(first) is not None
        if has_header or len(names) == len(first):
            rows = (fields for _, fields in islice(table_lines(path, separator), has_header, None))
            columns = find_one_hot(names if len(names) == len(first) else first, rows)
            if columns is not None:
                return Table(separator, columns, has_header)
    return table_of(path, names, find_label_columns)


def _is_in_columns(path: Path, count: int) -> bool:
    """Whether the first lines of a file have so many fields by blanks, and no other separator; a sentence has not."""
    lines = [fields for _, fields in islice(table_lines(path, BLANKS), _FIRST_LINES)]
    return all(len(fields) == count and not re.search("[,;]", "".join(fields)) for fields in lines)


def signs_of(boxes: Sequence[Sequence[str]], separator: str) -> tuple[str, str]:
    """The decimal sign of a file's numbers, and the sign that may be one for thousands instead; see `Table`.

    "1,100" beside "100" may be both; beside "0,5", or where all have three places behind the sign, it is a decimal. A
    point is a decimal one where commas separate the fields.
    """
    values = [value for box in boxes for value in box if value.lower() not in EMPTY]
    decimal = "," if any("," in value and DECIMAL_COMMA.fullmatch(value) for value in values) else "."
    signed = [value for value in values if decimal in value]
    doubtful = bool(signed) and all(GROUPED.match(value) for value in signed)
    mixed = len(signed) < len(values) or all(len(value.lstrip("+-")) == len("1.100") for value in signed)
    can_be = decimal == "," or separator != ","
    return decimal, decimal if doubtful and mixed and can_be else ""
