"""What a remark on a whole image says: a choice, a tag, an attribute of a file. Most remarks say nothing of defects.

A remark is good only where it says nothing else: "OK but scratched" is no proof, and neither is "OK?".
"""

import re
from collections.abc import Iterable
from typing import TypeVar

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.words.folders import (
    asks_for,
    begins_with_not,
    ends_in_not,
    is_good,
    plain_rest,
    status_of,
    words_of,
)
from data_tools.formats.words.names import is_unjudged
from data_tools.formats.words.vocabulary import word_set

T = TypeVar("T")

_ABOUT_DEFECTS = word_set("category choice choices class classes defect fault image kind label type")
_YES = word_set("yes true y t 1 ja oui sí 是 wahr vrai verdadero vero")
_NO = word_set(
    "no false n f 0 none nothing nein non kein keine keiner aucun aucune falsch faux falso ninguno ninguna nessuno "
    "否 无 なし"
)
_TYPES = word_set("class classes id kind label name type types category code")
_COUNTS = word_set("n nr num number count counts total")
_UNSURE = word_set(
    "doubt doubtful idk indefinite maybe pending tbc tbd todo unclear uncertain undecided undefined undetermined "
    "unknown unsure unspecified ungraded uninspected unlabeled unlabelled unannotated unreviewed unchecked skip "
    "skipped ignore ignored inconclusive unbekannt unklar inconnu desconocido sconosciuto"
)
_WORK = word_set(
    "accepted annotated approved checked complete completed done finished inspected labeled labelled reviewed "
    "submitted verified viewed seen by me is image all"
)
_NOT_YET = word_set("not un no non to be yet needs need")
_FALSE_CALL = re.compile(
    r"\bfalse[ _-]?(?:alarm|call|positive|reject|detection|defect)s?\b"
    r"|\b(?:overkill|nuisance|pseudo[ _-]?(?:defect|error))s?\b"
    r"|\b(?:fehlalarm|scheinfehler|pseudofehler|(?:faux|fausses?)[ _-]+(?:alarme|alerte|positif|défaut)"
    r"|fals[oa][ _-]+(?:alarma|allarme|positivo|rechazo))"
    r"|误报|误检|误判|虚警|过检|过杀|誤検出|過検出|오검출",
    re.I,
)
_ANSWER = re.compile(r"^(?P<name>[^:=]*[^\W\d][^:=]*)[:=](?P<value>[^:=]+)$")

NOT_UNDERSTOOD = "a remark on the whole image that is not understood"


def status_of_remark(value: str, name: str = "") -> str | None:
    """Good, or unboxed for a defect somewhere in the image; None where that is not certain.

    Args:
        value: what was chosen or written, such as "ok" or "scratch".
        name: of the control or attribute; one called class, type, defect... has defects for values, and one called
            defect or ok may be answered by yes or no.
    """
    answer = _ANSWER.match(value)
    if answer and asks_for(answer["name"]) is not None:
        return status_of_remark(answer["value"], answer["name"])
    if is_good(value):
        return GOOD
    counted = _counted(value, name)
    if counted is not None or is_answer(value):
        return counted or _answered(value, name)
    if is_false_call(value):
        return None  # looked at, and no defect: but whether the image is good is not said
    if status_of(value) == UNBOXED:
        return UNBOXED
    if is_unsure(value) or is_about_the_work(value) or _is_measured(value) or status_of(value) == GOOD:
        return None  # "ok after cleaning" may be either
    about_defects = asks_for(name) is False or bool(_ABOUT_DEFECTS & set(re.split(r"[^a-z]+", name.lower())))
    return UNBOXED if about_defects else None


def is_answer(value: str) -> bool:
    """Whether a value is yes or no, which says something only with what is asked for."""
    return is_yes(value) or is_no(value)


def is_yes(value: str) -> bool:
    """Whether a value is yes, true or 1."""
    return value.strip().lower() in _YES


def is_no(value: str) -> bool:
    """Whether a value is no, false, 0 or none."""
    return value.strip().lower() in _NO


def says_a_verdict(value: str) -> bool:
    """Whether a value says good or bad and nothing else, so that it names no type."""
    return status_of(value) is not None and not plain_rest(value)


def is_unsure(value: str) -> bool:
    """Whether a value says that something is not known, such as "unknown", "not labelled" or "scratch?"."""
    words = set(words_of(value))
    return "?" in value or bool(words & _UNSURE) or bool(words & {"sure", "clear"} and words & _NOT_YET)


def is_false_call(value: str) -> bool:
    """Whether a value says that somebody looked at a defect and found none, such as "false alarm"."""
    found = _FALSE_CALL.search(value)
    return found is not None and not ends_in_not(value[: found.start()]) and not begins_with_not(value[found.end() :])


def speaks_of_a_false_call(value: str) -> bool:
    """Whether a value has a word for a false call, whatever it says of it."""
    return _FALSE_CALL.search(value) is not None


def is_undecided(tag: str) -> bool:
    """Whether a tag says that nobody knows what its image shows; "unknown defect" says that there is some defect."""
    return is_unsure(tag) and not is_unjudged(tag) and status_of(tag) != UNBOXED


def is_about_the_work(value: str) -> bool:
    """Whether a value says how far somebody is with an image, such as "reviewed" or "not labelled"."""
    words = set(words_of(value))
    return bool(words) and words <= _WORK | _NOT_YET


def is_undone(value: str) -> bool:
    """Whether a value says that an image has not been dealt with, such as "not labelled"."""
    return is_about_the_work(value) and bool(set(words_of(value)) & _NOT_YET)


def leaves_undone(name: str, value: str) -> bool:
    """Whether a value under a name about the work says that an image has not been dealt with: no under "labelled"."""
    return is_undone(name) if is_yes(value) else is_no(value) or is_undone(value)


def weightiest(said: Iterable[tuple[str | None, str]], default: T) -> tuple[str | None, str] | T:
    """Of statuses and what says them, the first that counts most: a defect, then what is not understood, then good."""
    return min(said, key=lambda one: (UNBOXED, None, GOOD).index(one[0]), default=default)


def _is_measured(value: str) -> bool:
    """Whether a value is a number with a fraction, which names no type."""
    return "." in value and value.replace(".", "", 1).isdecimal()


def _counted(value: str, name: str) -> str | None:
    """What a number says under a name such as n_defects; None under another name."""
    words = words_of(name)
    what = [word for word in words if word not in _COUNTS]
    if not value.strip().isdecimal() or what == words or asks_for(" ".join(what)) is not False:
        return None
    return UNBOXED if value.strip().strip("0") else GOOD


def _answered(value: str, name: str) -> str | None:
    """What yes or no says under a name such as is_defect or ok; None under one that asks for neither."""
    asked = asks_for(name)
    text = value.strip().lower()
    words = words_of(name)
    if text.isdigit() and (asked is None or words in (["defect"], ["defects"], ["fault"]) or set(words) & _TYPES):
        return UNBOXED if text != "0" and set(words) & _ABOUT_DEFECTS else None  # the number of a class
    if asked is None:
        return None
    return GOOD if asked is (text in _YES) else UNBOXED
