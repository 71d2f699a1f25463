"""What a COCO file says of its images besides boxes: whether somebody annotated them, and verdicts under any key."""

from collections.abc import Mapping
from typing import Any

from data_tools.formats.asides import is_aside, names_a_verdict
from data_tools.formats.folders import asks_for
from data_tools.formats.remarks import (
    is_about_the_work,
    is_unsure,
    is_yes,
    leaves_undone,
    status_of_remark,
    weightiest,
)

_OWN = ("id", "file_name", "width", "height", "license", "status", "type", "group")
_SCORES = ("score", "confidence", "probability")


def word_of(entry: Mapping[str, Any]) -> tuple[str | None, str]:
    """The status that the keys of an image say, and which key; None and a key for what is not understood.

    ("", "") where they say nothing.
    """
    said = [_said(str(key), value) for key, value in entry.items() if key not in _OWN]
    status = entry.get("status")
    if isinstance(status, str) and status.strip():
        said.append(_said("status", status))
    return weightiest((one for one in said if one is not None), ("", ""))


def is_ignored(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation is one that its file wants to be left out."""
    return entry.get("ignore") not in (None, 0, False, "0", "", "false", "no")


def score_of(entry: Mapping[str, Any]) -> tuple[str, float] | None:
    """The key and value of a score other than 1, by which an annotation is a prediction; None without."""
    for key in _SCORES:
        value = entry.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in (1, 100):
            return key, value
    return None


def _said(key: str, value: Any) -> tuple[str | None, str] | None:
    """What one value says, in the words of `word_of`; None where it says nothing."""
    if not isinstance(value, str | bool | int):
        return None
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value).strip()
    shown = f"{key[:40]} {str(value)[:40]!r}"
    if not text:
        return None
    if is_about_the_work(key):
        return (None, f"{shown} says that nobody annotated it") if leaves_undone(key, text) else None
    if is_unsure(key):
        return (None, shown) if is_yes(text) else None
    if is_aside(key, text) and asks_for(key) is None:
        return None
    status = status_of_remark(text, key)
    if status is None and not names_a_verdict(key):
        return None
    return status, shown if status is not None else f"{shown} is not understood"
