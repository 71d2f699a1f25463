"""The values in files of JSON and of JSON lines."""

import json
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.json_object import each_key_once
from data_tools.files.text import read_text

_LONGEST = 200  # characters of a reason


def json_values(path: Path) -> list[tuple[int | None, Any]]:
    """The values of a file, each with its line; None for the line where all of the file is one value.

    Raises:
        InputError: neither JSON nor lines of it.
    """
    text, _ = read_text(path)
    try:
        return [(None, parsed_json(text))]
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if len(lines) < 2:
            raise InputError(f"not readable as JSON: {str(error)[:_LONGEST]}") from error
    return [(number, value_of_line(number, line)) for number, line in lines]


def value_of_line(number: int, line: str) -> Any:
    """The value in a line of JSON lines.

    Raises:
        InputError: it is no JSON; with the line's number.
    """
    try:
        return parsed_json(line)
    except ValueError as error:
        raise InputError(f"line {number}: not readable as JSON: {str(error)[:_LONGEST]}") from error


def parsed_json(text: str) -> Any:
    """The value in a text.

    Raises:
        ValueError: no JSON, a key twice in an object, or nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=each_key_once)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
