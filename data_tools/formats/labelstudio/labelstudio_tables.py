"""Label Studio's export as CSV or TSV: the items of JSON-MIN as rows, with JSON in fields that hold more than text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.formats.tables.tables import SEPARATORS, SUFFIXES, first_fields, table_records

_OWN = {"annotation_id", "annotator", "lead_time"}


def is_table(path: Path) -> bool:
    """Whether a file is a table by its name."""
    return path.suffix.lower() in SUFFIXES


def separator_of(path: Path) -> str:
    """What stands between the fields of an export; "" where the file is none."""
    return next((one for one in SEPARATORS if {*first_fields(path, one)} >= _OWN), "")


def items_of(path: Path) -> Iterator[dict[str, Any]]:
    """The rows as JSON-MIN has them, in order; a field that is empty is none.

    Raises:
        InputError: no such export, a row with too few or too many fields, or a field that is broken JSON.
    """
    separator = separator_of(path)
    if not separator:
        raise InputError("no columns annotation_id, annotator and lead_time, so no export of Label Studio")
    for line, row in table_records(path, separator):
        item = {name: _value(field, line, name) for name, field in row.items() if field}
        yield {**dict.fromkeys(_OWN), **item}


def _value(field: str, line: int, name: str) -> Any:
    if field[0] not in "[{":
        return field
    try:
        return json.loads(field)
    except (ValueError, RecursionError) as error:
        raise InputError(f"line {line}: {name[:40]} is no JSON: {error}") from error
