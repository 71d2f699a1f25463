"""Where an output goes, looked at before the work that makes it: it can be written there, and replaces no input."""

import os
import stat
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.regular import real_path


def require_place(out: Path, inputs: Iterable[Path] = (), suffixes: Sequence[str] = (), flag: str = "--out") -> None:
    """Refuse a file that could not be written at `out`, or that would take the place of what is read.

    Args:
        out: file to be written, with folders that may be absent yet.
        inputs: files that the command reads, and folders of such files: what is there already is not replaced.
        suffixes: endings that the file's name may have; empty for any.
        flag: that named the file, for the message.

    Raises:
        InputError: another ending, a folder, no regular file, an input, or a folder that cannot be written to.
    """
    if suffixes and out.suffix not in suffixes:
        raise InputError(f"{flag} {out}: give a file that ends in {' or '.join(suffixes)}")
    try:
        mode = out.stat().st_mode if out.exists() else None
    except OSError as error:
        raise InputError(f"{flag} {out}: cannot be written: {error.strerror or error}") from error
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{flag} {out}: is a folder; name a file in it")
    if mode is not None and not stat.S_ISREG(mode):
        raise InputError(f"{flag} {out}: is not a regular file")
    for path in inputs:
        inside = mode is not None and path.is_dir() and real_path(out).is_relative_to(real_path(path))
        if inside or _same(out, path):
            raise InputError(f"{flag} {out}: is what the command reads; name another file")
    require_writable(out.parent, f"{flag} {out}")


def require_writable(folder: Path, what: str) -> None:
    """Refuse a folder in which nothing can be written, or which cannot be made; it is not made here.

    Args:
        folder: may be absent, with those above it.
        what: is to be written, for the message.

    Raises:
        InputError: see above.
    """
    there = Path(os.path.abspath(folder))
    try:
        while not there.exists() and not there.is_symlink():
            there = there.parent
        if not there.is_dir():
            raise InputError(f"{what}: cannot be written: {there} is not a folder")
        with tempfile.TemporaryFile(dir=there):  # tried, because permissions say nothing of a read-only disk
            pass
    except OSError as error:
        raise InputError(f"{what}: cannot be written in {there}: {error.strerror or error}") from error


@dataclass(frozen=True)
class Outputs:
    """What a command writes, to be held against each file that it comes to read.

    Attributes:
        named: how the files were named, for the message, such as "--out p.jsonl".
        files: each of them.
        folder: into which pictures are drawn; None for none.
    """

    named: str
    files: tuple[Path, ...]
    folder: Path | None = None

    def require_apart(self, path: Path) -> None:
        """Refuse a file that would be replaced, or among which pictures would be drawn.

        Raises:
            InputError: see above.
        """
        self.require_kept(path)
        if self.folder is not None and holds(self.folder, path):
            raise InputError(f"--overlays {self.folder}: holds {path}, which is predicted; give another folder")

    def require_kept(self, path: Path) -> None:
        """Refuse a file that would be replaced.

        Raises:
            InputError: see above.
        """
        if real_path(path) in self._places:
            raise InputError(f"{self.named}: {path} is what the command reads; name another file")

    @cached_property
    def _places(self) -> frozenset[Path]:
        return frozenset(map(real_path, self.files))


def holds(folder: Path, path: Path) -> bool:
    """Whether a file, or what its link leads to, lies in a folder itself, not in one below."""
    return real_path(folder) in (real_path(path.parent), real_path(path).parent)


def _same(out: Path, path: Path) -> bool:
    return real_path(out) == real_path(path) or (out.exists() and path.exists() and out.samefile(path))
