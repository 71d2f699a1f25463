"""Images named on a command line, one by one: files, folders, patterns, lists of names, names from standard input.

Nothing is opened here. What cannot be read is yielded too, with the reason, so that whoever predicts can list it.
"""

import glob
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from data_tools.core.errors import InputError
from data_tools.core.printable import in_utf8
from data_tools.files.image_walk import each_entry
from data_tools.files.regular import reason_against_reading

STDIN = "-"
_LIST = "@"
_ANY_DEPTH = "**"
_LONGEST_LINE = 1 << 14  # bytes; no file system takes a longer name


@dataclass(frozen=True)
class Source:
    """An image to predict, or what stands in its place.

    Attributes:
        name: as a prediction names it.
        path: of the file.
        size_hw: height and width in pixels that it must have; None for any.
        reason: why it is not read; "" for an image.
        is_left_out: whether its name alone rules it out, so that it is no image of the job.
        image_id: where the dataset gives it one; else it is counted.
    """

    name: str
    path: Path
    size_hw: tuple[int, int] | None = None
    reason: str = ""
    is_left_out: bool = False
    image_id: int | None = None


class NamedImages:
    """The images that words name, in the words' order, each of them once.

    A word is a file, a folder (its images in the order of their names), a pattern such as "lot*/*.png" (`**` for any
    depth, without links to folders), "@FILE" for a list with a name a line, or "-" for such a list from standard input.
    Names are relative to the folder that the words share; those of a list are as they stand there. In a list every line
    counts.

    Args:
        words: see above.
        stdin: bytes of standard input.

    Raises:
        InputError: a list that cannot be read, a pattern that no file matches, or standard input named twice.
    """

    def __init__(self, words: Sequence[str], stdin: IO[bytes] | None = None) -> None:
        self.words = tuple(dict.fromkeys(words))
        self._stdin = stdin
        self._lists = {word: Path(word[1:]) for word in self.words if word.startswith(_LIST)}
        for path in self._lists.values():
            reason = reason_against_reading(path)
            if reason is not None:
                raise InputError(f"{path}: cannot read the list of images: {reason}")
        self._plain = self._without_patterns()
        self._folders = [path for path in self._plain if path.is_dir()]
        # a link keeps its own name, as DVC and git-annex leave it: the name of what it leads to says nothing
        bases = [path if path in self._folders else path.parent for path in self._plain]
        self._root = Path(os.path.commonpath(bases)) if bases else Path()

    @property
    def files_read(self) -> tuple[Path, ...]:
        """The files and folders that the words name, lists included."""
        return (*self._plain, *self._lists.values())

    @property
    def images_read(self) -> tuple[Path, ...]:
        """The image files and folders that the words name, without what lists name."""
        return tuple(self._plain)

    def listed(self) -> Iterator[Path]:
        """The files that the lists name, but for that of standard input, which can be read once."""
        for path in self._lists.values():
            with path.open("rb") as lines:
                yield from (source.path for source in _listed(lines, str(path)))

    def count(self) -> int | None:
        """How many there are, by a first look; None where standard input says."""
        return None if STDIN in self.words else sum(not one.is_left_out for one in self)

    def __iter__(self) -> Iterator[Source]:
        named_folders: list[Path] = []
        for path in self._plain:
            if any(path.is_relative_to(folder) for folder in named_folders):
                continue  # its folder has been named
            if path in self._folders:
                yield from self._in_folder(path)
                named_folders.append(path)
            else:
                yield _source(self._name(path), path)
        for word in self.words:
            if word == STDIN:
                yield from _listed(self._stdin or sys.stdin.buffer, "standard input")
            elif word in self._lists:
                with self._lists[word].open("rb") as lines:
                    yield from _listed(lines, str(self._lists[word]))

    def _without_patterns(self) -> list[Path]:
        """Files and folders, absolute, each once; a word that is the name of a file is no pattern."""
        names: list[str] = []
        for word in self.words:
            if word == STDIN or word in self._lists:
                continue
            if glob.has_magic(word) and not os.path.lexists(word):
                matches = sorted(_matches(word))
                if not matches:
                    raise InputError(f"--images {word}: no file matches this pattern")
                names += matches
            else:
                names.append(word)
        return [Path(name) for name in dict.fromkeys(map(os.path.abspath, names))]

    def _in_folder(self, folder: Path) -> Iterator[Source]:
        for entry in each_entry(folder):
            path = folder / entry.name
            left_out = bool(entry.reason) and not entry.is_broken
            yield Source(self._name(path), path, reason=entry.reason, is_left_out=left_out)

    def _name(self, path: Path) -> str:
        return in_utf8(path.relative_to(self._root).as_posix())


def _matches(pattern: str) -> Iterator[str]:
    """What a pattern matches. `**` follows no links to folders, as folders are read: one back up would not end."""
    parts = pattern.split("/")
    if _ANY_DEPTH not in parts:
        yield from glob.iglob(pattern)
        return
    place = parts.index(_ANY_DEPTH)
    head, rest = "/".join(parts[:place]), "/".join(parts[place + 1 :])
    for base in glob.iglob(f"{head}/") if place else (".",):
        if not rest:
            yield base
            continue
        for folder, below, _ in os.walk(base):
            below[:] = [name for name in below if not name.startswith(".")]
            yield from _matches(f"{glob.escape(folder)}/{rest}")


def _source(name: str, path: Path) -> Source:
    return Source(name, path, reason=reason_against_reading(path) or "")


def _listed(lines: IO[bytes], where: str) -> Iterator[Source]:
    for number, line in enumerate(_lines(lines, where), start=1):
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        name = os.fsdecode(line.rstrip(b"\r\n"))
        if name.strip():
            yield _source(in_utf8(Path(name).as_posix()), Path(name))


def _lines(lines: IO[bytes], where: str) -> Iterator[bytes]:
    number = 0
    while line := lines.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise InputError(f"{where}, line {number}: too long for a file name; give a name a line")
        yield line
