"""What a row of a table says of its image besides its box: by its type, by a status, by columns of any other name.

A row without a box proves that its image is good only if nothing else in it could say otherwise. So each column counts
that is not plainly about something else: a verdict ("NOK"), a name ("scratch" under `defect_name`), an answer (1 under
`is_defect`), and whether somebody has looked at the image at all (no under `labelled`). What is not understood is no
proof, and the row says how to name its columns.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data_tools.core.records import BOXED, GOOD, STATUSES, UNBOXED
from data_tools.formats.registry import Findings
from data_tools.formats.tables.columns import Columns
from data_tools.formats.words.asides import is_about_another, is_aside, is_left_out, names_a_verdict
from data_tools.formats.words.entry_words import is_for_verdicts
from data_tools.formats.words.folders import asks_for, is_good, is_predicted, status_of
from data_tools.formats.words.names import is_background
from data_tools.formats.words.remarks import (
    is_about_the_work,
    is_answer,
    is_no,
    is_unsure,
    is_yes,
    leaves_undone,
    says_a_verdict,
    status_of_remark,
)
from data_tools.formats.words.type_words import leaves_open
from data_tools.formats.words.value_verdicts import as_verdict, judges_by_values

EMPTY = ("", "nan", "none", "null", "na", "n/a", "-")
ANY_DEFECT = "defect"
ROW = "row without a box"
_NOTHING = ("0", "background", "negative")
_CODES = "column {!r} holds {}, which is not understood, and says nothing of the boxes: write OK and NG"
_FEW = 4
_HOW = "name that column type, status or unused, in the file or with --columns"


@dataclass(frozen=True)
class Verdict:
    """What a row says of its image, its box aside.

    Attributes:
        good: the evidence that it is good; "" where nothing says so.
        defect_type: the type of a defect that it names; "" where it names none.
        problem: why it is no proof of anything.
    """

    good: str = ""
    defect_type: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Company:
    """What must be known of other rows to understand one.

    Attributes:
        boxed: types of rows with a box, in small letters, over all tables: "0" among them is a type like any other.
        flags: columns that hold nothing but yes and no.
        mapped: types that get new names, in small letters.
    """

    boxed: Collection[str] = ()
    flags: Collection[int] = ()
    mapped: Collection[str] = ()


def verdict_of(columns: Columns, fields: Sequence[str], company: Company) -> Verdict:
    """What a row without a box says. Where one column says good and another names a defect, both are given."""
    kind = columns.type_of(fields)
    by_type = _by_type(kind, columns, company)
    own = next((fields[i].lower() for i, name in columns.others if name.lower() == "status"), "")
    if own in STATUSES:  # as `write` has it: then the type is taken at its word
        return _by_status(own, kind, by_type)
    said = [by_type, *(_by_column(name, fields[i], i in company.flags) for i, name in _told(columns.others, fields))]
    for one in said:
        if one.problem:
            return Verdict(problem=one.problem)
    good = next((one.good for one in reversed(said) if one.good), "")
    defect_type = next((one.defect_type for one in said if one.defect_type), "")
    return Verdict(good or ("" if defect_type else ROW), defect_type)


def verdict_of_others(others: Sequence[tuple[int, str]], fields: Sequence[str]) -> Verdict:
    """What a row without an area says by columns other than those of its image, its area and its type.

    Args:
        others: position and name of these columns.
        fields: of the row.
    """
    said = [_by_column(name, fields[i], False) for i, name in _told(others, fields)]
    return next((one for one in said if one.problem), next((one for one in said if one.defect_type), Verdict()))


def is_called_good(columns: Columns, fields: Sequence[str]) -> bool:
    """Whether a row without a type says in another column that its thing is good, and in none that it is not."""
    told_of = [(name, value) for name, value in told(columns.others, fields) if not is_about_another(name)]
    said = [status_of_remark(value, name) for name, value in told_of if not is_aside(name, value)]
    unclear = any(names_a_verdict(name) and status_of_remark(value, name) is None for name, value in told_of)
    return GOOD in said and UNBOXED not in said and not unclear


def told(others: Sequence[tuple[int, str]], fields: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Name and value of the columns that hold something and are not left out.

    Args:
        others: position and name of columns.
        fields: of the row.
    """
    return tuple((name, fields[i]) for i, name in _told(others, fields))


def flag_columns(columns: Columns, rows: Sequence[Sequence[str]]) -> set[int]:
    """The other columns that hold nothing but yes and no, or nothing at all."""
    flags = set()
    for i, _ in columns.others:
        values = {fields[i].lower() for fields in rows if len(fields) == columns.count} - set(EMPTY)
        if values and all(is_answer(value) for value in values):
            flags.add(i)
    return flags


def named_by_values(
    others: Sequence[tuple[int, str]], rows: Sequence[Sequence[str]], findings: Findings
) -> tuple[tuple[int, str], ...]:
    """The other columns of a table, those called verdicts that are ones by what they hold, as `value_verdicts` says.

    Args:
        others: position and name of columns.
        rows: the fields of each row that has all of them.
        findings: gets the warnings.
    """
    named = []
    for i, name in others:
        values = {fields[i] for fields in rows if fields[i].lower() not in EMPTY}
        named.append((i, as_verdict(name) if judges_by_values(name, values, findings) else name))
    return tuple(named)


def tell_codes(others: Sequence[tuple[int, str]], rows: Sequence[Sequence[str]], findings: Findings) -> None:
    """Warn of columns for verdicts beside boxes that hold a few codes, such as P and F, of which none is understood.

    Args:
        others, rows, findings: as for `named_by_values`.
    """
    for i, name in others:
        values = sorted({fields[i] for fields in rows if fields[i].lower() not in EMPTY})
        known = any(status_of_remark(value, name) is not None or leaves_open(value) for value in values)
        if is_for_verdicts(name) and not is_predicted(name) and 0 < len(values) <= _FEW and not known:
            findings.warnings[_CODES.format(name[:40], ", ".join(values)[:80])] += 1


def _told(others: Sequence[tuple[int, str]], fields: Sequence[str]) -> list[tuple[int, str]]:
    """Position and name of the columns that hold something and are not left out."""
    return [(i, name) for i, name in others if fields[i].lower() not in EMPTY and not is_left_out(name)]


def _by_type(kind: str, columns: Columns, company: Company) -> Verdict:
    """What the type says."""
    small = kind.lower()
    if is_background(kind) and small in company.boxed and small not in company.mapped:
        return Verdict(
            problem=f"no box, and a type that is none, but has boxes elsewhere: {kind!r}; --type_map names it"
        )
    if small in company.mapped or (small and small in company.boxed and not is_good(kind)):
        return Verdict(defect_type=kind)
    if small in EMPTY:
        return Verdict()
    if small in _NOTHING:
        return Verdict(good=ROW)
    asked = columns.type_name if asks_for(columns.type_name) is not None else "type"
    status = status_of_remark(kind, asked)
    if status is None:
        return Verdict(problem=f"no box, and a type that is not understood: {kind[:40]!r}; map it with --type_map")
    if status == GOOD:
        return Verdict(good=ROW)
    return Verdict(defect_type=ANY_DEFECT if is_answer(kind) and not kind.isdigit() else kind)


def _by_status(status: str, kind: str, by_type: Verdict) -> Verdict:
    if status == UNBOXED:
        return Verdict(defect_type=UNBOXED if not kind or is_good(kind) else kind)
    if status == BOXED:
        return Verdict(problem="status boxed, but no box")
    return Verdict("status good", by_type.defect_type)


def _by_column(name: str, value: str, is_flag: bool) -> Verdict:
    """What a value says that is neither of the image, nor of its box, its size or its type."""
    shown = f"column {name[:40]!r} says {value[:40]!r}"
    unclear = Verdict(problem=f"no box, and {shown}, which is not understood: {_HOW}")
    if is_about_the_work(name):
        problem = f"no box, and {shown}: nobody has looked at it"
        return Verdict(problem=problem) if leaves_undone(name, value) else Verdict()
    if is_unsure(name):
        return unclear if is_yes(value) else Verdict()
    if is_aside(name, "yes" if is_flag and name else value):  # a flag such as scratch is no mere number
        return unclear if says_a_verdict(value) and status_of(value) == UNBOXED else Verdict()
    status = status_of_remark(value, name)
    if status == GOOD:
        return Verdict(good=f"{name} {value!r}")
    if status == UNBOXED:
        bare = is_answer(value) or value.isdigit() or says_a_verdict(value)
        return Verdict(defect_type=ANY_DEFECT if bare else value)
    return Verdict() if is_flag and is_no(value) and not names_a_verdict(name) else unclear
