"""What a COCO file says of its images besides boxes: whether somebody annotated them, and verdicts under any key."""

from collections.abc import Mapping
from typing import Any

from data_tools.formats import entry_words
from data_tools.formats.claims import is_score
from data_tools.formats.remarks import weightiest

_OWN = ("id", "file_name", "width", "height", "license", "status", "type", "group")


def word_of(entry: Mapping[str, Any]) -> tuple[str | None, str]:
    """The status that the keys of an image say, and which key; None and a key for what is not understood.

    ("", "") where they say nothing.
    """
    said = [entry_words.word_of(entry, _OWN)]
    status = entry.get("status")
    if isinstance(status, str) and status.strip():
        said.append(entry_words.word_of({"status": status}))
    return weightiest((one for one in said if one != ("", "")), ("", ""))


def is_ignored(entry: Mapping[str, Any]) -> bool:
    """Whether an annotation is one that its file wants to be left out."""
    return entry.get("ignore") not in (None, 0, False, "0", "", "false", "no")


def score_of(entry: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The key and value of a score other than 1, by which an annotation is a prediction; None without."""
    return next(((key, value) for key, value in entry.items() if is_score(key, value)), None)
