"""Flags by which tools set an area apart from others: it is to be ignored, encloses many things, or is hard to see."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from data_tools.files.csv_tables import column_key
from data_tools.formats.words.remarks import is_no, is_yes

_IGNORED = ("ignore", "ignored", "isignore", "isignored")
_OF_MANY = ("iscrowd", "crowd", "isgroupof", "groupof")
_DIFFICULT = ("difficult", "isdifficult")
_BACKGROUND = ("background", "isbackground")
_OF_TOOLS = (*_IGNORED, *_OF_MANY, *_DIFFICULT, "truncated", "occluded", "crowd", "pose", "rotation", "line", "id")
_FEWEST_CLASSES = 2  # beside background


def ignored(beside: Collection[tuple[str, Any]]) -> str:
    """Why an area is not judged; "" where it is.

    By a flag such as VisDrone's or COCO's `ignore`, or by CODEBRIM's `Background` among those of its classes.
    """
    flag = _set_of(_IGNORED, beside) or _background([*beside])
    return flag and f"{flag}: an area that is not judged"


def of_many(beside: Iterable[tuple[str, Any]]) -> str:
    """Why an area is no box, by a flag such as COCO's `iscrowd` or `IsGroupOf` of Open Images; "" without one."""
    flag = _set_of(_OF_MANY, beside)
    return flag and f"{flag}: an area with many defects is no box"


def difficult(beside: Iterable[tuple[str, Any]]) -> str:
    """A note on an area that is set apart as hard to recognise, as VOC has it; "" where it is not."""
    flag = _set_of(_DIFFICULT, beside)
    return flag and f"boxes called {flag}: they count as any other"


def _background(beside: Sequence[tuple[str, Any]]) -> str:
    """The flag for background, where it is set and those for classes beside it are not."""
    classes = [(name, str(value)) for name, value in beside if column_key(name) not in (*_OF_TOOLS, *_BACKGROUND)]
    is_alone = sum(is_no(value) for _, value in classes) >= _FEWEST_CLASSES
    return _set_of(_BACKGROUND, beside) if is_alone and not any(is_yes(value) for _, value in classes) else ""


def _set_of(keys: Collection[str], beside: Iterable[tuple[str, Any]]) -> str:
    """The name of the first of some flags that is set, "" where none is."""
    said = ((name, str(value).strip().removesuffix(".0")) for name, value in beside if column_key(name) in keys)
    return next((name[:40] for name, value in said if is_yes(value)), "")
