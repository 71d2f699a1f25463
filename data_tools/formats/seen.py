"""What a source holds, in a line for people whose format is not recognised."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.files.regular import reason_against_reading
from data_tools.formats.annotation_files import head_of
from data_tools.formats.folders import status_of
from data_tools.formats.tables import first_fields

_MOST_FILES, _MOST_KINDS = 100_000, 6
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')
_LONGEST = 80
_HOW_FOLDERS = "put types of defects into NG/, or name them by --format mask --type_map '{scratch: scratch}'"
_TABLES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".xml",
    ".csv",
    ".tsv",
    ".txt",
    ".xls",
    ".xlsx",
    ".parquet",
    ".mat",
    ".npy",
    ".npz",
    ".h5",
)
_NOTES = re.compile(
    r"^(?:readme|licen[cs]e|notice|notes|changelog|citation|requirements|train|val|valid|validation|test)\b", re.I
)


def seen_in(source: Path) -> str:
    """The files of a source by suffix, with what the first of each kind of annotation file starts with."""
    files = sorted(_files(source))
    if not files:
        return "no file in it can be read"
    counts = Counter(path.suffix.lower() or "without suffix" for path in files)
    kinds = [f"{count} {suffix}{_start(suffix, files)}" for suffix, count in counts.most_common(_MOST_KINDS)]
    return ", ".join(kinds) + _folders(source, files)


def _folders(source: Path, files: list[Path]) -> str:
    """What the folders of images say, where there is nothing else: no word for good or for defects."""
    if not source.is_dir() or any(path.suffix.lower() in _TABLES for path in files):
        return ""
    named = {part for path in files for part in path.relative_to(source).parts[:-1]}
    shown = ", ".join(sorted(named)[:_MOST_KINDS])
    if any(status_of([folder]) is not None for folder in named):
        return f", in folders {shown}"
    return f", in folders {shown}, none of which says good or defect: {_HOW_FOLDERS}" if named else ""


def unread_tables(folder: Path) -> Iterator[Path]:
    """The files below a folder that may say something of its images, such as tables, but for notes and licences."""
    for path in _files(folder):
        if path.suffix.lower() in _TABLES and not _NOTES.match(path.stem):
            yield path


def _files(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield from [source] if reason_against_reading(source) is None else []
        return
    count = 0
    for where, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names):
            count += 1
            if count > _MOST_FILES:
                return
            path = Path(where, name)
            if not name.startswith(".") and reason_against_reading(path) is None:
                yield path


def _start(suffix: str, files: list[Path]) -> str:
    """What the first file with a suffix starts with, and for images what one is called."""
    path = next(path for path in files if (path.suffix.lower() or "without suffix") == suffix)
    if suffix in IMAGE_SUFFIXES:
        return f" (such as {path.name!r})"
    describe = _STARTS.get(suffix)
    text = describe(path)[:_LONGEST] if describe else ""
    return f" ({path.name}: {text})" if text else ""


def _head(path: Path) -> str:
    return head_of(path).replace(b"\0", b"").decode("utf-8", "replace")


def _xml(path: Path) -> str:
    root_tag = _ROOT.search(re.sub(r"<[?!][^>]*>", "", _head(path)))
    return f"<{root_tag.group(1)}>" if root_tag else "no XML"


def _json(path: Path) -> str:
    keys = list(dict.fromkeys(_KEY.findall(_head(path))))
    return f"keys {', '.join(keys[:6])}" if keys else "no keys"


def _table(path: Path) -> str:
    columns = max((first_fields(path, separator) for separator in ",;\t"), key=len)
    return f"first line {', '.join(columns)}" if columns else "no fields; if it is not empty, save it as UTF-8"


def _text(path: Path) -> str:
    line = next((line.strip() for line in _head(path).splitlines() if line.strip()), "")
    return f"first line {line!r}" if line else "empty"


_STARTS: dict[str, Callable[[Path], str]] = {
    ".xml": _xml,
    ".json": _json,
    ".jsonl": _json,
    ".ndjson": _json,
    ".csv": _table,
    ".tsv": _table,
    ".txt": _text,
}
