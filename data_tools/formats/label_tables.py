"""Tables of labels: a row an image, with a column that says whether it is good, and no column of a box.

A row counts only by what it says: "ok", "NG", yes under `is_defect`, a type under `defect_type`. Types under a header
such as `label` are ones of defects only where other rows of that column say good or bad, or --type_map names them. What
0 and 1 mean is not guessed. A defect has no area here, so that its image is unboxed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.asides import is_about_another, is_aside, is_left_out, names_a_verdict
from data_tools.formats.claims import PREDICTIONS, SCORES, Claim
from data_tools.formats.columns import Columns
from data_tools.formats.csv_verdicts import ANY_DEFECT, EMPTY, Verdict
from data_tools.formats.folders import asks_for, is_good, names_a_fault, status_of, words_of
from data_tools.formats.image_places import declared_size
from data_tools.formats.names import is_background, reason_against
from data_tools.formats.rectangles import numbers
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.remarks import (
    is_about_the_work,
    is_answer,
    is_false_call,
    is_unsure,
    is_yes,
    leaves_undone,
    says_a_verdict,
    status_of_remark,
)

Rows = Sequence[tuple[int, list[str]]]

_UNKNOWN_AREA = "rows that call an image a defect: taken as unboxed"
_NUMBERS = "columns {} hold numbers that are not read: where they are a box, --columns names them, such as x1,y1,x2,y2"
_SILENT = "says neither that its image is good nor that it is a defect"
_HOW = "--type_map '{{{0}: good}}', or '{{{0}: defect}}', says it; --columns calls a column unused"


def label_claims(path: Path, rows: Rows, columns: Columns, options: ReadOptions, findings: Findings) -> Iterator[Claim]:
    """What the rows of a table say of their images; a row that cannot be told to be of an image is listed.

    Args:
        path: of the table.
        rows: line and fields, without the header.
        columns: where the image and its type stand.
        options, findings: of the reader.

    Raises:
        InputError: no row says anything that is understood.
    """
    whole = [(line, fields) for line, fields in rows if len(fields) == columns.count]
    _tell_numbers(columns, [fields for _, fields in whole], findings)
    table = _Table(columns, [fields for _, fields in whole], options, findings)
    verdicts = {line: table.verdict(fields) for line, fields in whole}
    problems = [(line, one.problem) for line, one in verdicts.items() if one.problem]
    if problems and len(problems) == len(verdicts):
        raise InputError(f"{path}, line {problems[0][0]}: {problems[0][1]}")
    for line, fields in rows:
        name = fields[columns.image] if len(fields) > columns.image else ""
        reason = reason_against(name, "image name") if fields else "not a line of text with separated fields"
        if reason is not None:
            findings.reject(path, line, name[:200], reason)
        elif line not in verdicts:
            yield Claim(path, name, line, problem=f"{len(fields)} fields instead of {columns.count}")
        else:
            said, sides = verdicts[line], columns.size_of(fields)
            size = "" if sides is None else numbers(sides)
            size_hw = None if isinstance(size, str) else declared_size(size[0], size[1])
            if said.defect_type:
                findings.warnings[_UNKNOWN_AREA] += 1
            yield Claim(
                path,
                name,
                line,
                declared_hw=size_hw,
                defect_type=said.defect_type,
                good=said.good,
                problem=said.problem,
            )


def _tell_numbers(columns: Columns, rows: Sequence[Sequence[str]], findings: Findings) -> None:
    """Warn of columns side by side that hold numbers under names that say nothing: they may be a box."""
    run: list[tuple[int, str]] = []
    for i, name in columns.others:
        values = {fields[i] for fields in rows if fields[i].lower() not in EMPTY}
        plain = not is_left_out(name) and not is_about_another(name) and asks_for(name) is None
        if plain and values and not isinstance(numbers(sorted(values)), str):
            run = [*(run if run and run[-1][0] == i - 1 else []), (i, name)]
        if len(run) == len("xyxy"):
            findings.warnings[_NUMBERS.format(", ".join(one[:40] for _, one in run))] += 1
            return


def refuse_scores(path: Path, rows: Rows, columns: Columns) -> None:
    """Refuse a table whose images have scores: they are what a model says.

    Raises:
        InputError: a score other than 0, 1 and 100.
    """
    for i, name in columns.others:
        for line, fields in rows if {*SCORES} & {*words_of(name)} else ():
            score = numbers([fields[i].replace(",", ".")]) if len(fields) == columns.count else ""
            if not isinstance(score, str) and score[0] not in (0, 1, 100):
                raise InputError(f"{path}, line {line}: {name} {fields[i]}: {PREDICTIONS}, or call that column unused")


class _Table:
    """A table with what must be known of all its rows to understand one.

    Args:
        columns: where the image and its type stand.
        rows: the fields of each.
        options, findings: of the reader.
    """

    def __init__(
        self, columns: Columns, rows: Sequence[Sequence[str]], options: ReadOptions, findings: Findings
    ) -> None:
        self._options, self._findings = options, findings
        self._type = columns.type
        own = [] if columns.type is None else [(columns.type, columns.type_name)]
        self._columns = [(i, name, bool(own) and i == columns.type) for i, name in (*own, *columns.others)]
        self._binary = {i for i, _, _ in self._columns if {fields[i] for fields in rows} - {""} <= {"0", "1"}}
        self._judging = {i for i, _, _ in self._columns if any(self._judges(fields[i]) for fields in rows)}

    def verdict(self, fields: Sequence[str]) -> Verdict:
        """What a row says: a defect, whatever is remarked on it, or good, which nothing else may contradict."""
        said = [
            self._by_column(i, name, fields[i], is_type)
            for i, name, is_type in self._columns
            if not is_left_out(name) and not _is_blank(name, fields[i])
        ]
        good = next((one.good for one in said if one.good), "")
        types = [one.defect_type for one in said if one.defect_type]
        if good and types:
            return Verdict(problem=f"{good}, but a defect by {types[0]!r}: correct the one that is wrong")
        if types:
            named = next((kind for kind in types if kind != ANY_DEFECT), "")
            return Verdict(defect_type=named or self._type_beside(fields))
        problem = next((one.problem for one in said if one.problem), "" if good else _SILENT)
        return Verdict(problem=problem) if problem else Verdict(good=good)

    def _type_beside(self, fields: Sequence[str]) -> str:
        """The type of a defect that another column tells of: what the type's column says, where that names one."""
        kind = "" if self._type is None else fields[self._type]
        silent = kind.lower() in EMPTY or is_answer(kind) or kind.isdecimal() or is_unsure(kind) or is_false_call(kind)
        return ANY_DEFECT if silent or status_of([kind]) is not None or is_background(kind) else kind

    def _judges(self, value: str) -> bool:
        return says_a_verdict(value) or value.lower() in self._options.type_map

    def _by_column(self, i: int, name: str, value: str, is_type: bool) -> Verdict:
        """What one value says; a problem where it may say something that is not understood."""
        shown = f"{name} {value[:40]!r}"
        asks = asks_for(name) is not None
        if value[:1] in ("[", "{"):
            return Verdict(
                problem=f"{shown}: JSON in a field, as tools write annotations into tables; export them as JSON"
            )
        if is_about_the_work(name):
            return Verdict(problem=f"{shown}: nobody has looked at it") if leaves_undone(name, value) else Verdict()
        if not is_type and not asks and (is_about_another(name) or is_aside(name, value)):
            return Verdict()
        if value.lower() in self._options.type_map and (is_type or names_a_verdict(name)):
            kind = self._options.renamed(value, self._findings)
            return Verdict(good=shown) if is_good(kind) else Verdict(defect_type=value)
        unclear = Verdict(problem=f"{shown} is not understood; {_HOW.format(value[:20])}")
        if is_answer(value) or value.isdecimal():
            status = status_of_remark(value, f"is {name}" if i in self._binary else name) if asks else None
            if status is None and not is_type and not asks:
                return unclear if is_yes(value) and names_a_verdict(name) else Verdict()
            if status is None:
                return Verdict(
                    problem=f"{shown}: which number or answer is the defect is not said; {_HOW.format(value)}"
                )
            return Verdict(good=shown) if status == GOOD else Verdict(defect_type=ANY_DEFECT)
        if is_unsure(value) or is_about_the_work(value) or is_false_call(value) or is_background(value):
            return unclear
        if is_good(value):
            return Verdict(good=shown)
        is_named = (is_type and i in self._judging) or (asks and status_of_remark(value, name) == UNBOXED)
        if status_of([value]) == UNBOXED or is_named:
            return Verdict(defect_type=ANY_DEFECT if says_a_verdict(value) else value)
        doubtful = is_type or i in self._judging or names_a_fault(value) or status_of([value]) == GOOD
        return unclear if doubtful else Verdict()


def _is_blank(name: str, value: str) -> bool:
    """Whether a field says nothing; "none" says that there is no defect where that is asked."""
    return value.lower() in EMPTY and not (value.lower() == "none" and asks_for(name) is not None)
