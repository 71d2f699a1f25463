"""Lines and fields of CSV files of unknown origin."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.regular import read_regular, reason_against_reading, require_regular
from data_tools.files.text import decode_text
from data_tools.formats.annotation_files import files_in, without_forms
from data_tools.formats.registry import Findings

SUFFIXES = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t", "|")
BLANKS = " "
"""The separator of a table whose fields stand apart by any number of blanks or tabs, as in columns of text."""

_PEEK = 1 << 16
_EXCEL = re.compile(r'^\s*"?sep=(.)"?[\s;,]*$', re.I)  # names the separator in a first line of its own


def csv_files(sources: Sequence[Path], findings: Findings) -> list[Path]:
    """The sources, with a folder standing for its .csv and .tsv files, or where it has none, for those below it.

    In it, what is no readable file is lost, and forms for predictions are left out and listed.

    Raises:
        InputError: no such file, or a folder without any.
    """
    files: list[Path] = []
    for source in sources:
        if not source.is_dir():
            require_regular(source)
            files.append(source)
            continue
        inside = {path: reason_against_reading(path) for path in _tables_in(source) or _tables_below(source, findings)}
        for path, reason in inside.items():
            if reason is not None:
                findings.lose(path, reason)
        usable = without_forms((path for path, reason in inside.items() if reason is None), findings)
        if not usable:
            raise InputError(f"{source}: no .csv files in this folder")
        files += usable
    return files


def table_lines(path: Path, delimiter: str = ",", findings: Findings | None = None) -> Iterator[tuple[int, list[str]]]:
    """Number, from 1, and stripped fields of each line that is not blank; no fields where a line is not text.

    A line break ends a row even between quotes, so that a lost quote spoils one line and not the rest of the file.
    Excel's line "sep=;" is passed over.

    Args:
        path: of the table.
        delimiter: between two fields.
        findings: where it is listed that a file is not in UTF-8.

    Raises:
        InputError: the file cannot be read.
    """
    content = read_regular(path)
    decoded = decode_text(content)
    if decoded is not None and findings is not None and decoded[1] != "utf-8":
        findings.mend(path, None, "", f"text that is not UTF-8: read as {decoded[1]}")
    for line, text in enumerate(_lines(content, decoded), start=1):
        if text is None:
            yield line, []
        elif text.strip() and not (line == 1 and _EXCEL.match(text)):
            yield line, _fields(text.removesuffix("\r"), delimiter)


def table_records(path: Path, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and fields, by the names in the header, of each row behind it.

    Raises:
        InputError: the file cannot be read, or a row has more or fewer fields than the header.
    """
    lines = table_lines(path, separator)
    _, header = next(lines, (1, []))
    for line, fields in lines:
        if len(fields) != len(header):
            raise InputError(f"line {line}: {len(fields)} fields instead of {len(header)}")
        yield line, dict(zip(header, fields, strict=True))


def some_tables(source: Path, below: bool = False) -> Iterator[Path]:
    """The source itself, or the tables of a folder, forms for predictions left out; none where there is none.

    Args:
        source: a file or a folder.
        below: whether those below a folder count where it has none.
    """
    if source.is_dir():
        paths = _tables_in(source) or (_tables_below(source, Findings()) if below else [])
        yield from without_forms((path for path in paths if reason_against_reading(path) is None), Findings())
    elif source.suffix.lower() in (*SUFFIXES, ".txt", "") and reason_against_reading(source) is None:
        yield source


def first_fields(path: Path, delimiter: str = ",") -> list[str]:
    """The fields of the first line that is not blank; none where the file cannot be read."""
    return next((fields for _, fields in first_lines(path, delimiter)), [])


def first_lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of the first lines that are not blank; none where the file cannot be read."""
    if reason_against_reading(path) is not None:
        return
    try:
        with path.open("rb") as file:
            content = file.read(_PEEK)
    except OSError:
        return
    if len(content) == _PEEK and b"\n" in content and b"\0" not in content:  # no letter is cut in two
        content = content[: content.rindex(b"\n")]
    for line, text in enumerate(_lines(content, decode_text(content)), start=1):
        if text is None or (text.strip() and not _EXCEL.match(text)):
            yield line, [] if text is None else _fields(text.strip(" \r"), delimiter)


def _tables_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[:2] != "._")


def _tables_below(folder: Path, findings: Findings) -> list[Path]:
    """The .csv and .tsv files below a folder, which tools write for each part of a split."""
    return sorted(path for suffix in SUFFIXES for path in files_in(folder, suffix, findings))


def _lines(content: bytes, decoded: tuple[str, str] | None) -> Iterator[str | None]:
    """The lines of a text; where its encoding cannot be told, None for each line that is not UTF-8."""
    if decoded is not None:
        text = decoded[0]
        yield from text.split("\n" if "\n" in text else "\r")  # as Excel's "CSV (Macintosh)" has it
        return
    for raw in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError:
            yield None


def _fields(text: str, delimiter: str) -> list[str]:
    if delimiter == BLANKS:
        return text.split()
    if '" ' in text or ' "' in text:  # "a" , "b"
        between = re.escape(delimiter)
        text = re.sub(rf'(?<=") +(?={between}|$)|(?:^|(?<={between})) +(?=")', "", text)
    try:
        return [value.strip() for value in next(csv.reader([text], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration):
        return []
