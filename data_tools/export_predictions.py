"""A PredictionSet -> files for other tools.

python -m data_tools.export_predictions predictions.jsonl --out results.json     # boxes as COCO results
python -m data_tools.export_predictions predictions.jsonl --out images.csv       # id,file_name,score,x,y
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.files.predictions import read_predictions
from data_tools.interop import coco_results, tables

_BY_SUFFIX = {".json": "coco", ".csv": "csv"}


def build_parser() -> Parser:
    """The command line of `python -m data_tools.export_predictions`."""
    parser = Parser(prog="data_tools.export_predictions", description="A PredictionSet -> COCO results or CSV.")
    parser.add_argument("predictions", type=str, help="PredictionSet (.jsonl)")
    parser.add_argument("--out", type=str, required=True, help="file to write, .json or .csv")
    parser.add_argument(
        "--format", choices=("auto", "coco", "csv"), default="auto", help="by default as the suffix says"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    out = Path(arguments.out)
    chosen = _BY_SUFFIX.get(out.suffix.lower()) if arguments.format == "auto" else arguments.format
    if chosen is None:
        raise InputError(f"{out}: ends neither in .json nor in .csv; say what to write with --format coco|csv")
    write = coco_results.write if chosen == "coco" else tables.write_table
    count = write(out, read_predictions(Path(arguments.predictions)))
    print(f"{out}: {count} {'boxes' if chosen == 'coco' else 'images'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
