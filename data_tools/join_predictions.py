"""One PredictionSet from those of several detectors, such as runs that differ in their seed: an ensemble.

python -m data_tools.join_predictions RUN/predictions/test.jsonl RUN/predictions/test.jsonl --out joined.jsonl
python -m detect.evaluate --predictions joined.jsonl RUN/predictions/test.jsonl --data DATASET

Boxes are joined by `data_tools.core.box_fusion`, the peak is the centre of the best joint box, and an image's score the
probability at the mean of the detectors' logits.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.printable import say
from data_tools.interop.joining import join_files

log = logging.getLogger(__name__)


def build_parser() -> Parser:
    """The command line of `python -m data_tools.join_predictions`."""
    parser = Parser(prog="data_tools.join_predictions", description="Predictions of several detectors -> one answer.")
    parser.add_argument("predictions", type=str, nargs="+", help="two or more PredictionSets (.jsonl) of one split")
    parser.add_argument("--out", type=str, required=True, help="PredictionSet to write (.jsonl)")
    parser.add_argument(
        "--overlap", type=float, default=0.5, help="intersection over union, in 0..1, above which two boxes are one"
    )
    parser.add_argument(
        "--producer", type=str | None, default=None, help="name for the header; by default those of the detectors"
    )
    parser.add_argument(
        "--data", type=str | None, default=None, help="dataset folder of the images; ids, names and sizes must agree"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _join, argv)


def _join(arguments: Namespace) -> int:
    paths, out = [Path(path) for path in arguments.predictions], Path(arguments.out)
    data = None if arguments.data is None else Path(arguments.data)
    log.info(join_files(paths, out, arguments.overlap, arguments.producer, data))
    say(out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
