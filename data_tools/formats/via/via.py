"""VGG Image Annotator, versions 1 to 3: projects and exported annotations, as JSON and as CSV.

Coordinates are positions between pixels. An image that a file lists without a region is good; a table of version 3
lists regions alone. The class of a region is its attribute called class, label, type or so, else its first one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_json
from data_tools.files.text import read_text
from data_tools.formats.annotation_files import head_of
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.tables.tables import SEPARATORS, table_lines
from data_tools.formats.tool_files import json_with, tool_format
from data_tools.formats.via import via2, via3

SUFFIXES = (".json", ".csv")
_KEYS = ({"filename", "regions"}, {"_via_img_metadata"}, {"metadata", "view"})


def claims_of(path: Path, findings: Findings) -> Iterator[Claim]:
    """What a file says of its images.

    Raises:
        InputError: not a file of VIA.
    """
    if path.suffix.lower() == ".json":
        return _json_claims(path, findings)
    return _csv_claims(path, findings)


def looks_like_via(path: Path) -> str | None:
    """What of VIA a file is, or None."""
    if path.suffix.lower() != ".json":
        version = _table_version(path)
        return None if version is None else f"{path.name} has the header of a VIA {version} table"
    value = json_with(path, *_KEYS)
    return f"{path.name} is a file of VIA {'3' if via3.is_project(value) else '2'}" if _is_via(value) else None


def _is_via(value: Any) -> bool:
    return via2.is_project(value) or via2.is_annotations(value) or via3.is_project(value)


def _json_claims(path: Path, findings: Findings) -> Iterator[Claim]:
    value = read_json(path)
    if not _is_via(value):
        raise InputError("neither a project nor exported annotations of VIA")
    yield from (via3 if via3.is_project(value) else via2).json_claims(path, value, findings)


def _csv_claims(path: Path, findings: Findings) -> Iterator[Claim]:
    version = _table_version(path)
    if version is None:
        raise InputError(f"not a table of VIA, which has the columns {', '.join(via2.COLUMNS)}")
    separator = _separator(path)
    rows = list(table_lines(path, separator))
    if version == 2:
        header = next((i for i, (_, fields) in enumerate(rows) if set(via2.COLUMNS) <= _names(fields)), None)
        if header is None:
            raise InputError("the header is no row with separated fields")
        yield from via2.csv_claims(path, rows[header:], findings)
    else:
        texts = dict(enumerate(read_text(path)[0].split("\n"), start=1))
        yield from via3.csv_claims(path, [(line, fields, texts.get(line, "")) for line, fields in rows], findings)


def _table_version(path: Path) -> int | None:
    """2 for a table of VIA 1 or 2, 3 for one of VIA 3; None for any other."""
    head = head_of(path).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    lines = [line.strip() for line in head.split("\n") if not line.startswith("sep=")]  # Excel's first line
    if any(line.startswith(via3.HEADER) and via3.COLUMNS[1] in line for line in lines if line.startswith("#")):
        return 3
    header = lines[0] if lines else ""
    return 2 if set(via2.COLUMNS) <= _names(header.split(max(SEPARATORS, key=header.count))) else None


def _separator(path: Path) -> str:
    lines = head_of(path).decode("utf-8", "replace").split("\n")
    header = next((line for line in lines if line.startswith(via3.HEADER)), lines[0])
    return max(SEPARATORS, key=header.count)


def _names(fields: Sequence[str]) -> set[str]:
    return {field.strip().strip('"').lstrip("#") for field in fields}


FORMAT = tool_format("via", "VGG Image Annotator, JSON or CSV", "VIA", SUFFIXES, looks_like_via, claims_of)
