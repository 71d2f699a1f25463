"""Which column of a foreign table of points or scores is what; one that may mean something else is refused or told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from data_tools.core.errors import InputError
from data_tools.files.csv_tables import column_key

ID, NAME, SCORE = "id", "file_name", "score"
_MEANINGS = {
    ID: ("id", "imageid", "imgid"),
    NAME: ("filename", "image", "name", "imagename", "imagefile", "imgname", "file"),
    "x": ("x",),
    "y": ("y",),
    SCORE: (
        *("score", "scores", "confidence", "conf", "probability", "prob"),
        *("defectscore", "anomalyscore", "predscore", "imagescore"),
    ),
}
_MEANING_OF = {spelling: meaning for meaning, spellings in _MEANINGS.items() for spelling in spellings}
_OF_BOXES = re.compile(r"(box|bbox)?(w|h|width|height|x[0-2]|y[0-2]|[xy](min|max)|left|top|right|bottom)")


@dataclass(frozen=True)
class TableColumns:
    """What stands where in a table.

    Attributes:
        places: position of each meaning that it has: "id", "file_name", "x", "y" or "score".
        has_header: whether the first line names the columns.
        notes: on columns that are not read.
    """

    places: dict[str, int]
    has_header: bool
    notes: tuple[str, ...] = ()


def find_table_columns(where: str, cells: Sequence[str], wanted: Sequence[str], most_cells: int) -> TableColumns:
    """The columns of a table by its first line; a line that names none of them belongs to a table without a header.

    Args:
        where: the line stands.
        cells: of the line.
        wanted: meanings that have to be there, beside an id or a file name.
        most_cells: how many columns the longest row has, without empty ones at its end.

    Raises:
        InputError: a header without a column that is wanted, with two for one meaning, with those of boxes, or, where
            none is the score, with one that may be it; or more columns than a table without a header can have.
    """
    meanings = [_MEANING_OF.get(column_key(cell)) for cell in cells]
    if not {ID, NAME, *wanted}.intersection(meanings):
        order = list(dict.fromkeys((ID, *wanted, SCORE)))
        if most_cells > len(order):
            raise InputError(
                f"{where}: {most_cells} columns, but a table without a header holds {', '.join(order)}; name the "
                "columns in a first line"
            )
        return TableColumns({meaning: place for place, meaning in enumerate(order)}, False)
    of_boxes = [cell for cell in cells if _OF_BOXES.fullmatch(column_key(cell))]
    if "x" in wanted and of_boxes:
        beside = " beside x and y" if {"x", "y"}.issubset(meanings) else ""
        raise InputError(
            f"{where}: {', '.join(of_boxes)}{beside} is a table of boxes, whose corner is no point; give boxes "
            f"as COCO results (.json), or the points alone: {', '.join((ID, *wanted, SCORE))}"
        )
    _require_one_each(where, cells, meanings)
    if not {ID, NAME}.intersection(meanings) or not set(wanted).issubset(meanings):
        raise InputError(f"{where}: the header needs {', '.join((ID, *wanted))}, but holds {', '.join(cells)}")
    if most_cells > len(cells):
        raise InputError(f"{where}: the header names {len(cells)} columns, but a row has {most_cells}")
    unread = [
        cell or f"(column {place}, without a name)"
        for place, (cell, meaning) in enumerate(zip(cells, meanings, strict=True), start=1)
        if meaning is None and (cell or place <= most_cells)
    ]
    if unread and SCORE not in meanings:
        raise InputError(
            f"{where}: no column is the score, and what {', '.join(unread)} means is not known; call the score's "
            "column score, and leave out what is not needed"
        )
    notes = (f"columns that are not read: {', '.join(unread)}",) if unread else ()
    places = {meaning: place for place, meaning in enumerate(meanings) if meaning is not None}
    return TableColumns(places, True, notes)


def _require_one_each(where: str, cells: Sequence[str], meanings: Sequence[str | None]) -> None:
    for meaning in _MEANINGS:
        named = [cell for cell, one in zip(cells, meanings, strict=True) if one == meaning]
        if len(named) > 1:
            raise InputError(f"{where}: {', '.join(named)} all mean the {meaning}; leave one of these columns")
