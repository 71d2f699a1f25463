"""Tables of labels: a row an image, with a column that says whether it is good, and no column of a box.

A row counts only by what it says: "ok", "NG", yes under `is_defect`, 0 under `defects`, a type under `defect_type`.
Types under a header such as `label` are ones of defects only where other rows of that column say good or bad, and only
words that may be some (`type_words`); a type map says what one value is, and nothing of the others. A class in a column
that does not ask for defects, of which another column that judges every row calls some images good and some not, is a
product; "pit" beside one "OK" may be either, and the row is listed. What says that there is no defect, or that nobody
knows, makes no defect of a row that something else calls one: it is listed. So is all that is not understood, and what
0 and 1 mean is not guessed. A defect has no area here, so that its image is unboxed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.claims import PREDICTIONS, SCORES, Claim
from data_tools.formats.registry import Findings, ReadOptions
from data_tools.formats.shapes.rectangles import numbers
from data_tools.formats.tables.columns import Columns
from data_tools.formats.tables.csv_verdicts import EMPTY, named_by_values
from data_tools.formats.tables.label_verdicts import LabelTable
from data_tools.formats.tables.one_hot import as_labels
from data_tools.formats.words.asides import is_about_another, is_left_out
from data_tools.formats.words.folders import asks_for, words_of
from data_tools.formats.words.names import reason_against
from data_tools.formats.words.vocabulary import word_set

Rows = Sequence[tuple[int, list[str]]]

_UNKNOWN_AREA = "rows that call an image a defect: taken as unboxed"
_NUMBERS = (
    "columns {} hold numbers that are not read: where they are a box in pixels, --columns names them, such as "
    "x1,y1,x2,y2"
)
_OF_A_BOX = word_set(
    "x y w h width height left top right bottom row col column min max start end size box bbox rect roi xrel yrel "
    "xsize ysize mm cm um µm inch percent rel norm"
)


def label_claims(
    path: Path, rows: Rows, columns: Columns, options: ReadOptions, findings: Findings, unit: str = "line"
) -> Iterator[Claim]:
    """What the rows of a table say of their images; a row that cannot be told to be of an image is listed.

    Args:
        path: of the table.
        rows: line and fields, without the header.
        columns: where the image and its type stand.
        options, findings: of the reader.
        unit: what the numbers of the rows count.

    Raises:
        InputError: no row says anything that is understood.
    """
    classes = [name for i, name in columns.others if i in columns.classes]
    if classes:
        columns, rows = as_labels(columns, rows)
    whole = [(line, fields) for line, fields in rows if len(fields) == columns.count]
    _tell_numbers(columns, [fields for _, fields in whole], findings)
    columns = replace(columns, others=named_by_values(columns.others, [fields for _, fields in whole], findings))
    table = LabelTable(path, columns, [fields for _, fields in whole], options, findings, classes)
    verdicts = {line: table.verdict(fields) for line, fields in whole}
    problems = [(line, one.problem) for line, one in verdicts.items() if one.problem]
    if problems and len(problems) == len(verdicts):
        raise InputError(f"{path}, {unit} {problems[0][0]}: {problems[0][1]}")
    table.tell_types(verdicts.values())
    for line, fields in rows:
        name = columns.image_of(fields)
        reason = reason_against(name, "image name") if fields else "not a line of text with separated fields"
        if reason is not None:
            findings.reject(path, line, name[:200], reason)
        elif line not in verdicts:
            yield Claim(path, name, line, problem=f"{len(fields)} fields instead of {columns.count}")
        else:
            said = verdicts[line]
            yield Claim(
                path,
                name,
                line,
                declared_hw=columns.size_of(fields),
                defect_type=said.defect_type,
                good=said.good,
                problem=said.problem,
                part=columns.part_of(fields),
                lot=columns.lot_of(fields),
            )


def tell_unknown_areas(claims: Iterable[Claim], findings: Findings) -> None:
    """Warn of images that labels alone call a defect."""
    count = sum(bool(claim.defect_type) for claim in claims)
    if count:
        findings.warnings[_UNKNOWN_AREA] += count


def _tell_numbers(columns: Columns, rows: Sequence[Sequence[str]], findings: Findings) -> None:
    """Warn of columns side by side that hold numbers under names that say nothing, or speak of a box."""
    run: list[tuple[int, str]] = []
    for i, name in columns.others:
        values = {fields[i] for fields in rows if fields[i].lower() not in EMPTY}
        other = is_about_another(name) and not {*words_of(name)} <= _OF_A_BOX
        plain = not is_left_out(name) and not other and asks_for(name) is None
        if plain and values and not isinstance(numbers(sorted(values)), str):
            run = [*(run if run and run[-1][0] == i - 1 else []), (i, name)]
        if len(run) == len("xyxy"):
            findings.warnings[_NUMBERS.format(", ".join(one[:40] for _, one in run))] += 1
            return


def refuse_scores(path: Path, rows: Rows, columns: Columns, unit: str = "line") -> None:
    """Refuse a table whose images have scores: they are what a model says.

    Args:
        path, rows, columns, unit: as for `label_claims`.

    Raises:
        InputError: a score other than 0, 1 and 100.
    """
    for i, name in columns.others:
        for line, fields in rows if {*SCORES} & {*words_of(name)} else ():
            score = numbers([fields[i].replace(",", ".")]) if len(fields) == columns.count else ""
            if not isinstance(score, str) and score[0] not in (0, 1, 100):
                raise InputError(
                    f"{path}, {unit} {line}: {name} {fields[i]}: {PREDICTIONS}, or call that column unused"
                )
