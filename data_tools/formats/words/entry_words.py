"""What the keys of an image's entry say beside its annotations: verdicts, tags, and whether somebody looked at it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from data_tools.core.records import GOOD, UNBOXED
from data_tools.files.csv_tables import column_key
from data_tools.formats.claims import is_score
from data_tools.formats.words.asides import is_about_another, is_aside, names_a_verdict
from data_tools.formats.words.folders import (
    asks_for,
    denies_a_defect,
    is_accepted,
    is_called_flawless,
    is_predicted,
    names_a_fault,
    speaks_of_no_defect,
    words_of,
)
from data_tools.formats.words.remarks import (
    is_about_the_work,
    is_answer,
    is_false_call,
    is_no,
    is_undecided,
    is_unsure,
    is_yes,
    leaves_undone,
    says_a_verdict,
    speaks_of_a_false_call,
    status_of_remark,
    weightiest,
)
from data_tools.formats.words.vocabulary import PREDICTING_WORDS, word_set

_WITHDRAWN = word_set("deleted removed discarded withdrawn invalid")
_UPHELD = word_set("confirmed genuine valid")
_ORIGINS = word_set("source origin creator annotator author")
_OF_AN_AREA = word_set(
    "is was be box bbox annotation label region object shape area defect fault anomaly finding real true a the"
)
_REMARKS = word_set(
    "remark remarks comment comments note notes text description caption choice choices answer opinion tag tags "
    "assessment evaluation beurteilung bemerkung bemerkungen kommentar kommentare anmerkung notiz text remarque "
    "remarques commentaire note observation observaciones comentario nota commento"
)
_OF_THE_ANNOTATION = word_set("review reviews qa annotation annotations validation verification")
_JUDGES_ANYWAY = word_set("verdict result judgement judgment decision outcome conclusion befund urteil ergebnis")
_STATES = word_set("status state")  # of the work as much as of the part
_MEASURES = word_set(
    "size sizes width height length depth diameter thickness distance angle shape form orientation direction colour "
    "color texture brightness contrast position location side zone größe breite höhe länge tiefe lage form farbe "
    "taille largeur hauteur"
)
_NAMELESS = word_set("col column spalte colonne field feld attribute attr value wert info misc extra meta")
_RUNS = word_set("pass passes")
_NORMAL = word_set("normal 正常 정상")


def word_of(entry: Mapping[str, Any], own: Collection[str] = ()) -> tuple[str | None, str]:
    """The status that an entry says, and which key says so; None and a key for what is not understood.

    Texts in lists count each, and so do the keys of one entry inside another. ("", "") where nothing is said.

    Args:
        entry: of an image.
        own: keys that the format gives a meaning of their own, which say nothing here.
    """
    said = [_said(key, value) for key, value in values_in(entry) if key not in own]
    return weightiest((one for one in said if one is not None), ("", ""))


def contradiction(is_good: bool, beside: Iterable[tuple[str, Any]]) -> str:
    """What stands beside an area and says the opposite of its type; "" where nothing does.

    Args:
        is_good: whether its type is one of good things.
        beside: names of attributes or columns and their values.
    """
    return for_a_defect(beside) if is_good else against_a_defect(beside)


def against_a_defect(beside: Iterable[tuple[str, Any]]) -> str:
    """What says beside an area of a defect's type that it is none; "" where nothing does.

    A value that says so in words counts under whatever name but one that is plainly about something else: "no real
    defect", "false alarm". A plain "ok" counts under a name that judges or is for remarks, "normal" under one that
    judges; yes, no and numbers count by what is asked for.
    """
    return next((shown for name, text, shown in _texts(beside) if _denies(name, text)), "")


def for_a_defect(beside: Iterable[tuple[str, Any]]) -> str:
    """What says beside an area around a good thing that it is a defect; "" where nothing does."""
    return next((shown for name, text, shown in _texts(beside) if _affirms(name, text)), "")


def why_undecided(tag: str, label: str, against: str) -> str:
    """Why a tag without an area says nothing of its image; "" where it does.

    Args:
        tag: what it is, for people.
        label: its own.
        against: what stands beside it and says the opposite; "" for nothing.
    """
    if not against and not is_undecided(label):
        return ""
    return f"{tag} {label[:40]!r}{against and f', but {against}'}: whether that is a defect is not understood"


def unsettled(beside: Iterable[tuple[str, Any]]) -> str:
    """What says something good beside an area of a defect's type, but not plainly of it; "" where nothing does."""
    return next((shown for name, text, shown in _texts(beside) if _is_unsettled(name, text)), "")


def score_beside(beside: Iterable[tuple[str, Any]]) -> str:
    """What says beside an area that it is what a model says: a score other than 1 and 100, or a word; "" without."""
    return next((f"{name[:40]} {value}"[:80] for name, value in beside if _is_of_a_model(name, value)), "")


def _is_of_a_model(name: str, value: Any) -> bool:
    if is_score(name, value):
        return True
    words, text = set(words_of(name)), str(value)
    is_flag = is_predicted(name) and words <= PREDICTING_WORDS | {"is"}
    is_origin = bool(words & _ORIGINS) and (is_predicted(text) or text.strip().lower() == "model")
    return (is_flag and (value is True or is_yes(text))) or (is_origin and isinstance(value, str))


@lru_cache(maxsize=1 << 14)
def _denies(name: str, text: str) -> bool:
    if is_false_call(text):
        return True
    if is_about_another(name):
        return False
    if column_key(text) in _WITHDRAWN and set(words_of(name)) & (_STATES | _OF_THE_ANNOTATION):
        return True
    if (is_yes(text) and (is_false_call(" ".join(words_of(name))) or _says_of_the_area(name, _WITHDRAWN))) or (
        is_no(text) and _says_of_the_area(name, _UPHELD)
    ):
        return True
    words = set(words_of(name))
    judges = names_a_verdict(name) and not words & _MEASURES and not is_about_the_annotation(name)
    if is_answer(text) or text.isdecimal():
        is_number = text.isdecimal() and bool(words & _RUNS)  # of a pass over the part
        return judges and not is_number and status_of_remark(text, name) == GOOD
    if not denies_a_defect(text):
        return False
    if names_a_fault(text) or is_called_flawless(text):
        return True  # "no defect"
    if is_called_normal(text):
        return judges
    says_nothing = all(len(word) == 1 or word in _NAMELESS for word in words)
    return judges or says_nothing or (bool(words & _REMARKS) and not is_about_the_annotation(name))


def _says_of_the_area(name: str, what: Collection[str]) -> bool:
    """Whether a name has one of some words and is about the area alone, as "deleted" is and "genuine part" is not."""
    words = set(words_of(name))
    return bool(words & {*what}) and words <= {*what} | _OF_AN_AREA


def is_for_verdicts(name: str) -> bool:
    """Whether a name is for verdicts and nothing else, as "final_result" is, and not for how far the work is."""
    return bool(_JUDGES_ANYWAY & set(words_of(name)))


def is_called_normal(text: str) -> bool:
    """Whether a text has a word for what is usual, which is said of a surface or a polarity as much as of a part."""
    return bool(set(words_of(text)) & _NORMAL)


def is_about_the_annotation(name: str) -> bool:
    """Whether a good word under a name, such as "review" or "checked", is said of the annotation."""
    words = set(words_of(name))
    return bool(words & _OF_THE_ANNOTATION or is_about_the_work(name)) and not words & _JUDGES_ANYWAY


@lru_cache(maxsize=1 << 14)
def _is_unsettled(name: str, text: str) -> bool:
    if is_about_another(name) or _denies(name, text):
        return False
    if is_answer(text) or text.isdecimal():
        return asks_for(name) is not None and status_of_remark(text, name) == GOOD
    if is_accepted(text):
        return not (is_about_the_annotation(name) or _STATES & set(words_of(name)))
    return status_of_remark(text, name) == GOOD or speaks_of_no_defect(text) or speaks_of_a_false_call(text)


@lru_cache(maxsize=1 << 14)
def _affirms(name: str, text: str) -> bool:
    if is_about_another(name) or status_of_remark(text, name) != UNBOXED:
        return False
    if is_answer(text) or text.isdecimal():
        return asks_for(name) is not None
    return says_a_verdict(text) or (names_a_verdict(name) and names_a_fault(text))


def _texts(beside: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Name and value of each, and both for people."""
    for name, value in beside:
        text = text_of(value)
        yield name, text, f"{name[:40]} {text[:40]!r}"


def text_of(value: Any) -> str:
    """A value as it would be written under a question."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value).strip()


def values_in(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys and values of an entry and of those right inside it; of lists each text and each pair of name and value."""
    for key, value in entry.items():
        inside = value.items() if isinstance(value, Mapping) else [(key, value)]
        for name, one in inside:
            for part in one if isinstance(one, list) else [one]:
                if isinstance(part, Mapping) and isinstance(part.get("name"), str):
                    yield part["name"], part.get("value", "yes")
                elif isinstance(part, str) or not isinstance(one, list):
                    yield str(name), part


def beside_in(entry: Mapping[str, Any], own: Collection[str] = ()) -> tuple[tuple[str, Any], ...]:
    """The texts and numbers that `values_in` gives of an entry, but for the keys that its format reads itself."""
    said = values_in({key: value for key, value in entry.items() if key not in own})
    return tuple((key, value) for key, value in said if isinstance(value, str | int | float))


def _said(key: str, value: Any) -> tuple[str | None, str] | None:
    """What one value says, in the words of `word_of`; None where it says nothing."""
    if not isinstance(value, str | bool | int):
        return None
    text = text_of(value)
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
