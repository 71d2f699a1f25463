"""Predictions of any other tool -> a PredictionSet, so that `detect.evaluate` can judge it beside ours.

python -m data_tools.import_predictions results.json --data DATASET --split test --out theirs.jsonl   # COCO results
python -m data_tools.import_predictions MAPS --data DATASET --split test --out saliency.jsonl         # maps
python -m data_tools.import_predictions points.csv --data DATASET --split test --out points.jsonl     # id,x,y[,score]

An image's score is that of its best box, the maximum of its map, or that of its point (1 in a table without scores);
--scores gives others. An image of which the source says nothing has no box and no peak, and scores below all others.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.printable import say
from data_tools.interop.importing import FORMATS, import_predictions
from data_tools.interop.naming import AUTO, READINGS

log = logging.getLogger(__name__)


def build_parser() -> Parser:
    """The command line of `python -m data_tools.import_predictions`."""
    parser = Parser(prog="data_tools.import_predictions", description="Predictions of other tools -> a PredictionSet.")
    parser.add_argument("source", type=str, help="COCO results (.json), a folder of maps, or points (.csv)")
    parser.add_argument("--data", type=str, required=True, help="dataset folder, which names the images")
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--out", type=str, required=True, help="PredictionSet to write (.jsonl)")
    parser.add_argument("--format", choices=("auto", *FORMATS), default="auto")
    parser.add_argument(
        "--producer", type=str | None, default=None, help="name for the header; by default the source's"
    )
    parser.add_argument("--scores", type=str | None, default=None, help="CSV id,score with the score of every image")
    parser.add_argument(
        "--missing",
        choices=("abstain", "error"),
        default="abstain",
        help="what to do if the source says nothing of an image",
    )
    parser.add_argument(
        "--ids",
        choices=READINGS,
        default=AUTO,
        help="what a whole number calls an image by: its id in the dataset, or the number in its file name (3 for "
        "0003.png); auto takes the one that fits all, and refuses numbers that fit both and differ",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _import, argv)


def _import(arguments: Namespace) -> int:
    scores = None if arguments.scores is None else Path(arguments.scores)
    lines = import_predictions(
        Path(arguments.source),
        Path(arguments.data),
        Path(arguments.out),
        arguments.split,
        arguments.format,
        arguments.producer,
        scores,
        arguments.missing == "error",
        arguments.ids,
    )
    for line in lines:
        log.info(line)
    say(arguments.out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
