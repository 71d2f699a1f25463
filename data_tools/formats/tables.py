"""Lines and fields of CSV files of unknown origin."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError

SUFFIXES = (".csv", ".tsv")
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_PEEK = 1 << 16


def csv_files(sources: Sequence[Path]) -> list[Path]:
    """The sources, with a folder standing for its .csv and .tsv files.

    Raises:
        InputError: no such file, or a folder without any.
    """
    files: list[Path] = []
    for source in sources:
        if source.is_dir():
            found = _tables_in(source)
            if not found:
                raise InputError(f"{source}: no .csv files in this folder")
            files += found
        elif source.is_file():
            files.append(source)
        else:
            raise InputError(f"{source}: no such file or folder")
    return files


def table_lines(path: Path, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Number, from 1, and stripped fields of each line that is not blank; no fields where a line is not text.

    A line break ends a row even between quotes, so that a lost quote spoils one line and not the rest of the file.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    for line, raw in enumerate(_as_utf8(content).split(b"\n"), start=1):
        if raw.strip():
            yield line, _fields(raw.removesuffix(b"\r"), delimiter)


def first_csv(source: Path) -> Path | None:
    """The source itself, or the first .csv or .tsv file of a folder; None where there is none."""
    if source.is_dir():
        return next(iter(_tables_in(source)), None)
    return source if source.suffix.lower() in (*SUFFIXES, ".txt", "") and source.is_file() else None


def first_fields(path: Path, delimiter: str = ",") -> list[str]:
    """The fields of the first line that is not blank; none where the file cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_PEEK)
    except OSError:
        return []
    return next((_fields(raw.strip(), delimiter) for raw in _as_utf8(content).split(b"\n") if raw.strip()), [])


def _tables_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def _as_utf8(content: bytes) -> bytes:
    """Without a byte order mark; from UTF-16, which spreadsheets call Unicode text, where the mark says so."""
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    return content.removeprefix(_UTF8_MARK)


def _fields(raw: bytes, delimiter: str) -> list[str]:
    try:
        return [value.strip() for value in next(csv.reader([raw.decode("utf-8")], delimiter=delimiter, strict=True))]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        return []
