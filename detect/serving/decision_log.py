"""A file that shows afterwards what the service has answered: a JSON line a request, appended and flushed."""

import json
import os
from datetime import UTC, datetime
from io import SEEK_END
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.flushing import make_folder
from data_tools.files.full_disk import named_if_full
from data_tools.files.locks import open_locked
from data_tools.files.places import require_place
from data_tools.files.predictions import as_text

_FIRST = {"decisions": 1}
_BLOCK = 1 << 16


class DecisionLog:
    """The growing file.

    Args:
        path: of the file; lines of earlier services stay, but for a last one that a crash has torn.

    Raises:
        InputError: a file of others, one that another process writes, or a place that cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        require_place(path, flag="--log")
        make_folder(path.parent)
        self._file = open_locked(path, "--log")
        self._handle = self._file.fileno()
        try:
            size = os.fstat(self._handle).st_size
            if size and not _is_ours(os.pread(self._handle, _BLOCK, 0)):
                raise InputError(f"--log {path}: is no log of decisions; name another file")
            end = _end_of_lines(self._handle, size)
            os.truncate(self._handle, end)
            if not end:
                with named_if_full(path):
                    self._append(_FIRST)
        except BaseException:
            self.close()
            raise

    def add(self, entry: dict[str, Any]) -> None:
        """Append what became of a request, with the time.

        Raises:
            OSError: it could not be written, and nothing of it was.
        """
        self._append({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry})

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _append(self, line: dict[str, Any]) -> None:
        content = as_text(line).encode("utf-8")
        end = os.lseek(self._handle, 0, SEEK_END)
        try:
            written = 0
            while written < len(content):
                written += os.write(self._handle, content[written:])
        except OSError:
            os.truncate(self._handle, end)
            raise


def _is_ours(start: bytes) -> bool:
    try:
        return bool(json.loads(start.partition(b"\n")[0]) == _FIRST)
    except (ValueError, RecursionError):
        return False


def _end_of_lines(handle: int, size: int) -> int:
    """Where the last whole line ends."""
    start = max(size - _BLOCK, 0)
    while (line_end := os.pread(handle, min(_BLOCK, size - start), start).rfind(b"\n")) < 0 and start:
        start = max(start - _BLOCK, 0)
    return start + line_end + 1
