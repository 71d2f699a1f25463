"""CSV tables of points, `id,x,y[,score]`, and of image scores, `id,score`; with or without a header.

What the columns may be called, `table_columns` says. They stand apart by commas, or as spreadsheets write them by
semicolons or tabs; then a comma may stand for the decimal point.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import PredictionSet, Sample
from data_tools.files.atomic import write_text
from data_tools.files.csv_tables import DECIMAL_COMMA, csv_text, plain
from data_tools.files.text import read_text
from data_tools.interop.conventions import require_pixels
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming, Reference
from data_tools.interop.table_columns import ID, NAME, SCORE, find_table_columns

_SEPARATORS = (";", "\t", ",")  # of equally many the first: 3;10,5;20,5
_PERHAPS_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")

COLUMNS = ("id", "file_name", "score", "x", "y")


def read_points(path: Path, naming: Naming) -> ForeignFile:
    """The best point of each image as its peak; a row with empty x and y is an abstention.

    Coordinates are edge coordinates in pixels of the original image: the centre of pixel i is i + 0.5. In a table
    without scores an image with a point scores 1. Of several points of an image the best is kept, the first of equals,
    and the others are counted: a record has one peak.

    Raises:
        InputError: columns that cannot be understood, a malformed row, a point without a score in a table of scores, an
            unknown image, an id and a file name that disagree, a point outside its image, or points in shares of it.
    """
    findings: dict[int, ForeignPrediction] = {}
    further = 0
    rows, notes = _rows(path, ("x", "y"), naming)
    scored = any(SCORE in row for _, row, _ in rows)
    for where, row, sample in rows:
        peak = None
        if row["x"] or row["y"]:
            peak = _number(row["x"], "x", where), _number(row["y"], "y", where)
            height, width = sample.size_hw
            if not (0 <= peak[0] <= width and 0 <= peak[1] <= height):
                swapped = "; x and y swapped?" if 0 <= peak[1] <= width and 0 <= peak[0] <= height else ""
                raise InputError(f"{where}: the point {peak} lies outside the {width} x {height} image{swapped}")
        score = _number(row[SCORE], "score", where) if row.get(SCORE) else None
        if score is None and peak is not None:
            if scored:
                raise InputError(f"{where}: a point without a score in a table of scores; give it one, or leave it out")
            score = 1.0
        before = findings.get(sample.image_id)
        further += before is not None
        if before is None or (score is not None and (before.score is None or score > before.score)):
            findings[sample.image_id] = ForeignPrediction(score, peak_xy=peak)
    peaks = [finding.peak_xy for finding in findings.values() if finding.peak_xy is not None]
    require_pixels(path, np.array(peaks), "points")
    left_out = (f"{further} further points of images that have a better one were left out",) * (further > 0)
    return ForeignFile(findings, (*naming.notes, *notes, *left_out))


def read_scores(path: Path, samples: Sequence[Sample], naming: Naming) -> tuple[dict[int, float], tuple[str, ...]]:
    """The score of every sample by id, and notes on the reading.

    Args:
        path: the table.
        samples: that need a score.
        naming: of all images that the table may name.

    Raises:
        InputError: columns that cannot be understood, a malformed row, an unknown image, an image twice, or a sample
            without a score.
    """
    scores: dict[int, float] = {}
    rows, notes = _rows(path, (SCORE,), naming)
    for where, row, sample in rows:
        if sample.image_id in scores:
            raise InputError(f"{where}: a second score for {sample.path}")
        scores[sample.image_id] = _number(row[SCORE], "score", where)
    missing = [sample.path for sample in samples if sample.image_id not in scores]
    if missing:
        raise InputError(f"{path}: {len(missing)} images have no score, such as {', '.join(missing[:3])}")
    return scores, (*naming.notes, *notes)


def write_table(path: Path, predictions: PredictionSet) -> int:
    """Write id, file name, score and peak (empty for an abstention) of every image, atomically; returns how many."""
    rows: list[Sequence[object]] = [COLUMNS]
    for prediction in predictions.predictions:
        x, y = ("", "") if prediction.peak_xy is None else prediction.peak_xy
        rows.append((prediction.image_id, prediction.file_name, repr(prediction.score), x, y))
    write_text(path, csv_text(rows))
    return len(predictions.predictions)


def _rows(
    path: Path, wanted: Sequence[str], naming: Naming
) -> tuple[list[tuple[str, dict[str, str], Sample]], tuple[str, ...]]:
    """Where a row stands, its fields by meaning ("score" where the table has scores) and its image; and notes."""
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path}: an empty table")
    where, first = lines[0]
    longest = max(_filled(row) for _, row in lines)
    columns = find_table_columns(where, first, wanted, longest)
    lines, places = lines[columns.has_header :], dict(columns.places)
    if not columns.has_header and SCORE not in wanted and longest <= places[SCORE]:
        del places[SCORE]
    needed = max(place for meaning, place in places.items() if meaning in wanted or meaning in (ID, NAME)) + 1
    rows, references = [], []
    for where, line in lines:
        if len(line) < needed:
            raise InputError(f"{where}: {len(line)} columns, but {needed} are needed: {', '.join((ID, *wanted))}")
        row = {meaning: line[place] if place < len(line) else "" for meaning, place in places.items()}
        rows.append((where, row))
        references.append(_reference(where, row))
    owners = naming.find_all(references, exact_names=ID not in places)
    return [(where, row, owner) for (where, row), owner in zip(rows, owners, strict=True)], columns.notes


def _filled(row: Sequence[str]) -> int:
    """How many cells a row has up to its last one that is not empty."""
    return max(place for place, cell in enumerate(row, start=1) if cell)


def _reference(where: str, row: dict[str, str]) -> Reference:
    """The image by its id, with the file name beside it if the table has both."""
    if ID not in row:
        return Reference(where, plain(row[NAME]))
    return Reference(where, plain(row[ID]), plain(row[NAME]) if NAME in row else None)


def _lines(path: Path) -> list[tuple[str, list[str]]]:
    """Where each line that is not empty stands, and its cells."""
    text = read_text(path)[0]
    first = text.strip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV: {error}") from error
    lines = [(f"{path}, line {i}", [cell.strip() for cell in row]) for i, row in enumerate(rows, 1)]
    return [(where, row) for where, row in lines if any(row)]


def _number(text: str, name: str, where: str) -> float:
    if _PERHAPS_THOUSANDS.fullmatch(text):
        raise InputError(f"{where}: {name} is {text!r}, which may be thousands or a decimal; write a decimal point")
    try:
        if "_" in text:  # Python takes 1_0 for 10
            raise ValueError
        value = float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError as error:
        raise InputError(f"{where}: {name} is {text!r}, not a number") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is not finite")
    return value
