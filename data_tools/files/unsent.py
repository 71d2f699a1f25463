"""Which lines of a watched PredictionSet, and of its list of errors, have been delivered elsewhere, over restarts.

`OUT.KIND.unsent` holds, for either file, where the last delivered line is and what it was; what follows is unsent. The
lines themselves stay in their files, which are the truth.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.atomic import write_json
from data_tools.files.json_object import read_object
from data_tools.files.prediction_journal import errors_path

log = logging.getLogger(__name__)

_SENT = "sent"


@dataclass(frozen=True)
class Line:
    """A whole line of one of the files.

    Attributes:
        path: the file.
        start, end: where it begins and where the next one does, in bytes.
        content: with its end of line.
    """

    path: Path
    start: int
    end: int
    content: bytes

    @property
    def key(self) -> str:
        """The same at each attempt to deliver it, and no other line's: a hash of place and content."""
        return hashlib.sha256(b"%d:%b" % (self.start, self.content)).hexdigest()


class Unsent:
    """The lines that are not delivered yet, in the order of their file.

    Args:
        out: the PredictionSet, which may grow meanwhile.
        kind: of what they are delivered to; each kind goes on by itself.

    Raises:
        InputError: something else lies at `OUT.KIND.unsent`.
    """

    def __init__(self, out: Path, kind: str) -> None:
        self.path = out.with_name(f"{out.name}.{kind}.unsent")
        self._files = {"predictions": out, "errors": errors_path(out)}
        self._sent: dict[Path, Line] = {}
        self._is_saved = True
        if os.path.lexists(self.path):
            self._read()

    def lines(self) -> Iterator[Line]:
        """What is there now; a line that is being written is left for another time."""
        for path in self._files.values():
            sent = self._sent.get(path)
            yield from _lines_from(path, sent.end if sent is not None else 0)

    def count(self) -> int:
        """How many there are now."""
        return sum(1 for _ in self.lines())

    def sent(self, line: Line) -> None:
        """Take a line of `lines`, the first of its file, as delivered; `save` makes it last."""
        self._sent[line.path], self._is_saved = line, False

    def save(self) -> None:
        """Write what was delivered, atomically.

        Raises:
            InputError, OSError: it cannot be written.
        """
        if not self._is_saved:
            last = {name: self._sent[path] for name, path in self._files.items() if path in self._sent}
            write_json(
                self.path,
                {_SENT: {name: {"start": at.start, "end": at.end, "key": at.key} for name, at in last.items()}},
            )
            self._is_saved = True

    def _read(self) -> None:
        try:
            sent = read_object(self.path).group(_SENT)
            sent.only(self._files)
            for name in sent.values:
                self._take(self._files[name], sent.group(name))
        except InputError as error:
            advice = "it tells what is not delivered yet: move it away to have every record sent"
            raise InputError(f"{error}; {advice}") from error

    def _take(self, path: Path, at: Fields) -> None:
        """Go on after the line that was delivered last, or from the first where the file is no longer the same."""
        start, end, key = at.integer("start"), at.integer("end"), at.text("key")
        content = b""
        if path.is_file() and path.stat().st_size >= end >= start:
            with path.open("rb") as file:
                file.seek(start)
                content = file.readline()
        line = Line(path, start, start + len(content), content)
        if (line.end, line.key) == (end, key):
            self._sent[path] = line
        else:
            log.warning("WARNING: %s: %s was begun anew or changed; all of its records are sent", self.path, path)


def _lines_from(path: Path, start: int) -> Iterator[Line]:
    """The whole lines of a file from a place on, without the header."""
    if not path.is_file() or path.stat().st_size <= start:
        return
    with path.open("rb") as file:
        os.fsync(file.fileno())  # so that nothing is delivered that a power loss would take out of the file
        file.seek(start)
        while (content := file.readline()).endswith(b"\n"):
            line = Line(path, start, start + len(content), content)
            start = line.end
            if line.start:
                yield line
