"""What a source holds, in a line for people whose format is not recognised."""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.files.regular import reason_against_reading
from data_tools.files.text import read_text
from data_tools.formats.annotation_files import head_of
from data_tools.formats.registry import Findings
from data_tools.formats.tables.tables import SEPARATORS, SUFFIXES, first_fields, first_lines
from data_tools.formats.words.folders import status_of
from data_tools.formats.words.vocabulary import word_set

_MOST_FILES, _MOST_KINDS = 100_000, 6
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')
_LONGEST = 160
_LARGEST = 64 << 20
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_USES = ("train", "training", "val", "validation", "validate", "test", "unassigned")
_SIDES = "with left,top,width,height where the numbers are sizes"
_FIRST_LINES = 20
_HOW_FOLDERS = "put types of defects into NG/, or name them by --format mask --type_map '{scratch: scratch}'"
_MASK = re.compile(r"(?<![a-z])(?:masks?|labels?|gt|seg|segmentation)(?![a-z])", re.I)
_HOW_MASKS = "call it as its image with _mask, _label or _GT behind, or put it into masks/ by its image's very name"
_TABLES = word_set(".json .jsonl .ndjson .xml .csv .tsv .txt .xls .xlsx .parquet .mat .npy .npz .h5")
_RECORDS = word_set(".json .jsonl .ndjson .csv .tsv .xls .xlsx .parquet")
_NOT_ASKED = "not read: masks and folders say what the images show; name the file to have its records read instead"
_KLARF = "KLARF gives places on a wafer, no pixels of images: write a CSV table of boxes in pixels"
_UNREAD = {
    suffix: how
    for how, suffixes in (
        ("an archive: unpack it and give the folder", ".zip .tar .gz .tgz .bz2 .xz .7z .rar"),
        ("a spreadsheet: save the sheet as CSV", ".xls .xlsx .xlsm .ods"),
        ("a database: export the table as CSV", ".db .sqlite .sqlite3 .mdb .accdb"),
        ("a binary table: save it as CSV or JSON lines, and its images as files", ".parquet .arrow .feather"),
        ("records for training: export COCO, VOC or YOLO instead", ".tfrecord .tfrecords .rec .lmdb"),
        ("arrays: save images and masks as PNG files, boxes as CSV", ".mat .npy .npz .h5 .hdf5 .pkl"),
        (_KLARF, ".klarf .kla"),
    )
    for suffix in suffixes.split()
}
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
    return ", ".join(kinds) + _folders(source, files) + _masks(files) + _columns(files)


def _folders(source: Path, files: list[Path]) -> str:
    """What the folders of images say, where there is nothing else: no word for good or for defects."""
    if not source.is_dir() or any(path.suffix.lower() in _TABLES or _how_unread(path) for path in files):
        return ""
    named = {part for path in files for part in path.relative_to(source).parts[:-1]}
    shown = ", ".join(sorted(named)[:_MOST_KINDS])
    if any(status_of(folder) is not None for folder in named):
        return f", in folders {shown}"
    return f", in folders {shown}, none of which says good or defect: {_HOW_FOLDERS}" if named else ""


def _masks(files: list[Path]) -> str:
    """How masks are called, where the name of an image has a word for them, but they met none."""
    named = (path.name for path in files if path.suffix.lower() in IMAGE_SUFFIXES and _MASK.search(path.stem))
    name = next(named, None)
    return "" if name is None else f"; were {name!r} a mask, {_HOW_MASKS}"


def unread_tables(folder: Path) -> Iterator[Path]:
    """The files below a folder that may say something of its images, such as tables, but for notes and licences."""
    for path in _files(folder):
        if path.suffix.lower() in _TABLES and not _NOTES.match(path.stem):
            yield path


def reject_unread_records(folder: Path, findings: Findings, read: Collection[Path] = ()) -> None:
    """List the tables and JSON files of a set that masks and folders speak for: they may name types, or good images.

    Args:
        folder: of the set.
        findings: of the reader.
        read: those that are read.
    """
    for path in unread_tables(folder):
        if path.suffix.lower() in _RECORDS and path not in read:
            findings.reject(path, None, "", _NOT_ASKED)


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
    if how := _how_unread(path):
        return f" ({path.name}: {how})"
    describe = _STARTS.get(suffix)
    text = describe(path)[:_LONGEST] if describe else ""
    return f" ({path.name}: {text})" if text else ""


def _how_unread(path: Path) -> str:
    """How to make something that is read of a file of a kind that is not; "" for any other."""
    suffix = path.suffix.lower().partition("-")[0]  # train.tfrecord-00000-of-00001
    if suffix[1:].isdecimal():
        return _KLARF if b"DefectRecordSpec" in head_of(path) else ""
    return _UNREAD.get(suffix, "")


def _head(path: Path) -> str:
    return head_of(path).replace(b"\0", b"").decode("utf-8", "replace")


def _xml(path: Path) -> str:
    root_tag = _ROOT.search(re.sub(r"<[?!][^>]*>", "", _head(path)))
    return f"<{root_tag.group(1)}>" if root_tag else "no XML"


def _json(path: Path) -> str:
    keys = list(dict.fromkeys(_KEY.findall(_head(path))))
    return f"keys {', '.join(keys[:6])}{_damage(path)}" if keys else "no keys"


def _damage(path: Path) -> str:
    """Why a file is neither JSON nor lines of it; "" where it is, or too large to look at."""
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        text, _ = read_text(path)
        first, _, more = text.strip().partition("\n")
        try:
            json.loads(first)
        except ValueError:  # one value in several lines
            json.loads(text)
            return ""
        for number, line in enumerate(more.split("\n"), start=2):
            if line.strip():
                _loads(line, number)
    except (InputError, OSError, RecursionError, ValueError) as error:
        return f"; not readable as JSON: {error}"
    return ""


def _loads(line: str, number: int) -> None:
    try:
        json.loads(line)
    except ValueError as error:
        raise InputError(f"line {number}: {error}") from error


def _table(path: Path) -> str:
    columns = max((first_fields(path, separator) for separator in SEPARATORS), key=len)
    return f"first line {', '.join(columns)}" if columns else "no fields; if it is not empty, save it as UTF-8"


def _columns(files: list[Path]) -> str:
    """How to name the columns of the first table that has an image and four numbers in a line."""
    for path in (path for path in files if path.suffix.lower() in SUFFIXES):
        for separator in SEPARATORS:
            for _, fields in islice(first_lines(path, separator), _FIRST_LINES):
                names = _names_of(fields)
                if names:
                    return f"; --columns {','.join(names)} would name the columns of {path.name}, {_SIDES}"
    return ""


def _names_of(fields: list[str]) -> list[str]:
    """What the fields of a line may be: an image, the first four numbers, and the first other word; else unused."""
    names, sides = [], ["x1", "y1", "x2", "y2"]
    for field in fields:
        if "image" not in names and field.lower().endswith(IMAGE_SUFFIXES):
            names.append("image")
        elif sides and _NUMBER.fullmatch(field):
            names.append(sides.pop(0))
        elif "class" not in names and field.strip() and field.lower() not in _USES and not _NUMBER.fullmatch(field):
            names.append("class")
        else:
            names.append("unused")
    return names if "image" in names and not sides else []


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
