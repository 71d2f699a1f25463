"""What the names of folders say of the images in them, word by word.

A folder tells by whole words: `ok_parts` and `anomaly-free` are good, `not_good` and `NG` are not, `Goodyear` and
`badge` say nothing, and neither does a name that says both. The name of the whole set's own folder never counts: who
calls should leave it out.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from unicodedata import normalize

from data_tools.core.records import GOOD, UNBOXED
from data_tools.core.split_words import part_of
from data_tools.formats.registry import ReadOptions
from data_tools.formats.words.vocabulary import (
    ACCEPTING_WORDS,
    BAD_WORDS,
    BUT_WORDS,
    FAULT_WORDS,
    FLAWLESS_WORDS,
    GOOD_WORDS,
    IN_ORDER,
    NOT_WORDS,
    PLAIN_WORDS,
    PREDICTING_WORDS,
    REFUTING_WORDS,
    UPHOLDING_WORDS,
    word_set,
)

CARRIERS = word_set(
    "imgs images img image jpegimages data pictures photos pics raw rgb gray frames "
    "original originals source sources input inputs labeled labelled annotated "
    "bild bilder imágenes imagenes immagini imagens 图像 图片 原图 画像 이미지"
)
_PREFIX = "mt_"
_COUNT = re.compile(r"(?<=[^\W\d_])[ _-]?\d{1,3}$")
_CLAUSE = re.compile(r"[,;:(]|\s[-\u2013]\s")
_SHORT_NOT = re.compile(r"n['\u2019]t\b", re.I)
_DOUBT = re.compile(r"[?\uff1f%~\u2248\u2260\u00ac]|!(?=\w)")  # neither "OK?" nor "OK 60%" nor "!OK" is OK
_LETTERS = re.compile(r"[^\W\d_]+")
_NIO = re.compile(r"\bn(?:icht|\.)?\s*(?:in\s+ordnung\b|i\.?\s*o\b\.?)", re.I)
_IO = re.compile(r"\b(?:in\s+ordnung\b|i\.?\s*o\b\.?)", re.I)
_BARE_IO = re.compile(r"(?<![^\W_])io(?![^\W_])", re.I)
_OK = re.compile(r"\bo\.\s*k\b\.?", re.I)
_TURNED = re.compile(r"^(?:un|non|in|无|無|没有|没|不)(?P<word>\w+)$")
_NONE_OF = re.compile(  # a folder "0_defect" beside "1_good" is class 0, whereas "0 defects" is a count
    r"(?<![\w.,])0+(?:\.0+)?\s+(?=(?:defects?|faults?|flaws?|anomal(?:y|ies)|errors?|failures?|damages?|problems?|rejects?"
    r"|fehler|defekte?|défauts?|defectos?|difett[oi])\b)",
    re.I,
)
_NUMBERED = re.compile(r"(?<![\w.,])0+(?P<gap>[\s_-]+)(?P<word>[^\W\d_]+)")
_ANSWERED = word_set("is has have was ist hat contains with")
_SET_WORDS = word_set("dataset datasets database databases datensatz benchmark 数据集")
_FEWEST_OF_A_SET = 2  # words of what a set of defects shows
_TYPE_WORDS = word_set("type types typ kind defect defecttype")


@lru_cache(maxsize=1 << 14)
def carries(folder: str) -> bool:
    """Whether a folder's name, in small letters, says no more than that images or a part of a split are in it."""
    if folder in CARRIERS or is_numbered_carrier(folder) or part_of(folder) or is_a_whole_set(folder):
        return True
    return all(part in CARRIERS or part == "dir" or part_of(part) for part in re.split(r"[ _-]+", folder))


def is_numbered_carrier(folder: str) -> bool:
    """Whether a folder's name, in small letters, is one for images with a number: images1, img_02."""
    return _COUNT.sub("", folder) in CARRIERS and folder not in CARRIERS


@lru_cache(maxsize=1 << 14)
def is_a_whole_set(name: str) -> bool:
    """Whether a folder's name is a whole set's, which does not decide: "NEU surface defect database".

    "defect_dataset" and "NG_dataset_v2" may lie beside "good_dataset", and tell.
    """
    words = {*words_of(name)}
    if not words & _SET_WORDS or _says(name) is True:
        return False
    rest = {word for word in {*plain_rest(name)} - _SET_WORDS if len(word) > len("v2") and not part_of(word)}
    return len(rest) >= (_FEWEST_OF_A_SET if words & BAD_WORDS else 1)


def names_a_set(folder: str) -> bool:
    """Whether a folder's name has a word for a set of data."""
    return bool({*words_of(folder)} & _SET_WORDS)


def is_good(name: str) -> bool:
    """Whether a type by this name means that there is no defect.

    Types say it in words for that alone: "ok_mark_missing" is a defect, whereas folder "good_lot_7" holds good images.
    """
    return _says(name) is True and not plain_rest(name)


def plain_rest(name: str) -> list[str]:
    """The words of a name that are neither about good and bad nor of the kind that goes with them."""
    known = {*GOOD_WORDS, *BAD_WORDS, *PLAIN_WORDS, *NOT_WORDS, "free", _PREFIX.strip("_")}
    return [word for word in words_of(name) if word not in known]


def without_plain(name: str) -> list[str]:
    """The words of a name without those that say nothing of what it shows, such as "samples" and "images"."""
    return [word for word in words_of(name) if word not in PLAIN_WORDS]


def is_negation(word: str) -> bool:
    """Whether a word turns what follows it into its opposite."""
    return word in NOT_WORDS


def is_bad_turned(word: str) -> bool:
    """Whether a word is one for something bad with a syllable before it that turns it, as "uncracked" is."""
    turned = _TURNED.match(word)
    return turned is not None and word not in BAD_WORDS and turned["word"] in BAD_WORDS | FAULT_WORDS


def status_of(name: str) -> str | None:
    """Good or unboxed, as a name says; None where it says neither."""
    said = None if is_a_whole_set(name) else _says(name)
    return None if said is None else GOOD if said else UNBOXED


def status_of_nearest(folders: Sequence[str]) -> str | None:
    """What `status_of` says of the first folder that says anything, the nearest to the image first."""
    return next((status for folder in folders if (status := status_of(folder)) is not None), None)


def type_of(
    folders: Sequence[str],
    options: ReadOptions,
    says_good: Callable[[str], bool] = lambda name: status_of(name) == GOOD,
) -> str:
    """The defect type, or "good", that the nearest telling folder names; else "defect".

    Folders that carry images or name a part of a split tell nothing, and neither do names of numbers alone. One that
    only says that there is some defect (NG, bad_parts) gives "defect".

    Args:
        folders: the folder nearest to the image first.
        options: its type map gives new names to folders, also to those that tell nothing.
        says_good: whether a folder by a name holds good images.
    """
    for folder in folders:
        name = name_of(folder)
        if name in options.type_map:
            mapped = options.type_map[name]
            return GOOD if is_good(mapped) else mapped
        if carries(name) or is_a_whole_set(folder) or not re.search(r"[^\W\d_]", name):
            continue
        if says_good(folder):
            return GOOD
        words = set(words_of(folder))
        return (
            "defect"
            if words and words <= BAD_WORDS | PLAIN_WORDS | NOT_WORDS | GOOD_WORDS and words & (BAD_WORDS | NOT_WORDS)
            else name
        )
    return "defect"


def asks_for(name: str) -> bool | None:
    """What "yes" means to a question or column by this name: True that it is good, False that there is a defect.

    None where it asks for neither; "good_contact" asks for a contact, and "pred_defect" for what a model says.
    """
    if is_predicted(name):
        return None
    said = _says(name)
    return said if not said or is_good(name) else None


def is_predicted(name: str) -> bool:
    """Whether a question or column by this name is of what a model says."""
    return bool(PREDICTING_WORDS & set(words_of(name)))


def asks_whether(name: str) -> bool:
    """Whether a question or column by this name is answered by yes and no, as "is_defect" and "has_pit" are."""
    return bool(_ANSWERED & set(words_of(name)))


def names_a_fault(text: str) -> bool:
    """Whether a text has a word for something bad in it, whatever it says of it."""
    return bool(set(words_of(text)) & (BAD_WORDS | FAULT_WORDS))


def is_called_flawless(text: str) -> bool:
    """Whether a text has a word that says of a whole thing that it has no defect, whatever it says of that."""
    return bool(set(words_of(text)) & FLAWLESS_WORDS)


def is_accepted(text: str) -> bool:
    """Whether a text says in a word that something is taken as it is, be it a part or what is said of it."""
    words = set(words_of(text))
    return bool(words) and words <= ACCEPTING_WORDS


def denies_a_defect(text: str) -> bool:
    """Whether a text says that something is good and nothing else, or in any words that there is no defect.

    So "OK", "OK (checked)" and "no real defect at the edge" do; "good example of a crack" does not, and neither do "no
    other defects" and "no defect but a scratch", which leave one.
    """
    return speaks_of_no_defect(text) and not BUT_WORDS & set(words_of(text))


def speaks_of_no_defect(text: str) -> bool:
    """Whether a text says that something is good, or in any words that there is no defect, other than one or not."""
    return _says(text) is True and (is_good(_CLAUSE.split(text)[0]) or bool(BAD_WORDS & set(words_of(text))))


def ends_in_not(text: str) -> bool:
    """Whether a text turns what follows it into its opposite, as "not", "not a" and "was not really a" do.

    It does not in another clause, nor where it turns something bad before that: "no defect but".
    """
    last = _CLAUSE.split(_SHORT_NOT.sub(" not ", text))[-1]
    for word in reversed(words_of(last)[-4:]):
        if word in BAD_WORDS | BUT_WORDS | {"sondern"}:
            return False
        if word in NOT_WORDS:
            return True
    return False


def begins_with_not(text: str) -> bool:
    """Whether a text turns what precedes it into its opposite, as "rejected", "not confirmed" and ": no" do."""
    first = next((clause for clause in _CLAUSE.split(_SHORT_NOT.sub(" not ", text)) if clause.strip(" =)")), "")
    words = words_of(first)[:4]
    if REFUTING_WORDS & {*words}:
        return text.lstrip()[:1] not in (",", ";")  # "false alarm, rejected" leaves open what was
    return any(
        word in {*NOT_WORDS, "nein", "false"} and {*words[place + 1 :]} <= UPHOLDING_WORDS
        for place, word in enumerate(words)
    )


def words_of(name: str) -> list[str]:
    """The words of a name in small letters, told apart by anything but letters and by capitals after small ones.

    "i.O." and "in Ordnung" are the word io, "n.i.O." is nio, and "o.k." is ok.
    """
    return list(_words(name))


@lru_cache(maxsize=1 << 14)
def _words(name: str) -> tuple[str, ...]:
    short = _OK.sub(" ok ", _IO.sub(" io ", _NIO.sub(" nio ", normalize("NFC", name))))
    return tuple(word.lower() for letters in _LETTERS.findall(short) for word in _told_apart(letters))


def _told_apart(letters: str) -> list[str]:
    """Letters as words: a capital begins one after a small letter or before one, and so does a script without case."""
    starts = [0]
    for i in range(1, len(letters)):
        before, here, after = letters[i - 1], letters[i], letters[i + 1 : i + 2]
        capital = here.isupper() and (not before.isupper() or after.islower())
        if capital or _has_case(before) != _has_case(here):
            starts.append(i)
    return [letters[one:other] for one, other in zip(starts, [*starts[1:], len(letters)], strict=True)]


def _has_case(letter: str) -> bool:
    return letter.lower() != letter.upper()


def name_of(folder: str) -> str:
    """The type that a folder's name is, where it tells one: in lower case, without a prefix that says nothing."""
    return folder.lower().removeprefix(_PREFIX)


def numbered_alike(folders: Sequence[str]) -> set[str]:
    """The folders whose names differ in their numbers alone, as kos01 and kos02: devices or products, no types."""
    shapes: dict[str, set[str]] = {}
    for folder in set(folders):
        words = words_of(folder)
        if re.search(r"\d", folder) and not set(words) & _TYPE_WORDS:
            shapes.setdefault(re.sub(r"\d+", "#", folder.lower()), set()).add(folder)
    return {folder for names in shapes.values() if len(names) > 1 for folder in names}


@lru_cache(maxsize=1 << 14)
def _says(name: str) -> bool | None:
    """True for good, False for defective, None where a name says neither, or both, or is in doubt."""
    if _DOUBT.search(name) or is_count_or_class(name):
        return None
    name = _NONE_OF.sub("no ", name)
    bare = name.lower().removeprefix(_PREFIX) if name.lower().startswith(_PREFIX) else name
    words = words_of(bare)
    if words == ["free"]:
        return True
    said = set[bool]().union(*(_said_in(words_of(clause)) for clause in re.split("[,;]", bare)))
    if said == {True} and FAULT_WORDS & set(words) and not NOT_WORDS & set(words):
        return None  # "ok_mark_missing" holds no good images
    if (
        _BARE_IO.search(bare)
        and GOOD_WORDS & set(words) == {IN_ORDER}
        and set(words) - (GOOD_WORDS | BAD_WORDS | NOT_WORDS | PLAIN_WORDS)
    ):
        return None  # "io_pads" are no good parts but inputs and outputs
    return said.pop() if len(said) == 1 else None


def is_count_or_class(name: str) -> bool:
    """Whether a name such as "0 NG" or "0_defects" may be a number of defects or a number of a class."""
    found = _NUMBERED.search(name)
    if found is None or found["word"].lower() not in BAD_WORDS or _NONE_OF.search(name):
        return False
    return found["gap"].isspace() or (len(found["word"]) > len("ss") and found["word"].lower().endswith("s"))


def _said_in(words: Sequence[str]) -> set[bool]:
    """What the words of one clause say, each good or bad one in turn: a "not" turns the next of them."""
    said: set[bool] = set()
    turned = False
    for place, word in enumerate(words):
        if word in NOT_WORDS:
            turned = not turned
            continue
        follows = words[place + 1] if place + 1 < len(words) else ""
        before = words[place - 1] if place else ""
        if word in BAD_WORDS:
            said.add(turned or follows == "free" or before == "free" or (before == "of" and "free" in words[:place]))
            turned = False
        elif word in GOOD_WORDS:
            said.add(not turned)
            turned = False
        elif word in FAULT_WORDS:
            turned = False  # "no scratch, bad solder" says nothing good of the solder
    return said
