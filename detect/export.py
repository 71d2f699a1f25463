"""Write a trained detector as a bundle that predicts without torch.

python -m detect.export RUN --out BUNDLE
python -m detect.predict --run BUNDLE --images FOLDER --out predictions.jsonl
"""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from jsonargparse import Namespace

from data_tools.commands.callable_door import make_callable
from data_tools.commands.parser import Parser, run_command
from data_tools.core.printable import say_text
from detect.bundle_record import Precision


def export(
    run: Path | str,
    out: Path | str,
    precision: Precision = "fp32",
    data: Path | str | None = None,
    reference: Path | str | None = None,
) -> Path:
    """Write the best checkpoint of a finished run as a bundle; gives `out`, see `detect.exporting.export`."""
    from detect.exporting import export as write

    return write(run, out, precision, data, reference)


def build_parser() -> Parser:
    """The command line of `python -m detect.export`."""
    parser = Parser(prog="detect.export", description="Write a trained detector as ONNX graphs with their settings.")
    parser.add_argument("run", type=str, help="folder of a finished run")
    parser.add_argument("--out", type=str, required=True, help="new folder to write")
    parser.add_argument("--data", type=str | None, default=None, help="folder that the run's data have moved to")
    parser.add_argument(
        "--reference",
        type=str | None,
        default=None,
        metavar="FOLDER",
        help="with --precision int8: folder that the run's templates have moved to",
    )
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="fp32",
        help="int8: backbone and pyramid compute in int8, calibrated on the validation images of the run's data, on "
        "which AP is measured and the bundle's thresholds are chosen anew",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    made = export(Path(arguments.run), Path(arguments.out), arguments.precision, arguments.data, arguments.reference)
    say_text(made)
    return 0


make_callable(__name__, export)

if __name__ == "__main__":
    raise SystemExit(main())
