"""Which boxes in JSON are those of defects: by the keys above them, and by what they are called.

A crop, a field of view or a part has a box as well as a defect has one. A box counts that has a type, that stands in a
list such as `objects`, or under a key such as `bbox`, `polygon` or `defect`. Beside a list for defects no other counts.
"""

from collections.abc import Collection, Mapping, Sequence

from data_tools.files.csv_tables import column_key
from data_tools.formats.json_files.boxed_objects import Found, Object, singular, type_in
from data_tools.formats.words.folders import is_predicted, names_a_fault, words_of
from data_tools.formats.words.names import is_unjudged
from data_tools.formats.words.vocabulary import word_set

LISTS = word_set(
    "annotation object region instance span detection boundingboxannotation box bbox boundingbox shape defect label"
)
"""Keys of lists that hold what is annotated in an image, as `singular` has them."""

_NO_TRUTH = word_set(  # what a model or an earlier state says, or what was turned down
    "auto automatic prelabel prelabels prelabeled prelabelled preannotation preannotations pre proposal proposals "
    "candidate candidates suggestion suggestions draft drafts history histories version versions revision revisions "
    "previous former old obsolete archived deleted removed discarded rejected excluded"
)
_OF_A_MODEL = word_set("model machine")  # beside another word: alone it is one of a product, or the tool
_UNJUDGED = word_set("ignore ignored dontcare falsepositive falsealarm falsecall")
_UNNAMED = (
    "{}: a box without a type, and nothing says that it is one of a defect: give it a label, or list it under defects"
)
_LOOKED_AT = "{}: where one has to look, no box of a defect: left out; call it bbox where it is one"
_BESIDE = "{}: a box beside a list for defects ({}): left out"

Boxed = tuple[Object, Found | None, str]


def is_no_truth(key: str) -> bool:
    """Whether what stands under a key is said by a model, was so before, or was turned down."""
    words = {*words_of(key)}
    return is_predicted(key) or bool(words & _NO_TRUTH) or (len(words) > 1 and bool(words & _OF_A_MODEL))


def is_set_aside(key: str) -> bool:
    """Whether the boxes under a key are those that nobody judges, or of false alarms."""
    name = singular(key)
    return is_unjudged(name) or not _UNJUDGED.isdisjoint((*words_of(key), column_key(name)))


def of_defects(
    boxes: Sequence[Boxed], empty: Collection[str], names: Mapping[str, str]
) -> tuple[list[Boxed], list[str]]:
    """The boxes of an image that are of defects, and why each of the others is not.

    Args:
        boxes: of the image.
        empty: keys of its empty lists.
        names: of types, by their numbers.
    """
    keys = (*(key for *_, key in boxes), *empty)
    for_defects = next(filter(names_a_fault, keys), None)
    is_listed = not LISTS.isdisjoint(map(singular, keys))
    kept: list[Boxed] = []
    others: list[str] = []
    for value, found, key in boxes:
        if for_defects is not None and not names_a_fault(key) and not is_set_aside(key):
            others.append(_BESIDE.format(_shown(found, key), for_defects))
        elif found is not None and not key and found.key.startswith("roi"):
            others.append(_LOOKED_AT.format(found.key))
        elif found is not None and not (type_in(value, names) or _is_called_a_box(found, key, is_listed)):
            others.append(_UNNAMED.format(_shown(found, key)))
        else:
            kept.append((value, found, key))
    return kept, others


def _is_called_a_box(found: Found, key: str, is_listed: bool) -> bool:
    """Whether keys say that a box is one of a defect: one that an image has itself is not beside a list of them."""
    own = found.key and not found.key.startswith("roi") and (key or not is_listed)
    return bool(own) or singular(key) in LISTS or names_a_fault(key) or is_set_aside(key)


def _shown(found: Found | None, key: str) -> str:
    return (key or (found.key if found is not None else "") or "sides of an image")[:40]
