"""metrics.jsonl: a line an epoch, written as the run goes and read for its picture."""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.atomic import write_text
from data_tools.files.flushing import flush
from data_tools.files.full_disk import named_if_full
from data_tools.files.json_object import parse_object
from data_tools.files.regular import read_regular

log = logging.getLogger(__name__)

METRICS = "metrics.jsonl"


def append_line(path: Path, line: Mapping[str, Any]) -> None:
    """Add an epoch, flushed to disk with the file's name."""
    is_new = not path.exists()
    with named_if_full(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if is_new:
        flush(path.parent)


def read_lines(path: Path, epochs: int | None = None) -> list[dict[str, Any]]:
    """The lines of the first `epochs` epochs, or of all; what comes after them need not be whole.

    Raises:
        InputError: not UTF-8, or a line that is none of an epoch; the message names it.
    """
    texts = _texts(path)[:epochs]
    return [_checked(text, f"{path}, line {number}") for number, text in enumerate(texts, start=1)]


def keep_lines(path: Path, epochs: int) -> None:
    """Drop lines of epochs that the checkpoint does not know: they will be done, and written, again."""
    texts = _texts(path) if path.exists() else []
    if len(texts) > epochs:
        write_text(path, "".join(f"{text}\n" for text in texts[:epochs]))
    if len(texts) < epochs:
        log.warning("%s: has %d of %d epochs, so the picture of the run will have gaps", path, len(texts), epochs)


def _texts(path: Path) -> list[str]:
    try:
        return read_regular(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from error


def _checked(text: str, place: str) -> dict[str, Any]:
    line = parse_object(text.encode("utf-8"), place)
    line.integer("epoch", 1)
    line.integer("step")
    line.number("lr", 0)
    line.number("images_per_s", 0)
    line.named_numbers("losses")
    line.named_numbers("validation", undefined=True)
    return dict(line.values)
