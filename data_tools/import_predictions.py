"""Predictions of any other tool -> a PredictionSet, so that `detect.evaluate` can judge it beside ours.

python -m data_tools.import_predictions results.json --data DATASET --split test --out theirs.jsonl   # COCO results
python -m data_tools.import_predictions MAPS --data DATASET --split test --out saliency.jsonl         # .npy or .png
python -m data_tools.import_predictions points.csv --data DATASET --split test --out points.jsonl     # id,x,y[,score]

An image's score is that of its best box, the maximum of its map, or that of its point (1 without one); --scores gives
others. An image of which the source says nothing has no box and no peak, and scores below all others.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, PredictionHeader, PredictionSet, Sample
from data_tools.files.dataset_folder import read_dataset, split_of
from data_tools.files.predictions import write_predictions
from data_tools.interop import coco_results, saliency_maps, tables
from data_tools.interop.foreign import Foreign, to_predictions

log = logging.getLogger(__name__)

FORMATS = ("coco", "maps", "points")
_SHOWN = 5


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
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _import, argv)


def _import(arguments: Namespace) -> int:
    source, data = Path(arguments.source), Path(arguments.data)
    dataset = read_dataset(data)
    samples = split_of(dataset, data, arguments.split)
    chosen = arguments.format if arguments.format != "auto" else _guess(source)
    foreign = _read(source, chosen, dataset, samples)
    scores = None if arguments.scores is None else tables.read_scores(Path(arguments.scores), samples, dataset.samples)
    ids = {sample.image_id for sample in samples}
    own = {number: finding for number, finding in foreign.findings.items() if number in ids}
    silent = [sample.path for sample in samples if sample.image_id not in own]
    if not own:
        raise InputError(f"{source}: says nothing of any image of the {arguments.split} split")
    if silent and arguments.missing == "error":
        raise InputError(f"{source}: says nothing of {len(silent)} images, such as {', '.join(silent[:_SHOWN])}")
    header = PredictionHeader(arguments.producer or source.name, {"imported": chosen}, None, arguments.split)
    out = Path(arguments.out)
    write_predictions(out, PredictionSet(header, to_predictions(samples, own, scores)))
    log.info("%s read as %s: %d of %d images of the split", source, chosen, len(own), len(samples))
    if silent:
        log.info("  nothing said of %d images, such as %s", len(silent), ", ".join(silent[:_SHOWN]))
    if len(foreign.findings) > len(own):
        log.info("  %d images of other splits left out", len(foreign.findings) - len(own))
    for note in foreign.notes:
        log.info("  %s", note)
    print(out)
    return 0


def _guess(source: Path) -> str:
    if source.is_dir():
        return "maps"
    if not source.exists():
        raise InputError(f"{source}: no such file or folder")
    by_suffix = {".json": "coco", ".csv": "points"}
    if source.suffix.lower() not in by_suffix:
        raise InputError(
            f"{source}: neither a folder, .json nor .csv; say what it is with --format {'|'.join(FORMATS)}"
        )
    return by_suffix[source.suffix.lower()]


def _read(source: Path, chosen: str, dataset: Dataset, samples: Sequence[Sample]) -> Foreign:
    if chosen == "coco":
        return coco_results.read(source, dataset.samples, len(dataset.categories))
    if chosen == "points":
        return tables.read_points(source, dataset.samples)
    if not source.is_dir():
        raise InputError(f"{source}: maps come as a folder")
    return saliency_maps.read(source, samples)


if __name__ == "__main__":
    raise SystemExit(main())
