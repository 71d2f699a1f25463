"""JSON objects that this project wrote, read as if they came from anybody: strict, and of bounded size."""

import json
from pathlib import Path
from typing import Any, NoReturn

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.regular import read_regular

_LARGEST = 16 << 20


def read_object(path: Path) -> Fields:
    """The JSON object in a file.

    Raises:
        InputError: no regular file, larger than 16 MiB, not UTF-8, not strict JSON (NaN and Infinity are none), a key
            that stands twice in an object, nested too deeply, or no object.
    """
    return parse_object(read_regular(path, _LARGEST), str(path))


def parse_object(content: bytes, place: str) -> Fields:
    """The JSON object in some bytes; `place` is named in messages.

    Raises:
        InputError: not UTF-8, not strict JSON, a key twice in an object, nested too deeply, or no object.
    """
    try:
        value: Any = json.loads(content.decode("utf-8"), parse_constant=_refuse, object_pairs_hook=each_key_once)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError among them
        raise InputError(f"{place}: not readable as JSON: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{place}: not a JSON object")
    return Fields(value, place)


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, for the `object_pairs_hook` of json, which would take the last of two equal keys without a word.

    Raises:
        ValueError: a key stands twice.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} stands twice in an object")
    return values


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
