"""A PredictionSet that grows an image at a time, and which version of which file is in it, over restarts.

Its lines have two values more than others, the file's size in bytes and time of change in ns; so have those of what
could not be read, in `OUT.errors.jsonl`. The last line of either is left out where a crash has torn it.
"""

import json
import os
from collections.abc import Collection
from io import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from data_tools.core.errors import InputError
from data_tools.core.records import PredictionHeader
from data_tools.files.flushing import make_folder
from data_tools.files.full_disk import named_if_full
from data_tools.files.locks import open_locked
from data_tools.files.prediction_journal import (
    LACKS_TEMPLATE,
    Counts,
    Record,
    error_line,
    errors_header,
    errors_path,
    job_difference,
    whole_object,
)
from data_tools.files.predictions import as_text, header_line, to_line

_WATCHED = "watched"  # in the header
_LONGEST_HEADER = 1 << 20

Version = tuple[int, int]
"""Size in bytes and time of change in ns of a file."""


def version_of(path: Path) -> Version | None:
    """The version of what is there, of a link itself where it leads nowhere; None where nothing is."""
    for look in (os.stat, os.lstat):
        try:
            state = look(path)
            return state.st_size, state.st_mtime_ns
        except (OSError, ValueError):
            continue
    return None


def require_unwatched(out: Path) -> None:
    """Refuse a PredictionSet that grows by watching where another would take its place.

    Raises:
        InputError: see above.
    """
    if out.is_file():
        with out.open("rb") as lines:
            first = whole_object(lines.readline(_LONGEST_HEADER))
        if first is not None and first.get(_WATCHED):
            raise InputError(f"--out {out}: grows by --watch, and would be replaced; give another name")


class WatchLog:
    """The growing set.

    Args:
        out: the PredictionSet.
        header: of the set.
        job: what else decides the predictions, such as the hash of the run.
        present: names of files whose versions are of interest; others are not held in memory. None for all.

    Raises:
        InputError: `out` is of another job, damaged, or written by another process.
    """

    def __init__(
        self, out: Path, header: PredictionHeader, job: dict[str, Any], present: Collection[str] | None
    ) -> None:
        self.out, self.counts, self._versions = out, Counts(), set[tuple[str, Version]]()
        self._lacking: dict[str, tuple[Version, str]] = {}
        self._last_id = 0
        make_folder(out.parent)
        self._lines = open_locked(out)
        self._errors: BinaryIO | None = None
        try:
            self._read_back(self._lines, out, {**header_line(header), **job, _WATCHED: True}, present)
            if errors_path(out).exists():
                self._open_errors(present)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> "WatchLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    @property
    def next_id(self) -> int:
        """The id of the next image that is predicted."""
        return self._last_id + 1

    def append(self, record: Record, version: Version) -> None:
        """Write what became of a file; it is safe from the end of this process when this returns."""
        more = {"bytes": version[0], "mtime_ns": version[1]}
        if record.prediction is None:
            file, line = self._open_errors(()), {**error_line(record), **more}
        else:
            self._last_id = max(self._last_id, record.prediction.image_id)
            file, line = self._lines, {**to_line(record.prediction), "heatmap": None, **more}
        with named_if_full(self.out):
            file.write(as_text(line).encode("utf-8"))
            file.flush()
        self._note(line, record.name, version)
        self.counts.add(record.name, record.reason, record.is_left_out)

    def forget_all_but(self, present: Collection[str]) -> None:
        """Drop the versions of files that are gone."""
        self._versions = {one for one in self._versions if one[0] in present}
        self._lacking = {name: one for name, one in self._lacking.items() if name in present}

    def has(self, name: str, version: Version) -> bool:
        """Whether this version of a file is in the set, or listed as unreadable."""
        return (name, version) in self._versions

    def lacks_template(self, name: str, version: Version) -> str:
        """Why this version of an image has been listed for want of a template, and not predicted since; else ""."""
        listed, reason = self._lacking.get(name, (None, ""))
        return reason if listed == version else ""

    def _note(self, line: dict[str, Any], name: str, version: Version) -> None:
        """What became of a version of a file; read back, what was predicted comes before what could not be read."""
        if not line.items() >= LACKS_TEMPLATE.items():
            self._lacking.pop(name, None)
        elif not self.has(name, version) or self.lacks_template(name, version):
            self._lacking[name] = version, str(line.get("reason"))
        self._versions.add((name, version))

    def _open_errors(self, present: Collection[str] | None) -> BinaryIO:
        if self._errors is None:
            path = errors_path(self.out)
            self._errors = open_locked(path)
            self._read_back(self._errors, path, errors_header(self.out), present)
        return self._errors

    def _read_back(self, file: BinaryIO, path: Path, first: dict[str, Any], present: Collection[str] | None) -> None:
        """Take up what a file holds, cut off a torn last line, and write the first line of a new one."""
        end = 0
        for number, content in enumerate(iter(file.readline, b""), start=1):
            line = whole_object(content)
            if line is None:
                if file.readline():
                    raise InputError(f"{path}, line {number}: damaged; give another --out")
                break
            if number == 1:
                difference = job_difference(line, json.loads(as_text(first)))
                if difference:
                    raise InputError(f"--out {path}: was begun with another {difference}; give another --out")
            else:
                self._take(line, present)
            end = file.tell()
        file.seek(end)
        file.truncate()
        if not end:
            with named_if_full(path):
                file.write(as_text(first).encode("utf-8"))
                file.flush()
        file.seek(0, SEEK_END)

    def _take(self, line: dict[str, Any], present: Collection[str] | None) -> None:
        name, image_id = line.get("file_name"), line.get("image_id", 0)
        self._last_id = max(self._last_id, image_id if isinstance(image_id, int) else 0)
        size, changed = line.get("bytes"), line.get("mtime_ns")
        if not (isinstance(name, str) and isinstance(size, int) and isinstance(changed, int)):
            return
        if present is None or name in present:
            self._note(line, name, (size, changed))

    def _close(self) -> None:
        self._lines.close()
        if self._errors is not None:
            self._errors.close()
