"""Whether a word that is neither good nor bad may be a type of defect: a label of a table, a folder beside a good one.

A name alone proves little, so that whatever says that there is no defect, that nobody knows, or what pictures are for
is none by itself: `clean`, `no_scratch`, `borderline`, `reference`. A type map makes any of them one.
"""

import re

from data_tools.core.records import UNBOXED
from data_tools.core.split_words import part_of
from data_tools.formats.words.asides import is_about
from data_tools.formats.words.folders import (
    CARRIERS,
    is_bad_turned,
    is_count_or_class,
    is_negation,
    name_of,
    plain_rest,
    status_of,
    without_plain,
    words_of,
)
from data_tools.formats.words.names import is_background, is_unjudged
from data_tools.formats.words.remarks import is_about_the_work, is_false_call, is_unsure
from data_tools.formats.words.vocabulary import ACCEPTING_WORDS, word_set

_OTHER = word_set("other others misc miscellaneous rest mixed various")
_NO_TYPES = _OTHER | word_set(
    "unsorted sorted new old all reference references golden template templates master masters calibration backup "
    "backups tmp temp figures figure plots docs doc results output outputs original originals duplicate duplicates "
    "dup dups copy copies export exports exported screenshot screenshots preview previews thumbnail thumbnails "
    "thumbs archive archived trash deleted removed excluded demo example examples selected raw rework reworked "
    "repair repaired hold quarantine rotated flipped augmented cropped crops"
)
_OPEN = word_set("review recheck retest reinspect borderline marginal ambiguous questionable fp fn tp tn")
_CLEAN = word_set(
    "clean cleaned negative negatives neg absent healthy conforming compliant pristine spotless unblemished "
    "acceptable sauber propre limpio pulito 干净"
)
_NEITHER = (
    _CLEAN
    | ACCEPTING_WORDS
    | word_set(  # words that say nothing of defects where they stand alone
        "fine clear regular standard nominal valid correct nil nothing safe sound undisturbed empty blank positive "
        "positives pos present very"
    )
)
_PLACEHOLDER = re.compile(r"^(?:n\W?[adkv]\W?|k\W?a\W?|t\W?b\W?[acd]\W?|x{2,}|nan|none|null|default|dummy)$", re.I)
_TURNED_BEHIND = re.compile(r"(?:なし|無し|없음)$|\w(?:frei|less)$", re.I)  # nashi, eopseum
_TURNED_BEFORE = re.compile("^(?:无|無|没)")  # "without", of whatever
_NONE = word_set("none nothing nil nichts rien nada niente never")
_NOT_KNOWN = re.compile(  # unknown, not labelled, not inspected; to be confirmed, decided, inspected; pending, again
    "^未(?:知|标|检|検|分|定|确|確|判)|^[待要](?:确|確|定|检|検|判|复|再)|^(?:保留|再検|再检|复检|重检)"
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
    if status_of(text) == UNBOXED:
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
    rest = {word for word in without_plain(text) if word not in CARRIERS and not part_of(word)}
    says_no_more = not rest or not plain_rest(text) or not has_letters(text) or is_count_or_class(text)
    if says_no_more or is_background(text) or leaves_open(text) or denies(text):
        return False
    marks = "[OoVvXx]" if is_asked else "[A-Za-z]"  # the others are grades, or short for pass and fail
    if re.fullmatch(marks, text.strip()):
        return False
    return not rest & (_NO_TYPES - _OTHER if is_asked else _NO_TYPES) and (is_asked or not is_about(text))
