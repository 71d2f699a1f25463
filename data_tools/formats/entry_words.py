"""What the keys of an image's entry say beside its annotations: verdicts, tags, and whether somebody looked at it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from data_tools.core.records import GOOD
from data_tools.formats.asides import is_aside, names_a_verdict
from data_tools.formats.folders import asks_for, names_a_fault, words_of
from data_tools.formats.remarks import (
    is_about_the_work,
    is_false_call,
    is_unsure,
    is_yes,
    leaves_undone,
    status_of_remark,
    weightiest,
)

_PICTURE = frozenset(("image", "img", "picture", "photo", "annotation", "label", "box", "bbox"))
_WITHDRAWN = frozenset(("deleted", "removed", "discarded", "withdrawn"))


def word_of(entry: Mapping[str, Any], own: Collection[str] = ()) -> tuple[str | None, str]:
    """The status that an entry says, and which key says so; None and a key for what is not understood.

    Texts in lists count each, and so do the keys of one entry inside another. ("", "") where nothing is said.

    Args:
        entry: of an image.
        own: keys that the format gives a meaning of their own, which say nothing here.
    """
    said = [_said(key, value) for key, value in _values(entry) if key not in own]
    return weightiest((one for one in said if one is not None), ("", ""))


def against_a_defect(beside: Iterable[tuple[str, Any]]) -> str:
    """What says beside an area of a defect's type that it is none; "" where nothing does.

    Args:
        beside: names of attributes or columns and their values.
    """
    for name, value in beside:
        text = ("yes" if value else "no") if isinstance(value, bool) else str(value).strip()
        words = set(words_of(name))
        good = names_a_verdict(name) and not is_aside(name, text) and status_of_remark(text, name) == GOOD
        good = good and not ("quality" in words and words & _PICTURE)
        withdrawn = is_yes(text) and bool(is_false_call(name) or words & _WITHDRAWN)
        if good or withdrawn or is_false_call(text):
            return f"{name[:40]} {text[:40]!r}"
    return ""


def _values(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in entry.items():
        inside = value.items() if isinstance(value, Mapping) else [(key, value)]
        for name, one in inside:
            yield from (
                ((str(name), text) for text in one if isinstance(text, str))
                if isinstance(one, list)
                else ((str(name), one),)
            )


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
    if status is None and not names_a_verdict(key) and not names_a_fault(text):
        return None
    return status, shown if status is not None else f"{shown} is not understood"
