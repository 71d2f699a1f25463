"""A PredictionSet -> the CSV file of a contest, validated.

python -m data_tools.submission --predictions runs/mine/predictions/test.jsonl --out submission.csv
python -m data_tools.submission --predictions FILE --out CSV --data DATASET --split test
python -m data_tools.submission --predictions FILE --out CSV --columns id,label --threshold 0.31

The id is the image's file name without folder and extension. Scores are written as they are: continuous, and higher
means more defective. A label is 1 (defective) where the score reaches a threshold that you name; take it from
validation data.
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import SPLIT_NAMES
from data_tools.interop.submission import ID, LABEL, SCORE, Expected, write_submission

_COLUMNS = (f"{ID},{SCORE}", f"{ID},{LABEL}")


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
    parser.add_argument(
        "--split", choices=(*SPLIT_NAMES, "all"), default=None, help="which part of --data; test by default"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _write, argv)


def _write(arguments: Namespace) -> int:
    if arguments.ids is not None and arguments.data is not None:
        raise InputError("give either --ids FILE or --data DATASET with --split")
    if arguments.split is not None and arguments.data is None:
        raise InputError(f"--split {arguments.split}: is a part of --data DATASET; give that with it")
    expected = None
    if arguments.ids is not None:
        expected = Expected.in_file(Path(arguments.ids))
    elif arguments.data is not None:
        expected = Expected.in_dataset(Path(arguments.data), arguments.split or "test")
    labels = arguments.columns.endswith(LABEL)
    if labels and arguments.threshold is None:
        raise InputError(f"--columns {arguments.columns}: a label needs --threshold, chosen on validation data")
    if not labels and arguments.threshold is not None:
        raise InputError(f"--threshold: {SCORE} is continuous; for labels give --columns {_COLUMNS[1]}")
    threshold = arguments.threshold if labels else None
    count = write_submission(Path(arguments.predictions), Path(arguments.out), threshold, expected)
    checked = "" if expected is None else f", checked against {expected.asked_by}"
    say(f"{arguments.out}: {count} ids, columns {arguments.columns}{checked}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
