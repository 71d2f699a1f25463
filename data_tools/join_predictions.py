"""One PredictionSet from those of several detectors, such as runs that differ in their seed: an ensemble.

python -m data_tools.join_predictions RUN/predictions/test.jsonl RUN/predictions/test.jsonl --out joined.jsonl
python -m detect.evaluate --predictions joined.jsonl RUN/predictions/test.jsonl --data DATASET

Boxes are joined by `data_tools.core.box_fusion`, the peak is the centre of the best joint box, and an image's score the
probability at the mean of the detectors' logits.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.box_fusion import fuse_boxes
from data_tools.core.errors import InputError
from data_tools.core.geometry import best_centre
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files.predictions import read_predictions, write_predictions

log = logging.getLogger(__name__)

_LEAST = 1e-6  # probabilities closer to 0 or 1 count as that close
_SHOWN = 5


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
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _join, argv)


def join_predictions(of_detectors: Sequence[Prediction], overlap: float) -> Prediction:
    """One answer from several detectors' predictions of one image; their heat maps are left out.

    Args:
        of_detectors: with image scores and box scores in 0..1.
        overlap: see `data_tools.core.box_fusion.fuse_boxes`.
    """
    first = of_detectors[0]
    boxes, scores, labels = fuse_boxes([(p.boxes_xyxy, p.box_scores, p.box_labels) for p in of_detectors], overlap)
    height, width = first.size_hw
    boxes = np.clip(boxes, 0.0, [width, height, width, height])  # a mean may round past the border
    return replace(
        first,
        score=_mean_probability([p.score for p in of_detectors]),
        boxes_xyxy=boxes,
        box_scores=scores,
        box_labels=labels,
        peak_xy=best_centre(boxes, scores),
        heatmap=None,
    )


def _join(arguments: Namespace) -> int:
    if len(arguments.predictions) < 2:
        raise InputError("give two or more PredictionSets to join")
    if not 0.0 < arguments.overlap < 1.0:
        raise InputError(f"--overlap must be between 0 and 1, not {arguments.overlap}")
    paths = [Path(path) for path in arguments.predictions]
    sets = [read_predictions(path) for path in paths]
    for path, one in zip(paths, sets, strict=True):
        _require_detections(path, one)
        _require_same_images(paths[0], sets[0], path, one)
    by_id = [{p.image_id: p for p in one.predictions} for one in sets]
    rows = [[predictions[p.image_id] for predictions in by_id] for p in sets[0].predictions]
    joined = tuple(join_predictions(row, arguments.overlap) for row in rows)
    producers = [one.header.producer for one in sets]
    header = PredictionHeader(
        arguments.producer or "joined: " + ", ".join(producers),
        {
            "joined": [{"producer": one.header.producer, "config": one.header.config} for one in sets],
            "overlap": arguments.overlap,
        },
        None,
        sets[0].header.split,
    )
    out = Path(arguments.out)
    write_predictions(out, PredictionSet(header, joined))
    before, after = sum(len(p.box_scores) for row in rows for p in row), sum(len(p.box_scores) for p in joined)
    log.info("%d boxes of %d detectors joined to %d, on %d images", before, len(sets), after, len(joined))
    maps = sum(p.heatmap is not None for row in rows for p in row)
    if maps:
        log.info("  %d heat maps left out: they are not joined", maps)
    print(out)
    return 0


def _require_detections(path: Path, found: PredictionSet) -> None:
    for p in found.predictions:
        if not (0.0 <= p.score <= 1.0 and ((p.box_scores >= 0.0) & (p.box_scores <= 1.0)).all()):
            raise InputError(f"{path}: image {p.image_id}: a score is not in 0..1, so it cannot be joined")
        if p.peak_xy is not None and not len(p.box_scores):
            raise InputError(f"{path}: image {p.image_id} has a peak but no box; only detections can be joined")


def _require_same_images(first_path: Path, first: PredictionSet, path: Path, other: PredictionSet) -> None:
    if first.header.split != other.header.split:
        raise InputError(f"{path}: of the split {other.header.split!r}, but {first_path} of {first.header.split!r}")
    sizes, others = ({p.image_id: p.size_hw for p in one.predictions} for one in (first, other))
    only = sorted(sizes.keys() ^ others.keys())
    if only:
        raise InputError(
            f"{path}: other images than in {first_path}: {len(only)} are in one alone, such as "
            f"{', '.join(map(str, only[:_SHOWN]))}"
        )
    differ = sorted(i for i, size in sizes.items() if others[i] != size)
    if differ:
        raise InputError(f"{path}: image {differ[0]} has another size than in {first_path}")


def _mean_probability(probabilities: Sequence[float]) -> float:
    bounded = [min(max(p, _LEAST), 1.0 - _LEAST) for p in probabilities]
    logit = sum(math.log(p / (1.0 - p)) for p in bounded) / len(bounded)
    return 1.0 / (1.0 + math.exp(-logit))


if __name__ == "__main__":
    raise SystemExit(main())
