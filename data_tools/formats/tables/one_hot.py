"""Tables with a column for each class and a 1 under that of the image, as Roboflow and pandas write labels.

A row without a 1 has no label. One with several has all of their names for one: "scratch & pit" is a defect, "good &
scratch?" is not understood.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from data_tools.core.split_words import part_of
from data_tools.formats.tables.columns import LABELS, Columns, find_image
from data_tools.formats.tables.csv_verdicts import EMPTY
from data_tools.formats.words.asides import is_about_another, is_left_out
from data_tools.formats.words.folders import asks_whether, is_good
from data_tools.formats.words.remarks import is_about_the_work, is_no, is_yes, says_a_verdict

_FEWEST = 2
_TOGETHER = " & "
Rows = Sequence[tuple[int, list[str]]]


def find_one_hot(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Columns | None:
    """The columns of a table where all but those plainly about another thing are classes, and hold 1 or 0; else None.

    One of the classes is good, or none is a word for good or bad: `defect,dusty` are two answers. So are `good,dusty`
    where more rows are without a 1 than have one for something else.
    """
    image = find_image(header)
    others = tuple((i, name) for i, name in enumerate(header) if i != image and name)
    classes = [(i, name) for i, name in others if not (is_about_another(name) or is_left_out(name))]
    if image is None or len(classes) < _FEWEST or not all(_may_be_a_class(name) for _, name in classes):
        return None
    good = {i for i, name in classes if is_good(name)}
    if not good and any(says_a_verdict(name) for _, name in classes):
        return None
    empty = other = some = 0
    for fields in rows:
        if len(fields) == len(header):
            if not all(_is_there(fields[i]) or _is_absent(fields[i]) for i, _ in classes):
                return None
            there = {i for i, _ in classes if _is_there(fields[i])}
            empty += not there
            some += bool(there)
            other += bool(there) and not there & good
    if empty > other or not some:
        return None
    names = (header[image], *(name for _, name in classes))
    places = tuple(i for i, _ in classes)
    return Columns(len(header), image, None, (), LABELS, None, names, others=others, classes=places)


def as_labels(columns: Columns, rows: Rows) -> tuple[Columns, Rows]:
    """Such a table as one of labels, which stand in the first column of a class; rows of other lengths as they are."""
    names = {i: name for i, name in columns.others if i in columns.classes}
    told = [(line, _labelled(columns, names, fields)) for line, fields in rows]
    others = tuple((i, name) for i, name in columns.others if i not in names)
    return replace(columns, type=columns.classes[0], type_name="class", others=others, classes=()), told


def _labelled(columns: Columns, names: Mapping[int, str], fields: list[str]) -> list[str]:
    if len(fields) != columns.count:
        return fields
    there = [name for i, name in names.items() if _is_there(fields[i])]
    label = _TOGETHER.join(there) + ("?" if len(there) > 1 and any(map(is_good, there)) else "")
    first = columns.classes[0]
    return [*fields[:first], label, *fields[first + 1 :]]


def _may_be_a_class(name: str) -> bool:
    return not (part_of(name) or is_about_the_work(name) or asks_whether(name))


def _is_there(value: str) -> bool:
    return is_yes(value.removesuffix(".0"))


def _is_absent(value: str) -> bool:
    return value.lower() in EMPTY or is_no(value.removesuffix(".0"))
