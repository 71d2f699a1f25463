"""Scores as a contest wants them: a CSV of ids and scores, validated."""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_tools.core.agreement import require_of_dataset
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction
from data_tools.files.atomic import write_text
from data_tools.files.csv_tables import defused
from data_tools.files.dataset_folder import files_of, read_dataset
from data_tools.files.image_walk import IMAGE_SUFFIXES
from data_tools.files.places import require_place
from data_tools.files.predictions import read_predictions
from data_tools.files.text import read_text

ID, SCORE, LABEL = "id", "defect_score", "label"
_SHOWN = 5


@dataclass(frozen=True)
class Expected:
    """The ids that must all be there, what asks for them, and the files that say so.

    Attributes:
        dataset: that asks, whose images the predictions must be of; None without one.
    """

    ids: tuple[str, ...]
    asked_by: str
    files: tuple[Path, ...] = ()
    dataset: Dataset | None = None

    @classmethod
    def in_file(cls, path: Path) -> "Expected":
        """One id a line, or the first field of a CSV with the header id."""
        lines = [
            fields[0].strip() for fields in csv.reader(read_text(path)[0].splitlines()) if fields and fields[0].strip()
        ]
        return cls(tuple(lines[1:] if lines and lines[0].lower() == ID else lines), str(path), (path,))

    @classmethod
    def in_dataset(cls, data: Path, split: str) -> "Expected":
        """The images of a split of a dataset folder.

        Raises:
            InputError: no such split.
        """
        dataset = read_dataset(data)
        try:
            samples = dataset.split(split)
        except ValueError as error:
            raise InputError(f"{data}: {error}") from error
        ids = tuple(submission_id(sample.path) for sample in samples)
        return cls(ids, f"{data} ({split})", files_of(data), dataset)


def write_submission(source: Path, out: Path, threshold: float | None, expected: Expected | None = None) -> int:
    """Write scores, or with a threshold labels, as a contest's CSV; the number of rows.

    Args:
        source: PredictionSet (.jsonl).
        out: .csv file to write.
        threshold: a label is 1 from here on; None writes the scores.
        expected: the ids that must be there, neither fewer nor more.

    Raises:
        InputError: a file that is none, scores that do not rank the images, or ids that are not as expected.
    """
    if threshold is not None and not math.isfinite(threshold):
        raise InputError(f"--columns {ID},{LABEL}: a label needs --threshold, chosen on validation data")
    if out.suffix.lower() != ".csv":
        raise InputError(f"--out {out}: give a file that ends in .csv")
    require_place(out, [source, *(() if expected is None else expected.files)])
    predictions = read_predictions(source)
    if expected is not None and expected.dataset is not None:
        require_of_dataset(predictions, expected.dataset.samples, len(expected.dataset.categories), str(source))
    scores = _scores(source, predictions.predictions)
    if expected is not None:
        check_ids(scores, expected.ids, str(source), expected.asked_by)
    if threshold is None:
        check_scores(scores, str(source))
    header = f"{ID},{SCORE if threshold is None else LABEL}"
    values = {key: repr(score) if threshold is None else int(score >= threshold) for key, score in scores.items()}
    write_text(out, "".join(f"{line}\n" for line in (header, *(f"{k},{v}" for k, v in values.items()))))
    return len(scores)


def check_scores(scores: dict[str, float], source: str) -> None:
    """Refuse scores by id that a contest would take and rank wrongly.

    Raises:
        InputError: one that is not finite, or hard decisions instead of scores.
    """
    broken = [key for key, score in scores.items() if not math.isfinite(score)]
    if broken:
        raise InputError(f"{source}: the score of {broken[0]!r} is not finite")
    if set(scores.values()) <= {0.0, 1.0}:
        raise InputError(
            f"{source}: every score is 0 or 1; {SCORE} ranks the images, so give continuous scores, or "
            f"ask for --columns {ID},{LABEL}"
        )


def check_ids(actual: Iterable[str], expected: Iterable[str], source: str, asked: str) -> None:
    """Refuse ids that are not exactly the expected ones.

    Raises:
        InputError: ids are missing or unknown.
    """
    have, want = set(actual), set(expected)
    for ids, what in ((want - have, f"missing that {asked} asks for"), (have - want, f"not expected by {asked}")):
        if ids:
            shown = ", ".join(sorted(ids)[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
            raise InputError(f"{source}: {len(ids)} ids {what}: {shown}")


def submission_id(file_name: str) -> str:
    """The file name without folders and image suffix; other dots belong to the id."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    return name[: -len(PurePosixPath(name).suffix)] if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES else name


def _scores(path: Path, predictions: Sequence[Prediction]) -> dict[str, float]:
    """Scores by id.

    Raises:
        InputError: no predictions; an id stands twice, is empty, would break the CSV file or be run by a spreadsheet.
    """
    if not predictions:
        raise InputError(f"{path}: no predictions")
    ids = [submission_id(prediction.file_name) for prediction in predictions]
    twice = [key for key, count in Counter(ids).items() if count > 1]
    if twice:
        names = [p.file_name for p, key in zip(predictions, ids, strict=True) if key == twice[0]]
        raise InputError(f"{path}: id {twice[0]!r} stands for several images: {', '.join(names[:_SHOWN])}")
    odd = [key for key in ids if not key or any(c in key for c in ',"\r\n\0') or defused(key) != key]
    if odd:
        raise InputError(f"{path}: {odd[0]!r} cannot be an id in a CSV file; rename the image")
    return {key: prediction.score for key, prediction in zip(ids, predictions, strict=True)}
