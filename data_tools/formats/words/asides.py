"""Columns and attributes that are plainly about something else than whether there is a defect."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from data_tools.core.records import GOOD, UNBOXED
from data_tools.core.split_words import part_of
from data_tools.formats.words.folders import (
    CARRIERS,
    asks_for,
    is_good,
    is_predicted,
    names_a_fault,
    names_a_set,
    plain_rest,
    status_of,
    words_of,
)
from data_tools.formats.words.vocabulary import PREDICTING_WORDS, word_set

_SIGHT = word_set(  # how well a thing can be seen, and by what: these can be good or bad themselves
    "visibility contrast sharpness focus brightness illumination readability legibility resolution exposure gain "
    "camera cam lens sensor light lighting kamera beleuchtung"
)
_ABOUT = (
    word_set(
        # sizes, and the image as a file
        "width height depth channels channel size w h dpi bits mode format image img picture photo path url uri link "
        "href folder dir directory file filename basename suffix extension md sha hash checksum license licence source "
        "src root bytes "
        # numbers, names and dates of things and people
        "id ids uid uuid guid index idx nr key row line seq sequence serial barcode unnamed date time timestamp "
        "datetime day month year created updated modified duration by user annotator labeler labeller author operator "
        "inspector reviewer editor worker owner email version software tool "
        # how the set is divided, and where it is from
        "split set subset fold phase partition usage dataset domain lot batch group wafer device product part station "
        "machine site fab plant factory customer project recipe shift side view front back rear upper lower inner "
        "outer position location slot tray panel board die frame material supplier vendor "
        # of the box
        "area score confidence conf prob probability iou occluded truncated difficult crowd iscrowd pose rotation "
        "angle orientation flipped rotated augmented rle segmentation polygon points bbox box x y xc yc cx cy xmin "
        "ymin xmax ymax left top right bottom supercategory shape "
        # what has to be done about it
        "priority difficulty "
        # the same in German and French
        "datum uhrzeit bediener prüfer los charge linie datei bild pfad heure fichier"
    )
    | _SIGHT
    | PREDICTING_WORDS
)
_JUDGED = word_set(  # what a verdict may be about, so that a header with one of these words may still be for verdicts
    "image img picture photo bild lot batch group wafer device product part board panel die frame tray shape box "
    "bbox polygon segmentation region area line"
)
_PICTURE = word_set("image img picture photo annotation label box bbox")
_LEFT_OUT = word_set("unused other")
_WITHOUT_WORDS = re.compile(r"^[\d\s.,:;/+\-TZ%°]*$")
_ADDRESS = re.compile(r"[/\\]|^[a-z]+://|\.(?:jpe?g|png|bmp|tiff?|json|xml|txt)$", re.I)
_HASH = re.compile(r"^(?=.*\d)[0-9a-f-]{8,}$", re.I)
_NAMES_A_VERDICT = word_set(
    "verdict result results status state judgement judgment judge decision outcome quality grade grading rating "
    "severity disposition inspection conclusion check defect defects fault faults anomaly anomalies flaw damage ok "
    "ng nok good bad pass fail class label labels type category kind tag tags labelled labeled annotated befund "
    "bewertung ergebnis prüfergebnis urteil klasse fehlerart fehlertyp qualität resultat résultat état classe "
    "qualité resultado clase risultato esito contrôle inspección inspektion 判定 结果 結果 类别 标签"
)
_ENDS_IN_A_VERDICT = (  # as compounds do: Endkontrolle, Sichtprüfung
    *("kontrolle", "prüfung", "ergebnis", "befund", "urteil", "bewertung", "beurteilung", "entscheid"),
    *("判定", "结果", "結果", "판정", "결과"),
)


def is_aside(name: str, value: str) -> bool:
    """Whether a value under a name says nothing of defects: by the name, or as a number, date, address or hash.

    A name that is one for verdicts, such as "quality" or "defect_code", is never an aside.
    """
    words = set(words_of(name))
    if names_a_verdict(name):
        return bool(words & {"id", "by", "date", "time", "area", "confidence", "score"}) and not words & {"ok", "good"}
    return bool(words & _ABOUT) or any(pattern.search(value) for pattern in (_WITHOUT_WORDS, _ADDRESS, _HASH))


def names_a_verdict(name: str) -> bool:
    """Whether values under a name are verdicts or types, whatever they are."""
    words = [] if is_predicted(name) else words_of(name)
    known = any(word in _NAMES_A_VERDICT or word.endswith(_ENDS_IN_A_VERDICT) for word in words)
    return known or asks_for(name) is not None


@lru_cache(maxsize=1 << 12)
def is_about_another(name: str) -> bool:
    """Whether a plain "good" under a name is said of something else than what a box is drawn around.

    So it is under "operator", "image_quality" and "light", and not under "Befund", "wafer_remark" or a name that says
    nothing at all.
    """
    words = set(words_of(name))
    if names_a_verdict(name):
        return is_aside(name, "") or ("quality" in words and bool(words & _PICTURE))
    return bool(words & _ABOUT - _JUDGED) or is_about(name)


def is_about_sight(name: str) -> bool:
    """Whether a name is of how well a thing can be seen, or of what it is seen by, which may be good itself."""
    return bool(_SIGHT & set(words_of(name)))


def is_about(name: str) -> bool:
    """Whether all words of a name are about something else than defects, as those of "lot_7" and "camera_left" are."""
    words = set(words_of(name))
    return bool(words) and words <= _ABOUT


def is_good_type(name: str) -> bool:
    """Whether a folder of types by this name holds good images: "good", "good_lot_7"; "good_contact" is a type."""
    return is_good(name) or (status_of(name) == GOOD and set(plain_rest(name)) <= _ABOUT)


def is_good_among(folder: str, others: Iterable[str]) -> bool:
    """Whether a folder holds good images, beside others.

    "good_kos" does where no folder says just that, as "good" does, and none is a type of defect: beside "good" or
    "scratch" "good_contact" may be one too. Beside "bad_kos" or "NG" unknown names such as a product's are no types.
    """
    if is_good_type(folder):
        return True
    beside = [one for one in {*others} if one != folder]
    if status_of(folder) != GOOD or any(map(is_good_type, beside)):
        return False
    own = set(plain_rest(folder))
    paired = any(status_of(one) == UNBOXED and set(plain_rest(one)) <= own for one in beside)
    types = [one for one in beside if status_of(one) is None and _says_more(one, own)]
    return not any(names_a_fault(one) or not paired for one in types)


def tells_alone(folder: str) -> bool:
    """Whether a folder that all images lie in says what they are: "NG" and "ok_lot_7" do, "Steel Defects" does not."""
    return not names_a_set(folder) and {*plain_rest(folder)} <= _ABOUT


def goods_among(types: Iterable[str], type_map: Mapping[str, str]) -> frozenset[str]:
    """The types that are good because another is the same in bad: "Good Weld" beside "Bad Weld".

    Args:
        types: of all boxes.
        type_map: new names by the old ones, in small letters; one that keeps its own name is a type.
    """
    kinds = {type_map.get(one.lower(), one) for one in types}
    bad = {frozenset(plain_rest(one)) for one in kinds if status_of(one) == UNBOXED} - {frozenset[str]()}
    good = {one for one in kinds if status_of(one) == GOOD and frozenset(plain_rest(one)) in bad}
    return frozenset(one for one in good if type_map.get(one.lower()) != one)


def _says_more(folder: str, known: set[str]) -> bool:
    """Whether a folder's name has words that may name a type: neither known ones nor a carrier's or a split's."""
    words = {word for word in plain_rest(folder) if len(word) > 1}
    return folder.lower() not in CARRIERS and not part_of(folder) and bool(words - known - _ABOUT)


def is_left_out(name: str) -> bool:
    """Whether a column is called so that it is left out."""
    return name.strip(" _-").lower() in _LEFT_OUT
