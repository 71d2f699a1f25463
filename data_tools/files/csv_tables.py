"""CSV tables that a spreadsheet opens without running what stands in them.

A cell that begins with = + - @, a tab or a line break is a formula to a spreadsheet. Text that begins so gets a leading
apostrophe, which spreadsheets take for "this is text"; numbers stay numbers. `plain` is the way back.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_SIGN = "'"
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
"""A number as spreadsheets of many countries write it; to be matched in full."""
_PIXELS = re.compile(r"[\s_-]*[(\[]\s*(?:in )?(?:px|pixels?)\s*[)\]]\s*$|[\s_-]px\s*$")


def defused(cell: object) -> object:
    """The cell as it goes into a table: text that a spreadsheet would run begins with an apostrophe."""
    if not isinstance(cell, str):
        return cell
    bare = cell.lstrip(_SIGN).lstrip(" ")  # one that has an apostrophe already gets another, so that `plain` is exact
    return _SIGN + cell if bare.startswith(_FORMULA) and not _is_number(bare) else cell


def plain(cell: str) -> str:
    """The cell as it was before `defused`."""
    bare = cell.removeprefix(_SIGN)
    return bare if defused(bare) == cell else cell


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV with line feeds, every cell `defused`; None is an empty one."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([defused(cell) for cell in row] for row in rows)
    return table.getvalue()


@lru_cache(maxsize=1 << 14)
def column_key(name: str) -> str:
    """What a column's name says, however it is spelled: its letters and digits, in small letters, without "px".

    Any other unit stays, a percent sign as a word, so that x1 (%) and x1 (mm) are not taken for x1.
    """
    return re.sub(r"[\W_]+", "", _PIXELS.sub("", name.lower()).replace("%", "percent"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "\t" not in text and "\n" not in text and "\r" not in text and "_" not in text
