"""What each row of a table of labels says, by all rows of the table together."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.tables.columns import Columns
from data_tools.formats.tables.csv_verdicts import ANY_DEFECT, EMPTY, Verdict
from data_tools.formats.words.asides import is_about, is_about_another, is_aside, is_left_out, names_a_verdict
from data_tools.formats.words.entry_words import against_a_defect
from data_tools.formats.words.folders import (
    asks_for,
    asks_whether,
    is_good,
    is_negation,
    names_a_fault,
    numbered_alike,
    status_of,
    words_of,
)
from data_tools.formats.words.names import is_background
from data_tools.formats.words.remarks import (
    is_about_the_work,
    is_answer,
    is_undone,
    is_unsure,
    is_yes,
    leaves_undone,
    says_a_verdict,
    status_of_remark,
)
from data_tools.formats.words.type_words import (
    denies,
    has_letters,
    is_in_question,
    is_plainly_none,
    leaves_open,
    may_be_a_type,
)
from data_tools.formats.words.vocabulary import BAD_WORDS, GOOD_WORDS, NOT_WORDS, word_set

_WHOLE = re.compile(r"^(\d+)\.0+$")
_SEVERAL = word_set("defects faults flaws anomalies errors failures damages problems defekte défauts defectos difetti")
_SOME = 8
_SILENT = "says neither that its image is good nor that it is a defect"
_HOW = "--type_map '{{{0}: good}}', or '{{{0}: defect}}', says it; --columns calls a column unused"


class LabelTable:
    """A table with what must be known of all its rows to understand one.

    Args:
        path: of the table.
        columns: where the image and its type stand.
        rows: the fields of each.
        options, findings: of the reader.
        classes: that images may be of, also where none is.
    """

    def __init__(
        self,
        path: Path,
        columns: Columns,
        rows: Sequence[Sequence[str]],
        options: ReadOptions,
        findings: Findings,
        classes: Sequence[str],
    ) -> None:
        self._path, self._options, self._findings = path, options, findings
        self._type, self._type_name = columns.type, columns.type_name
        own = [] if columns.type is None else [(columns.type, columns.type_name)]
        told = [(i, name) for i, name in (*own, *columns.others) if not is_left_out(name)]
        self._columns = [(i, name, bool(own) and i == columns.type) for i, name in told]
        values = {i: {self._tidied(fields[i]) for fields in rows if not _is_blank(name, fields[i])} for i, name in told}
        if columns.type is not None:
            values[columns.type].update(classes)
        self._binary = {i for i, found in values.items() if found <= {"0", "1"}}
        self._flags = {i for i, found in values.items() if all(map(is_answer, found))}
        self._counts = {i for i, name in told if _is_a_count(name) and all(map(str.isdecimal, values[i]))}
        self._odd = {i for i, found in values.items() if any(map(_is_no_count, found))}
        self._judging = {i for i, found in values.items() if any(map(says_a_verdict, found))}
        self._no_types = numbered_alike(sorted(values.get(-1 if self._type is None else self._type, ())))
        self._known: dict[tuple[int, str], Verdict] = {}
        self._explained, self._unrelated, self._products = frozenset[int](), frozenset[int](), frozenset[str]()
        unasked = {
            i for i, name, _ in self._columns if asks_for(name) is None and not {*values[i]} & {*options.type_map}
        }
        beside = self._beside(rows, {i for i in unasked if all(map(_is_number_or_answer, values[i]))})
        named = {i for i, name, is_type in self._columns if is_type or names_a_verdict(name)}
        self._explained = frozenset(i for i in named & beside.keys() if _are_explained(beside[i]))
        self._unrelated = frozenset(i for i, name, _ in self._columns if i in beside and _is_unrelated(name, beside[i]))
        self._known.clear()
        self._all_judged = False
        self._products = self._products_in(rows)
        self._known.clear()

    def verdict(self, fields: Sequence[str]) -> Verdict:
        """What a row says: a defect or good, which nothing else may contradict or leave in doubt."""
        told = self._told(fields)
        said = [self._by_column(*one) for one in told]
        good = next((one.good for one in said if one.good), "")
        types = [one.defect_type for one in said if one.defect_type]
        if good and types:
            _, name, value, _ = next(column for column, one in zip(told, said, strict=True) if one.defect_type)
            return Verdict(problem=f"{good}, but a defect by {name} {value[:40]!r}: correct the one that is wrong")
        if types:
            for _, name, value, is_type in told:
                if self._is_in_doubt(name, value, is_type):
                    return Verdict(problem=f"a defect by {types[0]!r}, but {name} {value[:40]!r}: one may be wrong")
            named = next((kind for kind in types if kind != ANY_DEFECT), "")
            return Verdict(defect_type=named or self._type_beside(fields))
        problem = next((one.problem for one in said if one.problem), "" if good else _SILENT)
        return Verdict(problem=problem) if problem else Verdict(good=good)

    def tell_types(self, verdicts: Iterable[Verdict]) -> None:
        """Note which values of a column that does not ask for types are taken for some, and which are not."""
        given = {*self._options.type_map, ANY_DEFECT}
        types = {one.defect_type for one in verdicts if one.defect_type and one.defect_type.lower() not in given}
        if types and asks_for(self._type_name) is None:
            self._findings.notes.append(f"{self._path.name}: taken for types of defects: {', '.join(sorted(types))}")
        if self._products and self._all_judged:
            named = ", ".join(sorted(self._products))
            self._findings.notes.append(f"{self._path.name}: taken for products, no types of defects: {named}")

    def _told(self, fields: Sequence[str]) -> list[tuple[int, str, str, bool]]:
        """Position, name and value of each column that says something, and whether it is the type's."""
        return [
            (i, name, self._tidied(fields[i]), is_type)
            for i, name, is_type in self._columns
            if not _is_blank(name, fields[i])
        ]

    def _tidied(self, value: str) -> str:
        """A value, with a whole number as such where a column with gaps made it 1.0."""
        whole = _WHOLE.match(value)
        return whole[1] if whole and value.lower() not in self._options.type_map else value

    def _beside(self, rows: Sequence[Sequence[str]], of: Collection[int]) -> dict[int, dict[str, Counter[str]]]:
        """How often the rows with each value of some columns are good or defects by the others."""
        counted: dict[int, dict[str, Counter[str]]] = {i: {} for i in of}
        for fields in rows if of else ():
            told = self._told(fields)
            said = [(one[0], self._by_column(*one)) for one in told]
            statuses = [(i, UNBOXED if one.defect_type else GOOD) for i, one in said if one.defect_type or one.good]
            for i, _, value, _ in told:
                if i in counted:
                    by_others = {status for other, status in statuses if other != i}
                    counted[i].setdefault(value, Counter()).update(by_others)
        return counted

    def _products_in(self, rows: Sequence[Sequence[str]]) -> frozenset[str]:
        """The values of the type's column where they are classes of products, by what another column says.

        A class has good images and defects, or several good images where there is no defect at all. Where an image
        that another column calls good has none, the column is of types of defects. Names that differ in their numbers
        alone, or say where something is, are no types anyway.
        """
        if self._type is None or self._type in self._judging or asks_for(self._type_name) is not None:
            return frozenset()
        self._all_judged = True
        beside_good, beside_defects = Counter[str](), set[str]()
        for fields in rows:
            said = [self._by_column(*one) for one in self._told(fields) if not one[-1]]
            if any(one.defect_type for one in said):
                beside_defects.add(fields[self._type])
            elif any(one.good for one in said):
                beside_good[fields[self._type]] += 1
            else:
                self._all_judged = False
        is_of_types = any(value.lower() in EMPTY for value in beside_good)
        several = {value for value, count in beside_good.items() if count > 1}
        shown = beside_good.keys() & beside_defects if beside_defects else several
        classes = {*filter(self._may_be_a_product, beside_good.keys() | beside_defects)}
        are_products = not is_of_types and bool(classes & shown)
        return frozenset(one for one in classes if are_products or one in self._no_types or is_about(one))

    def _may_be_a_product(self, value: str) -> bool:
        known = value.lower() in {*EMPTY, *self._options.type_map}
        return not known and may_be_a_type(value, True) and not names_a_fault(value) and not is_answer(value)

    def _type_beside(self, fields: Sequence[str]) -> str:
        """The type of a defect that another column tells of: what the type's column says, where that names one."""
        kind = "" if self._type is None else fields[self._type]
        asked = asks_for(self._type_name) is not None
        silent = kind.lower() in EMPTY or is_answer(kind) or kind in self._products or not may_be_a_type(kind, asked)
        return ANY_DEFECT if silent or status_of(kind) is not None else kind

    def _is_in_doubt(self, name: str, value: str, is_type: bool) -> bool:
        """Whether a value leaves open, or denies, that a row which something else calls a defect is one."""
        if self._is_mapped(name, value, is_type):
            return False
        if against_a_defect([(name, value)]):
            return True
        if is_about_the_work(name):
            return leaves_undone(name, value)
        if is_unsure(name):
            return is_yes(value)
        if is_answer(value) or (is_about_another(name) and not is_type):
            return False
        if is_unsure(value) or is_undone(value) or is_in_question(value) or status_of(value) == GOOD:
            return True
        return denies(value) if is_type or asks_for(name) is not None else is_plainly_none(value)

    def _is_mapped(self, name: str, value: str, is_type: bool) -> bool:
        """Whether the type map says what a value is, under a name that may hold types."""
        return value.lower() in self._options.type_map and (is_type or names_a_verdict(name))

    def _by_column(self, i: int, name: str, value: str, is_type: bool) -> Verdict:
        """What one value says; a problem where it may say something that is not understood."""
        if (i, value) not in self._known:
            self._known[i, value] = self._read(i, name, value, is_type)
        return self._known[i, value]

    def _read(self, i: int, name: str, value: str, is_type: bool) -> Verdict:
        shown = f"{name} {value[:40]!r}"
        asks = asks_for(name) is not None
        if value[:1] in ("[", "{"):
            return Verdict(
                problem=f"{shown}: JSON in a field, as tools write annotations into tables; export them as JSON"
            )
        if is_about_the_work(name):
            return Verdict(problem=f"{shown}: nobody has looked at it") if leaves_undone(name, value) else Verdict()
        if i in self._explained:
            return Verdict()
        flag = "yes" if i in self._flags and name else value  # scratch 1 is no mere number
        if not is_type and not asks and (is_about_another(name) or is_aside(name, flag)):
            return Verdict()
        if self._is_mapped(name, value, is_type):
            kind = self._options.renamed(value, self._findings)
            return Verdict(good=shown) if is_good(kind) else Verdict(defect_type=value)
        if is_answer(value) or not has_letters(value):
            return self._by_answer(i, name, value, is_type)
        return self._by_word(i, name, value, is_type)

    def _by_answer(self, i: int, name: str, value: str, is_type: bool) -> Verdict:
        """What yes, no or a number says, by what is asked; other signs than letters say nothing that is understood."""
        shown = f"{name} {value[:40]!r}"
        asks = asks_for(name) is not None
        known = (is_answer(value) or value.isdecimal()) and not (i in self._odd and value.isdecimal())
        asked = f"is {name}" if i in self._binary else f"number {name}" if i in self._counts else name
        status = status_of_remark(value, asked) if asks and known else None
        if status is not None:
            return Verdict(good=shown) if status == GOOD else Verdict(defect_type=ANY_DEFECT)
        if is_type or asks:
            return Verdict(
                problem=f"{shown}: which number or answer is the defect is not said; {_HOW.format(value[:20])}"
            )
        is_flag = i in self._flags - self._unrelated and may_be_a_type(name)
        unclear = is_yes(value) and (is_flag or names_a_verdict(name))
        return Verdict(problem=f"{shown} is not understood; {_HOW.format(value[:20])}") if unclear else Verdict()

    def _by_word(self, i: int, name: str, value: str, is_type: bool) -> Verdict:
        """What a value with letters says: good, a defect, a type where it stands for one, or nothing that is clear."""
        shown = f"{name} {value[:40]!r}"
        asks = asks_for(name) is not None
        unclear = Verdict(problem=f"{shown} is not understood; {_HOW.format(value[:20])}")
        if is_type and value in self._products and self._all_judged:
            return Verdict()
        if leaves_open(value) or is_background(value):
            return unclear
        if is_good(value):
            return Verdict(good=shown)
        if says_a_verdict(value):
            return Verdict(defect_type=ANY_DEFECT)
        if asks and asks_whether(name):
            return unclear  # is_defect: neither yes nor no
        if status_of(value) == UNBOXED:
            is_text = any(map(is_negation, words_of(value))) or not (is_type or names_a_verdict(name))
            return Verdict(defect_type=ANY_DEFECT if is_text else value)
        is_named = is_type and i in self._judging and value not in self._no_types and not _has_a_good_word(value)
        is_asked = asks and status_of_remark(value, name) == UNBOXED
        if (is_named or is_asked) and may_be_a_type(value, asks):
            return Verdict(defect_type=value)
        doubtful = is_type or asks or i in self._judging or names_a_fault(value) or status_of(value) == GOOD
        return unclear if doubtful else Verdict()


def _is_number_or_answer(value: str) -> bool:
    return value.isdecimal() or is_answer(value)


def _are_explained(beside: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether values are numbers, each of which goes with good or with defects alone, and not all with the same.

    Args:
        beside: by value, how often its rows are good or defects by other columns.
    """
    senses = [*map(set, beside.values())]
    return all(map(str.isdecimal, beside)) and all(len(one) == 1 for one in senses) and len({*map(tuple, senses)}) > 1


def _is_unrelated(name: str, beside: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether a flag says nothing of defects: many good images have it, and more than defects do."""
    flagged = Counter[str]()
    for value, count in beside.items():
        flagged.update(count if is_yes(value) else {})
    return not names_a_fault(name) and flagged[GOOD] >= _SOME and flagged[GOOD] > flagged[UNBOXED]


def _is_blank(name: str, value: str) -> bool:
    """Whether a field says nothing; "none" says that there is no defect where that is asked."""
    return value.lower() in EMPTY and not (value.lower() == "none" and asks_for(name) is not None)


def _has_a_good_word(value: str) -> bool:
    """Whether a value says good, whatever else it says: "OK,scratch" may be a defect that is passed."""
    words = {*words_of(value)}
    return bool(words & GOOD_WORDS) and not words & (BAD_WORDS | NOT_WORDS)


def _is_a_count(name: str) -> bool:
    """Whether a name is a word for several bad things, as "defects" is, so that a number under it counts them."""
    words = words_of(name)
    return len(words) == 1 and words[0] in _SEVERAL and asks_for(name) is False


def _is_no_count(value: str) -> bool:
    """Whether a value is made of other signs than letters, and is no whole number such as 0 and 1 either."""
    return not has_letters(value) and not value.isdecimal()
