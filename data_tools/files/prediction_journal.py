"""Predictions on disk as they come, so that any number takes the same memory and a killed process loses little.

While the work runs, `OUT.partial` holds its records, a JSON line each, and `OUT.partial.maps` the heat maps in
succession. At the end they become the PredictionSet, its `.npz` and, where something was not read, `OUT.errors.jsonl`
(for p.jsonl: p.errors.jsonl), and are removed.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader
from data_tools.files.atomic import atomic_path
from data_tools.files.flushing import make_folder
from data_tools.files.full_disk import named_if_full
from data_tools.files.locks import open_locked
from data_tools.files.predictions import as_stored, as_text, header_line, maps_path, to_line, write_lines, write_maps
from data_tools.files.regular import reason_against_reading

JOURNAL = 1
SHOWN = 3
LACKS_TEMPLATE = {"lacks": "template"}
"""In the line of an image that could be read, but not its template."""
_START = b'{"journal": '
_ERRORS_START = '{"errors_of": '
_WHOLE_LINE = b"\n"


@dataclass(frozen=True, eq=False)
class Record:
    """What became of an input.

    Attributes:
        name: of the input.
        prediction: None where it was not read.
        reason: why it was not read; "" where it was.
        is_left_out: whether its name alone ruled it out.
        more: further values for its line.
    """

    name: str
    prediction: Prediction | None
    reason: str = ""
    is_left_out: bool = False
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Counts:
    """How many inputs were predicted, could not be read, or were left out by their names; the first reasons.

    `flagged` of the predicted score at least the threshold, which the header tells; 0 without one.
    """

    predicted: int = 0
    flagged: int = 0
    unreadable: int = 0
    left_out: int = 0
    reasons: list[str] = field(default_factory=list)
    names_left_out: list[str] = field(default_factory=list)

    def add(self, name: str, reason: str, is_left_out: bool) -> None:
        """One more; `reason` is "" where it was predicted."""
        self.predicted += not reason
        self.unreadable += bool(reason) and not is_left_out
        self.left_out += is_left_out
        shown = self.names_left_out if is_left_out else self.reasons
        if reason and len(shown) < SHOWN:
            shown.append(f"{name}: {reason}")

    @property
    def inputs(self) -> int:
        """Predicted and unreadable together."""
        return self.predicted + self.unreadable


def errors_path(out: Path) -> Path:
    """Where what could not be read is listed."""
    return out.with_suffix(".errors.jsonl")


def gathering_paths(out: Path) -> tuple[Path, Path]:
    """Where records and heat maps are gathered until `out` is made."""
    return out.with_name(f"{out.name}.partial"), out.with_name(f"{out.name}.partial.maps")


def require_errors_place(out: Path) -> None:
    """Refuse a file of others where the list of errors goes.

    Raises:
        InputError: see above.
    """
    path = errors_path(out)
    if not os.path.lexists(path):
        return
    reason = reason_against_reading(path)
    if reason is None:
        with path.open(encoding="utf-8", errors="replace") as lines:
            reason = None if lines.readline(1 << 16).startswith(_ERRORS_START) else "none of ours"
    if reason is not None:
        raise InputError(f"--out {out}: {path} lies where unreadable images are listed ({reason}); give another name")


def error_line(record: Record) -> dict[str, Any]:
    """The line of an input that was not read."""
    kind = "left out" if record.is_left_out else "unreadable"
    return {"file_name": record.name, "reason": record.reason, "kind": kind, **record.more}


def errors_header(out: Path) -> dict[str, Any]:
    """The first line of the list of errors."""
    return {"errors_of": out.name}


class Journal:
    """The records of one job, in the order of its inputs.

    Args:
        out: PredictionSet to make.
        header: of the PredictionSet.
        job: what else decides the predictions, such as the hash of the run; compared on resuming.
        resume: go on after the records that an interrupted process has left; False begins anew.

    Raises:
        InputError: another process writes there, another job's records, damaged ones, or a file of others.
    """

    def __init__(self, out: Path, header: PredictionHeader, job: dict[str, Any], resume: bool) -> None:
        self.out, self.header = out, header
        self.path, self.maps = gathering_paths(out)
        self.counts, self.dropped = Counts(), 0
        config = header.config if isinstance(header.config, dict) else {}
        self.threshold: float | None = config.get("threshold")
        self._first = {"journal": JOURNAL, "job": {**header_line(header), **job}}
        for path in (self.path, self.maps):
            if os.path.lexists(path) and (reason := reason_against_reading(path)) is not None:
                raise InputError(f"{path}: lies where the predictions are gathered: {reason}")
        make_folder(out.parent)
        self._lines = open_locked(self.path)
        try:
            self._require_ours()
            end, maps_end = self._read_back() if resume else self._begin()
            self._lines.seek(end)
            self._lines.truncate()
            self._maps_file = self.maps.open("r+b" if self.maps.exists() else "w+b")
            self._maps_file.truncate(maps_end)
            self._maps_file.seek(0, SEEK_END)
            if not end:
                with named_if_full(self.path):
                    self._lines.write(as_text(self._first).encode("utf-8"))
                    self._lines.flush()
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.path.exists() and not self.counts.predicted:
            self._remove()  # there is nothing to go on after
        with named_if_full(self.path):  # what is still in their buffers is written
            self._maps_file.close()
            self._lines.close()

    def write(self, records: Sequence[Record]) -> None:
        """Append records; they are safe from the end of this process when this returns."""
        with named_if_full(self.path):
            self._append(records)

    def _append(self, records: Sequence[Record]) -> None:
        lines = []
        for record in records:
            heatmap = record.prediction.heatmap if record.prediction is not None else None
            if heatmap is not None:
                np.lib.format.write_array(self._maps_file, as_stored(heatmap), allow_pickle=False)
            line = {"name": record.name, "maps_end": self._maps_file.tell()}
            if record.prediction is not None:
                line["prediction"] = to_line(record.prediction)
            else:
                line["error"] = error_line(record)
            lines.append(as_text(line))
            self.counts.add(record.name, record.reason, record.is_left_out)
            self.counts.flagged += self._is_flagged(line)
        self._maps_file.flush()  # first, so that no line points to a map that is not there
        self._lines.write("".join(lines).encode("utf-8"))
        self._lines.flush()

    def _is_flagged(self, line: dict[str, Any]) -> bool:
        score = line.get("prediction", {}).get("score")
        return self.threshold is not None and score is not None and score >= self.threshold

    def names(self) -> Iterator[str]:
        """The names of the inputs that are done, in order."""
        for line in self._each():
            yield line["name"]

    def finish(self, ms_per_image: float | None = None) -> None:
        """Make the PredictionSet of all records, with the time that one took, and the list of what was not read."""
        self._lines.flush()
        header = replace(self.header, ms_per_image=ms_per_image)
        digest = write_maps(self.out, self._each_map()) if self._maps_file.tell() else None
        if self.counts.unreadable or self.counts.left_out:
            with atomic_path(errors_path(self.out)) as temporary, temporary.open("w", encoding="utf-8") as file:
                file.write(as_text(errors_header(self.out)))
                file.writelines(as_text(line["error"]) for line in self._each() if "error" in line)
        write_lines(self.out, header_line(header, digest), self._each_prediction)
        if digest is None:
            maps_path(self.out).unlink(missing_ok=True)
        if not (self.counts.unreadable or self.counts.left_out):
            errors_path(self.out).unlink(missing_ok=True)
        self._remove()

    def _remove(self) -> None:
        self.maps.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _each(self) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as lines:
            next(lines, None)
            for line in lines:
                yield json.loads(line)

    def _each_prediction(self) -> Iterator[dict[str, Any]]:
        """The lines of the PredictionSet after its header."""
        return (line["prediction"] for line in self._each() if "prediction" in line)

    def _each_map(self) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
        with self.maps.open("rb") as file:
            for line in self._each():
                key = line.get("prediction", {}).get("heatmap")
                if key is not None:
                    yield key, np.lib.format.read_array(file, allow_pickle=False)

    def _require_ours(self) -> None:
        self._lines.seek(0)
        start = self._lines.read(len(_START))
        if start and not _START.startswith(start):
            raise InputError(f"{self.path}: lies where the predictions are gathered and is none of ours; move it away")
        if not start and self.maps.exists() and self.maps.stat().st_size:  # no process leaves maps without records
            raise InputError(f"{self.maps}: lies where heat maps are gathered and is none of ours; move it away")

    def _begin(self) -> tuple[int, int]:
        self._lines.seek(0)
        self.dropped = max(sum(1 for _ in self._lines) - 1, 0)
        return 0, 0

    def _read_back(self) -> tuple[int, int]:
        """Where the whole records end, and their heat maps; a last line that was torn is left out.

        Raises:
            InputError: the records are of another job, or damaged before the last one.
        """
        self._lines.seek(0)
        first = self._lines.readline()
        if not first.endswith(_WHOLE_LINE):
            return 0, 0
        self._require_same_job(first)
        end, maps_end = self._lines.tell(), 0
        maps_size = self.maps.stat().st_size if self.maps.exists() else 0
        torn = None
        for number, content in enumerate(iter(self._lines.readline, b""), start=2):
            if torn is not None:
                raise InputError(f"{self.path}, line {torn}: damaged; begin anew without --resume")
            line = _parsed(content)
            if line is None:
                torn = number
                continue
            if line["maps_end"] > maps_size:
                break  # the maps of this one and of all after it have not reached the disk
            error = line.get("error", {})
            self.counts.add(line["name"], error.get("reason", ""), error.get("kind") == "left out")
            self.counts.flagged += self._is_flagged(line)
            end, maps_end = self._lines.tell(), line["maps_end"]
        return end, maps_end

    def _require_same_job(self, first: bytes) -> None:
        line, wanted = whole_object(first), json.loads(as_text(self._first))
        if line is None or not isinstance(line.get("job"), dict) or line.get("journal") != JOURNAL:
            raise InputError(f"{self.path}, line 1: damaged; begin anew without --resume")
        difference = job_difference(line["job"], wanted["job"])
        if difference:
            raise InputError(f"--resume: {self.path} was begun with another {difference}; begin anew without --resume")


def job_difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first thing in which two jobs differ, in words; "" where they are the same."""
    for key in dict.fromkeys((*now, *before)):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict) and a != b:
            return f"{key}.{job_difference(a, b)}"
        if a != b:
            return f"{key}: {str(a)[:60]!r}, not {str(b)[:60]!r}"
    return ""


def whole_object(content: bytes) -> dict[str, Any] | None:
    """The JSON object of a line with its end; None where it is torn, or no object."""
    try:
        line = json.loads(content) if content.endswith(_WHOLE_LINE) else None
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) else None


def _parsed(content: bytes) -> dict[str, Any] | None:
    """A record's line; None for one that is torn."""
    line = whole_object(content)
    if line is None or not isinstance(line.get("name"), str) or not isinstance(line.get("maps_end"), int):
        return None
    parts = [line.get(key) for key in ("prediction", "error")]
    return line if sum(isinstance(part, dict) for part in parts) == 1 else None
