"""Whether a column or attribute is one of verdicts by what it holds, whatever its name is."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.registry import Findings
from data_tools.formats.words.asides import is_about_another, is_about_sight, is_left_out, names_a_verdict
from data_tools.formats.words.entry_words import is_about_the_annotation, is_called_normal
from data_tools.formats.words.folders import is_predicted, status_of
from data_tools.formats.words.remarks import says_a_verdict
from data_tools.formats.words.type_words import leaves_open

_HIDDEN = (
    "column or attribute {!r} holds nothing but words for good: taken for what its name says, and for no verdict; "
    "where it is one, call it verdict"
)


def as_verdict(name: str) -> str:
    """A name by which what it holds is a verdict."""
    return f"{name} (verdict)"


def judges_by_values(name: str, values: Collection[str], findings: Findings) -> bool:
    """Whether all values of a column are words for good and for bad, so that it is one of verdicts: `inspector` OK, NG.

    Not so are those of what may be good itself, such as the light, of the annotation, and those that hold one sense
    alone: "ok" under `pad` may be said of the pad. Where a name of something else hides such a one, a warning says so.

    Args:
        name: of the column.
        values: that it holds, empty ones left out.
        findings: gets the warning.
    """
    known = is_predicted(name) or names_a_verdict(name) or is_left_out(name)
    if known or is_about_sight(name) or is_about_the_annotation(name):
        return False
    if not all(says_a_verdict(value) or leaves_open(value) for value in values):
        return False
    senses = {status_of(value) for value in values if not leaves_open(value)}
    if senses == {GOOD} and is_about_another(name) and not all(map(is_called_normal, values)):
        findings.warnings[_HIDDEN.format(name[:40])] = 1
    return senses == {GOOD, UNBOXED}


def verdicts_beside(besides: Iterable[Iterable[tuple[str, Any]]], findings: Findings) -> frozenset[str]:
    """Names that are plainly about something else, but hold verdicts, among what stands beside areas.

    Args:
        besides: names and values for each area.
        findings: gets a warning where a name may be one.
    """
    values = defaultdict[str, set[str]](set)
    for beside in besides:
        for name, value in beside:
            if is_about_another(name) and str(value).strip():
                values[name].add(str(value).strip())
    return frozenset(name for name, held in values.items() if judges_by_values(name, held, findings))
