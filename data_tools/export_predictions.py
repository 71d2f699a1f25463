"""A PredictionSet -> files for other tools.

python -m data_tools.export_predictions predictions.jsonl --out results.json     # boxes as COCO results
python -m data_tools.export_predictions predictions.jsonl --out images.csv       # id,file_name,score,x,y

Boxes to be corrected by a reviewer, as pre-annotations of Label Studio or CVAT:

python -m data_tools.export_predictions predictions.jsonl --data DATA --format cvat --out predicted.xml
python -m data_tools.export_predictions predictions.jsonl --data DATA --format labelstudio --min_score 0.3 --out t.json
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.agreement import require_of_dataset, without_prediction
from data_tools.core.errors import InputError
from data_tools.core.printable import first_of, say, say_text
from data_tools.core.records import SPLIT_NAMES, Dataset, PredictionSet
from data_tools.files.dataset_folder import files_of, read_dataset
from data_tools.files.places import require_place
from data_tools.files.predictions import maps_path, read_predictions
from data_tools.interop import coco_results, preannotations, tables

_BY_SUFFIX = {".json": "coco", ".csv": "csv", ".xml": "cvat"}
_WRITERS = {"coco": (coco_results.write, "boxes"), "csv": (tables.write_table, "images")}


def build_parser() -> Parser:
    """The command line of `python -m data_tools.export_predictions`."""
    parser = Parser(prog="data_tools.export_predictions", description="A PredictionSet -> files of other tools.")
    parser.add_argument("predictions", type=str, help="PredictionSet (.jsonl)")
    parser.add_argument("--out", type=str, required=True, help="file to write, .json, .csv or .xml")
    parser.add_argument(
        "--format",
        choices=("auto", *_WRITERS, *preannotations.TOOLS),
        default="auto",
        help="by default as the suffix says: COCO results, CSV, or pre-annotations for CVAT",
    )
    parser.add_argument(
        "--data",
        type=str | None,
        default=None,
        help="dataset folder of the images, which labelstudio and cvat need; ids, names and sizes must agree",
    )
    parser.add_argument(
        "--min_score",
        type=float | None,
        default=None,
        help=f"labelstudio, cvat: boxes with a lower score are left out; {preannotations.MIN_SCORE} by default",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _export, argv)


def _export(arguments: Namespace) -> int:
    out, source = Path(arguments.out), Path(arguments.predictions)
    chosen = _BY_SUFFIX.get(out.suffix.lower()) if arguments.format == "auto" else arguments.format
    if chosen is None:
        raise InputError(f"{out}: ends in none of {', '.join(_BY_SUFFIX)}; say what to write with --format")
    if chosen in _WRITERS and arguments.min_score is not None:
        raise InputError(f"--min_score belongs to {' and '.join(preannotations.TOOLS)}, not to {chosen}")
    if chosen in preannotations.TOOLS and arguments.data is None:
        raise InputError(f"--format {chosen}: give the dataset folder of the images with --data")
    data = None if arguments.data is None else Path(arguments.data)
    require_place(out, [source, maps_path(source), *(() if data is None else files_of(data))])
    predictions = read_predictions(source)
    dataset = None if data is None else read_dataset(data)
    if dataset is not None:
        require_of_dataset(predictions, dataset.samples, len(dataset.categories), str(source))
        _tell_missing(predictions, dataset, source)
    if chosen in _WRITERS:
        write, what = _WRITERS[chosen]
        say(f"{out}: {write(out, predictions)} {what}")
        return 0
    assert dataset is not None
    least = preannotations.MIN_SCORE if arguments.min_score is None else arguments.min_score
    say_text(preannotations.write(out, predictions, dataset, chosen, least))
    return 0


def _tell_missing(predictions: PredictionSet, dataset: Dataset, source: Path) -> None:
    """On stderr, which images of the split that the predictions name have none; what is written is silent of them."""
    split = predictions.header.split
    if split != "all" and (split not in SPLIT_NAMES or dataset.splits is None):
        return
    missing = without_prediction(predictions, dataset.split(split))
    if missing:
        say(
            f"WARNING: {source}: {len(missing)} images of the split {split} have no prediction (ids "
            f"{first_of(missing)})",
            to=sys.stderr,
        )


if __name__ == "__main__":
    raise SystemExit(main())
