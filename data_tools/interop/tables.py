"""CSV tables of points, `id,x,y[,score]`, and of image scores, `id,score`; with or without a header."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import PredictionSet, Sample
from data_tools.files.atomic import write_text
from data_tools.files.csv_tables import csv_text, plain
from data_tools.files.text import read_text
from data_tools.interop.conventions import require_pixels
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming, Reference

_IDS, _NAMES = ("id", "image_id"), ("file_name", "image", "name")
COLUMNS = ("id", "file_name", "score", "x", "y")


def read_points(path: Path, naming: Naming) -> ForeignFile:
    """The best point of each image as its peak; a row with empty x and y is an abstention.

    Coordinates are edge coordinates in pixels of the original image: the centre of pixel i is i + 0.5. Without a score
    an image with a point scores 1. Of several points of an image the best is kept, the first of equals, and the others
    are counted: a record has one peak.

    Raises:
        InputError: a malformed row, an unknown image, an id and a file name that disagree, a point outside its image,
            or points in shares of the image.
    """
    findings: dict[int, ForeignPrediction] = {}
    further = 0
    rows = _rows(path, ("x", "y"), naming)
    for where, row, sample in rows:
        peak = None
        if row["x"] or row["y"]:
            peak = _number(row["x"], "x", where), _number(row["y"], "y", where)
            height, width = sample.size_hw
            if not (0 <= peak[0] <= width and 0 <= peak[1] <= height):
                swapped = "; x and y swapped?" if 0 <= peak[1] <= width and 0 <= peak[0] <= height else ""
                raise InputError(f"{where}: the point {peak} lies outside the {width} x {height} image{swapped}")
        score = _number(row["score"], "score", where) if row.get("score") else None
        if score is None and peak is not None:
            score = 1.0
        before = findings.get(sample.image_id)
        further += before is not None
        if before is None or (score is not None and (before.score is None or score > before.score)):
            findings[sample.image_id] = ForeignPrediction(score, peak_xy=peak)
    peaks = [finding.peak_xy for finding in findings.values() if finding.peak_xy is not None]
    require_pixels(path, np.array(peaks), "points")
    left_out = (f"{further} further points of images that have a better one were left out",) * (further > 0)
    return ForeignFile(findings, (*naming.notes, *left_out))


def read_scores(path: Path, samples: Sequence[Sample], naming: Naming) -> dict[int, float]:
    """The score of every sample.

    Args:
        path: the table.
        samples: that need a score.
        naming: of all images that the table may name.

    Raises:
        InputError: a malformed row, an unknown image, an image twice, or a sample without a score.
    """
    scores: dict[int, float] = {}
    for where, row, sample in _rows(path, ("score",), naming):
        if sample.image_id in scores:
            raise InputError(f"{where}: a second score for {sample.path}")
        scores[sample.image_id] = _number(row["score"], "score", where)
    missing = [sample.path for sample in samples if sample.image_id not in scores]
    if missing:
        raise InputError(f"{path}: {len(missing)} images have no score, such as {', '.join(missing[:3])}")
    return scores


def write_table(path: Path, predictions: PredictionSet) -> int:
    """Write id, file name, score and peak (empty for an abstention) of every image, atomically; returns how many."""
    rows: list[Sequence[object]] = [COLUMNS]
    for prediction in predictions.predictions:
        x, y = ("", "") if prediction.peak_xy is None else prediction.peak_xy
        rows.append((prediction.image_id, prediction.file_name, repr(prediction.score), x, y))
    write_text(path, csv_text(rows))
    return len(predictions.predictions)


def _rows(path: Path, wanted: Sequence[str], naming: Naming) -> list[tuple[str, dict[str, str], Sample]]:
    """Where a row stands, its fields by name (those wanted, and "score" if there is one), and its image."""
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path}: an empty table")
    head = [cell.lower() for cell in lines[0][1]]
    places = {name: head.index(name) for name in (*_IDS, *_NAMES, *wanted, "score") if name in head}
    named = [name for name in (*_IDS, *_NAMES) if name in places]
    if not named or not set(wanted) <= places.keys():
        if set(wanted) & places.keys() or named:
            raise InputError(
                f"{lines[0][0]}: the header needs {', '.join(('id', *wanted))}, but holds {', '.join(head)}"
            )
        order = ["id", *wanted] + ["score"] * ("score" not in wanted)
        places, named = {name: place for place, name in enumerate(order)}, ["id"]
    else:
        lines = lines[1:]
    needed = max(places[name] for name in (*named, *wanted))
    rows, references = [], []
    for where, line in lines:
        if len(line) <= needed:
            raise InputError(f"{where}: {len(line)} columns, but {needed + 1} are needed: {', '.join(('id', *wanted))}")
        row = {name: line[place] for name, place in places.items() if place < len(line)}
        rows.append((where, row))
        references.append(_reference(where, row, named))
    owners = naming.find_all(references, exact_names=named[0] in _NAMES)
    return [(where, row, owner) for (where, row), owner in zip(rows, owners, strict=True)]


def _reference(where: str, row: dict[str, str], named: Sequence[str]) -> Reference:
    """The image by its id, with the file name beside it if the table has both."""
    ids, names = ([name for name in named if name in kinds] for kinds in (_IDS, _NAMES))
    if not ids:
        return Reference(where, plain(row[names[0]]))
    return Reference(where, plain(row[ids[0]]), plain(row[names[0]]) if names else None)


def _lines(path: Path) -> list[tuple[str, list[str]]]:
    """Where each line that is not empty stands, and its cells."""
    try:
        rows = list(csv.reader(io.StringIO(read_text(path)[0], newline="")))
    except csv.Error as error:
        raise InputError(f"{path}: not readable as CSV: {error}") from error
    lines = [(f"{path}, line {i}", [cell.strip() for cell in row]) for i, row in enumerate(rows, 1)]
    return [(where, row) for where, row in lines if any(row)]


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{where}: {name} is {text!r}, not a number") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is not finite")
    return value
