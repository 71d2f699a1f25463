"""CSV tables of points, `id,x,y[,score]`, and of image scores, `id,score`; with or without a header."""

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.records import PredictionSet, Sample
from data_tools.files.atomic import atomic_path
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming

_IDS = ("id", "image_id", "file_name", "image", "name")
COLUMNS = ("id", "file_name", "score", "x", "y")


def read_points(path: Path, samples: Sequence[Sample]) -> ForeignFile:
    """The best point of each image as its peak; a row with empty x and y is an abstention.

    Coordinates are edge coordinates in pixels of the original image: the centre of pixel i is i + 0.5. Without a score
    an image with a point scores 1. Of several points of an image the best is kept, the first of equals, and the others
    are counted: a record has one peak.

    Raises:
        InputError: a malformed row, an unknown image, or a point outside its image.
    """
    naming = Naming(samples)
    findings: dict[int, ForeignPrediction] = {}
    further = 0
    for where, row in _rows(path, ("x", "y")):
        sample = naming.find(row["id"], where)
        peak = None
        if row["x"] or row["y"]:
            peak = _number(row["x"], "x", where), _number(row["y"], "y", where)
            height, width = sample.size_hw
            if not (0 <= peak[0] <= width and 0 <= peak[1] <= height):
                raise InputError(f"{where}: the point {peak} lies outside the {width} x {height} image")
        score = _number(row["score"], "score", where) if row.get("score") else None
        if score is None and peak is not None:
            score = 1.0
        before = findings.get(sample.image_id)
        further += before is not None
        if before is None or (score is not None and (before.score is None or score > before.score)):
            findings[sample.image_id] = ForeignPrediction(score, peak_xy=peak)
    return ForeignFile(
        findings, (f"{further} further points of images that have a better one were left out",) * (further > 0)
    )


def read_scores(path: Path, samples: Sequence[Sample], known: Sequence[Sample]) -> dict[int, float]:
    """The score of every sample.

    Args:
        path: the table.
        samples: that need a score.
        known: all images that the table may name.

    Raises:
        InputError: a malformed row, an unknown image, an image twice, or a sample without a score.
    """
    naming = Naming(known)
    scores: dict[int, float] = {}
    for where, row in _rows(path, ("score",)):
        sample = naming.find(row["id"], where)
        if sample.image_id in scores:
            raise InputError(f"{where}: a second score for {sample.path}")
        scores[sample.image_id] = _number(row["score"], "score", where)
    missing = [sample.path for sample in samples if sample.image_id not in scores]
    if missing:
        raise InputError(f"{path}: {len(missing)} images have no score, such as {', '.join(missing[:3])}")
    return scores


def write_table(path: Path, predictions: PredictionSet) -> int:
    """Write id, file name, score and peak (empty for an abstention) of every image, atomically; returns how many."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for prediction in predictions.predictions:
            x, y = ("", "") if prediction.peak_xy is None else prediction.peak_xy
            writer.writerow([prediction.image_id, prediction.file_name, repr(prediction.score), x, y])
    return len(predictions.predictions)


def _rows(path: Path, wanted: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Where a row stands, and its fields by name: "id", those wanted, and "score" if there is one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(f"{path}, line {i}", [cell.strip() for cell in row]) for i, row in enumerate(csv.reader(file), 1)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not readable as CSV: {error}") from error
    lines = [(where, row) for where, row in lines if any(row)]
    if not lines:
        raise InputError(f"{path}: an empty table")
    head = [cell.lower() for cell in lines[0][1]]
    named = next((name for name in _IDS if name in head), None)
    if named is None or not set(wanted) <= set(head):
        if set(wanted) & set(head) or named is not None:
            raise InputError(
                f"{lines[0][0]}: the header needs {', '.join(('id', *wanted))}, but holds {', '.join(head)}"
            )
        order = ["id", *wanted] + ["score"] * ("score" not in wanted)
        places = {name: place for place, name in enumerate(order)}
    else:
        places = {"id": head.index(named)} | {name: head.index(name) for name in (*wanted, "score") if name in head}
        lines = lines[1:]
    needed = max(places[name] for name in ("id", *wanted))
    for where, row in lines:
        if len(row) <= needed:
            raise InputError(f"{where}: {len(row)} columns, but {needed + 1} are needed: {', '.join(('id', *wanted))}")
        yield where, {name: row[place] for name, place in places.items() if place < len(row)}


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InputError(f"{where}: {name} is {text!r}, not a number") from error
    if not math.isfinite(value):
        raise InputError(f"{where}: {name} is not finite")
    return value
