"""Text from outside as people see it: no control character and no turn of direction reaches a terminal or a table.

Names of files, types, groups, keys and values come from anybody. What would steer a terminal (controls, escapes) or
make text read otherwise than it is written (turns of direction, characters of no width) is shown as its escape.
"""

import os
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

_FIRST = 5  # of several, in a message


def is_shown(character: str) -> bool:
    """Whether one character is seen as itself: a letter, mark, number, sign or space of any script."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def printable(text: object) -> str:
    r"""The text in one line as it is read: line ends, controls, turns of direction and no UTF-8 become escapes.

    >>> print(printable("a\x1b[2Jb\nc"))
    a\x1b[2Jb\nc
    """
    whole = str(text)
    if whole.isprintable():
        return whole
    return "".join(c if is_shown(c) else c.encode("unicode_escape").decode("ascii") for c in whole)


def columns_of(text: str) -> int:
    """How many columns of a terminal a printable text takes: ideographs and their like two, combining marks none.

    >>> columns_of("scratch"), columns_of("划痕")
    (7, 4)
    """
    if text.isascii():
        return len(text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me") for c in text)
    return len(text) - marks + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def start_of(text: str, columns: int) -> str:
    """As many of the first characters as so many columns hold."""
    while columns_of(text) > columns:
        text = text[:-1]
    return text


def told_apart(cut: Sequence[str], whole: Sequence[str]) -> list[str]:
    """Names that were cut off, but for those that nobody could tell apart then."""
    counts = Counter(cut)
    return [short if counts[short] == 1 else name for short, name in zip(cut, whole, strict=True)]


def counted(count: int, noun: str) -> str:
    """Such as "1 image" and "2 images"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def to_left(text: str, columns: int) -> str:
    """The text with blanks behind it, so many columns wide."""
    return text + " " * (columns - columns_of(text))


def to_right(text: str, columns: int) -> str:
    """The same with the blanks in front."""
    return " " * (columns - columns_of(text)) + text


def first_of(values: Sequence[object]) -> str:
    """The first values in a row, and how many more there are: "1, 2, 3, 4, 5 and 55 more"."""
    more = f" and {len(values) - _FIRST:,} more" if len(values) > _FIRST else ""
    return ", ".join(printable(value) for value in values[:_FIRST]) + more


def printable_lines(text: object) -> str:
    """The same for a text of several lines, whose line ends stay."""
    return "\n".join(map(printable, str(text).split("\n")))


def in_utf8(name: str) -> str:
    """A name as it is kept and compared: the same, but for bytes that are no UTF-8, written as \\udc80 to \\udcff."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def say(*lines: object, to: TextIO | None = None) -> None:
    """Print `printable` lines, to standard output unless told otherwise; a line end inside of one begins no other.

    This is the one place that prints. What nobody reads any more, as after `| head`, or ever did, as with `>&-`, is
    dropped, and the work goes on.
    """
    stream: TextIO | None = sys.stdout if to is None else to
    if stream is None:  # a process that was started without one
        return
    try:
        with apart_from_bars(stream):
            stream.write("".join(f"{printable(line)}\n" for line in lines))
            stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)  # also for what is still in the stream's buffer at the end
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def apart_from_bars(stream: TextIO) -> AbstractContextManager[object]:
    """In it, the progress bars on standard error are taken away, so that a message there has a line of its own."""
    bar: Any = getattr(sys.modules.get("tqdm"), "tqdm", None)  # without it there is none
    drawn = stream is sys.stderr and getattr(bar, "_instances", None)
    return bar.external_write_mode(file=stream) if drawn else nullcontext()


def say_text(text: object, to: TextIO | None = None) -> None:
    """Print a text of lines that was made of printable cells, or that names nothing."""
    say(*str(text).split("\n"), to=to)
