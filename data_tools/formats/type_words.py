"""Whether a word that is neither good nor bad may be a type of defect: a label of a table, a folder beside a good one.

A name alone proves little, so that whatever says that there is no defect, that nobody knows, or what pictures are for
is none by itself: `clean`, `no_scratch`, `borderline`, `reference`. A type map makes any of them one.
"""

import re

from data_tools.core.records import UNBOXED
from data_tools.formats.asides import is_about
from data_tools.formats.folders import (
    CARRIERS,
    SPLIT_FOLDERS,
    is_bad_turned,
    is_count_or_class,
    is_negation,
    name_of,
    plain_rest,
    status_of,
    without_plain,
    words_of,
)
from data_tools.formats.names import is_background, is_unjudged
from data_tools.formats.remarks import is_about_the_work, is_false_call, is_unsure
from data_tools.formats.vocabulary import ACCEPTING_WORDS

_OTHER = frozenset(words_of("other others misc miscellaneous rest mixed various"))
_NO_TYPES = _OTHER | frozenset(
    words_of(
        "unsorted sorted new old all reference references golden template templates master masters calibration backup "
        "backups tmp temp figures figure plots docs doc results output outputs original originals duplicate duplicates "
        "dup dups copy copies export exports exported screenshot screenshots preview previews thumbnail thumbnails "
        "thumbs archive archived trash deleted removed excluded demo example examples selected raw "
        "rework reworked repair repaired hold quarantine rotated flipped augmented cropped crops"
    )
)
_OPEN = frozenset(words_of("review recheck retest reinspect borderline marginal ambiguous questionable fp fn tp tn"))
_CLEAN = frozenset(
    words_of(
        "clean cleaned negative negatives neg absent healthy conforming compliant pristine spotless unblemished "
        "acceptable sauber propre limpio pulito \u5e72\u51c0"
    )
)
_NEITHER = (
    _CLEAN
    | ACCEPTING_WORDS
    | frozenset(  # words that say nothing of defects where they stand alone
        words_of("fine clear regular standard nominal valid correct nil nothing safe sound undisturbed empty blank")
        + words_of("positive positives pos present very")
    )
)
_PLACEHOLDER = re.compile(r"^(?:n\W?[adkv]\W?|k\W?a\W?|t\W?b\W?[acd]\W?|x{2,}|nan|none|null|default|dummy)$", re.I)
_TURNED_BEHIND = re.compile(r"(?:\u306a\u3057|\u7121\u3057|\uc5c6\uc74c)$|\w(?:frei|less)$", re.I)  # nashi, eopseum
_TURNED_BEFORE = re.compile("^(?:\u65e0|\u7121|\u6ca1)")  # "without", of whatever
_NONE = frozenset(("none", "nothing", "nil", "nichts", "rien", "nada", "niente", "never"))
_NOT_KNOWN = re.compile(  # unknown, not labelled, not inspected; to be confirmed, decided, inspected; pending, again
    "^\u672a(?:\u77e5|\u6807|\u68c0|\u691c|\u5206|\u5b9a|\u786e|\u78ba|\u5224)"
    "|^[\u5f85\u8981](?:\u786e|\u78ba|\u5b9a|\u68c0|\u691c|\u5224|\u590d|\u518d)"
    "|^(?:\u4fdd\u7559|\u518d\u691c|\u518d\u68c0|\u590d\u68c0|\u91cd\u68c0)"
)


def has_letters(text: str) -> bool:
    """Whether a text has a letter in it, without which it names no type."""
    return re.search(r"[^\W\d_]", text) is not None


def leaves_open(text: str) -> bool:
    """Whether a folder or label says that nobody knows what its images show, or that they are false alarms."""
    calls = is_false_call(text) or is_unjudged(name_of(text))
    return calls or is_unsure(text) or is_about_the_work(text) or is_in_question(text)


def is_in_question(text: str) -> bool:
    """Whether a text says that somebody has to look again, or stands for a value that is missing, as "n/d" does."""
    text = text.strip()
    return bool(_OPEN & set(words_of(text)) or _PLACEHOLDER.match(text) or _NOT_KNOWN.match(text))


def denies(text: str) -> bool:
    """Whether a text may say in any way that there is no defect: "no scratch", "uncracked", "clean"; not "no good"."""
    if status_of([text]) == UNBOXED:
        return False
    words = words_of(text)
    turned = any(map(_is_turned, words)) or _TURNED_BEFORE.match(text.strip()) is not None
    return turned or "free" in words or bool(_NONE & set(words)) or bool(_CLEAN & set(words)) or is_plainly_none(text)


def is_plainly_none(text: str) -> bool:
    """Whether a text says that there is no defect in such words as "clean" or "negative" alone."""
    rest = without_plain(text)
    return bool(rest) and set(rest) <= _NEITHER


def _is_turned(word: str) -> bool:
    return is_negation(word) or is_bad_turned(word) or _TURNED_BEHIND.search(word) is not None


def may_be_a_type(text: str, is_asked: bool = False) -> bool:
    """Whether a text may be a type of defect, where it stands for one.

    Args:
        text: a label or the name of a folder.
        is_asked: whether it answers what type of defect there is: then "other" is one, and so is "position".
    """
    rest = {*without_plain(text)} - {*CARRIERS, *SPLIT_FOLDERS}
    says_no_more = not rest or not plain_rest(text) or not has_letters(text) or is_count_or_class(text)
    if says_no_more or is_background(text) or leaves_open(text) or denies(text):
        return False
    marks = "[OoVvXx]" if is_asked else "[A-Za-z]"  # the others are grades, or short for pass and fail
    if re.fullmatch(marks, text.strip()):
        return False
    return not rest & (_NO_TYPES - _OTHER if is_asked else _NO_TYPES) and (is_asked or not is_about(text))
