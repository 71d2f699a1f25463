"""A PredictionSet -> the CSV file of a contest, validated.

python -m data_tools.submission --predictions runs/mine/predictions/test.jsonl --out submission.csv
python -m data_tools.submission --predictions FILE --out CSV --data DATASET --split test
python -m data_tools.submission --predictions FILE --out CSV --columns id,label --threshold 0.31

The id is the image's file name without folder and extension. Scores are written as they are: continuous, and higher
means more defective. A label is 1 (defective) where the score reaches a threshold that you name; take it from
validation data.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES
from data_tools.files.atomic import write_text
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.images import IMAGE_SUFFIXES
from data_tools.files.predictions import read_predictions
from data_tools.formats.tables import table_lines

ID, SCORE, LABEL = "id", "defect_score", "label"
_COLUMNS = (f"{ID},{SCORE}", f"{ID},{LABEL}")
_SHOWN = 5


def build_parser() -> Parser:
    """The command line of `python -m data_tools.submission`."""
    parser = Parser(prog="data_tools.submission", description="PredictionSet -> contest CSV, validated.")
    parser.add_argument("--predictions", type=str, required=True, help="PredictionSet (.jsonl)")
    parser.add_argument("--out", type=str, required=True, help="CSV file to write")
    parser.add_argument("--columns", choices=_COLUMNS, default=_COLUMNS[0], help="what the contest asks for")
    parser.add_argument(
        "--threshold",
        type=float | None,
        default=None,
        help="for labels: scores from here on are defects; chosen on validation data",
    )
    parser.add_argument(
        "--ids",
        type=str | None,
        default=None,
        help="file with the expected ids, one a line, or first in a CSV with the header id",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder whose images are expected")
    parser.add_argument("--split", choices=(*SPLIT_NAMES, "all"), default="test", help="which part of --data")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _write, argv)


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


def check_ids(found: Iterable[str], expected: Iterable[str], source: str, asked: str) -> None:
    """Refuse ids that are not exactly the expected ones.

    Raises:
        InputError: ids are missing or unknown.
    """
    have, want = set(found), set(expected)
    for ids, what in ((want - have, "missing"), (have - want, "not expected")):
        if ids:
            shown = ", ".join(sorted(ids)[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
            raise InputError(f"{source}: {len(ids)} ids {what} by {asked}: {shown}")


def submission_id(file_name: str) -> str:
    """The file name without folders and image suffix; other dots belong to the id."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    return name[: -len(PurePosixPath(name).suffix)] if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES else name


def _write(arguments: Namespace) -> int:
    source, out = arguments.predictions, Path(arguments.out)
    labels = arguments.columns.endswith(LABEL)
    if labels and (arguments.threshold is None or not math.isfinite(arguments.threshold)):
        raise InputError(f"--columns {arguments.columns}: a label needs --threshold, chosen on validation data")
    if not labels and arguments.threshold is not None:
        raise InputError(f"--threshold: {SCORE} is continuous; for labels give --columns {_COLUMNS[1]}")
    if out.suffix.lower() != ".csv":
        raise InputError(f"--out {out}: give a file that ends in .csv")
    scores = _scores(Path(source))
    expected, asked = _expected(arguments)
    if expected is not None:
        check_ids(scores, expected, source, asked)
    if not labels:
        check_scores(scores, source)
    values = {key: int(score >= arguments.threshold) if labels else repr(score) for key, score in scores.items()}
    write_text(out, "".join(f"{line}\n" for line in (arguments.columns, *(f"{k},{v}" for k, v in values.items()))))
    print(f"{out}: {len(scores)} ids, columns {arguments.columns}" + (f", checked against {asked}" if asked else ""))
    return 0


def _scores(path: Path) -> dict[str, float]:
    """Scores by id.

    Raises:
        InputError: no predictions; an id stands twice, is empty or would break the CSV file.
    """
    predictions = read_predictions(path).predictions
    if not predictions:
        raise InputError(f"{path}: no predictions")
    ids = [submission_id(prediction.file_name) for prediction in predictions]
    twice = [key for key, count in Counter(ids).items() if count > 1]
    if twice:
        names = [p.file_name for p, key in zip(predictions, ids, strict=True) if key == twice[0]]
        raise InputError(f"{path}: id {twice[0]!r} stands for several images: {', '.join(names[:_SHOWN])}")
    odd = [key for key in ids if not key or any(c in key for c in ',"\r\n\0')]
    if odd:
        raise InputError(f"{path}: {odd[0]!r} cannot be an id in a CSV file; rename the image")
    return {key: prediction.score for key, prediction in zip(ids, predictions, strict=True)}


def _expected(arguments: Namespace) -> tuple[list[str] | None, str]:
    """The ids that must be there, and what asks for them; None where nothing does."""
    if arguments.ids is not None and arguments.data is not None:
        raise InputError("give either --ids FILE or --data DATASET with --split")
    if arguments.ids is not None:
        lines = [fields[0] for _, fields in table_lines(Path(arguments.ids)) if fields]
        return lines[1:] if lines and lines[0].lower() == ID else lines, arguments.ids
    if arguments.data is None:
        return None, ""
    try:
        samples = read_dataset(Path(arguments.data)).split(arguments.split)
    except ValueError as error:
        raise InputError(f"{arguments.data}: {error}") from error
    return [submission_id(sample.path) for sample in samples], f"{arguments.data} ({arguments.split})"


if __name__ == "__main__":
    raise SystemExit(main())
