"""Flags by which tools set an area apart from others: it is to be ignored, encloses many things, or is hard to see."""

from collections.abc import Collection, Iterable
from typing import Any

from data_tools.files.csv_tables import column_key
from data_tools.formats.words.remarks import is_yes

_IGNORED = ("ignore", "ignored", "isignore", "isignored")
_OF_MANY = ("iscrowd", "crowd", "isgroupof", "groupof")
_DIFFICULT = ("difficult", "isdifficult")


def ignored(beside: Iterable[tuple[str, Any]]) -> str:
    """Why an area is not judged, by a flag such as VisDrone's or COCO's `ignore`; "" without one that is set."""
    flag = _set_of(_IGNORED, beside)
    return flag and f"{flag}: an area that is not judged"


def of_many(beside: Iterable[tuple[str, Any]]) -> str:
    """Why an area is no box, by a flag such as COCO's `iscrowd` or `IsGroupOf` of Open Images; "" without one."""
    flag = _set_of(_OF_MANY, beside)
    return flag and f"{flag}: an area with many defects is no box"


def difficult(beside: Iterable[tuple[str, Any]]) -> str:
    """A note on an area that is set apart as hard to recognise, as VOC has it; "" where it is not."""
    flag = _set_of(_DIFFICULT, beside)
    return flag and f"boxes called {flag}: they count as any other"


def _set_of(keys: Collection[str], beside: Iterable[tuple[str, Any]]) -> str:
    """The name of the first of some flags that is set, "" where none is."""
    said = ((name, str(value).strip().removesuffix(".0")) for name, value in beside if column_key(name) in keys)
    return next((name[:40] for name, value in said if is_yes(value)), "")
