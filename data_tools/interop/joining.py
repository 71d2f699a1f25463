"""Several detectors' predictions of the same images as one."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data_tools.core.agreement import require_of_dataset, require_same_names
from data_tools.core.box_fusion import fuse_boxes
from data_tools.core.errors import InputError
from data_tools.core.geometry import best_centre
from data_tools.core.heatmaps import are_cut_from_maps
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet
from data_tools.files.dataset_folder import files_of, read_dataset
from data_tools.files.predictions import read_predictions, require_predictions_place, write_predictions

_LEAST = 1e-6  # probabilities closer to 0 or 1 count as that close


_SHOWN = 5


def join_files(
    paths: Sequence[Path], out: Path, overlap: float = 0.5, producer: str | None = None, data: Path | None = None
) -> str:
    """Join PredictionSets of the same images into one; what was joined, for people.

    Args:
        paths: two or more PredictionSets (.jsonl) of one split.
        out: PredictionSet to write.
        overlap: intersection over union, in 0..1, above which two boxes are one.
        producer: for the header; by default those of the detectors.
        data: dataset folder, of whose images they must be; None where nobody looks.

    Raises:
        InputError: sets of different images or names, or of others than the dataset's, scores out of 0..1, peaks
            without boxes, or a place where nothing can be written.
    """
    if len(paths) < 2:
        raise InputError("give two or more PredictionSets to join")
    if not 0.0 < overlap < 1.0:
        raise InputError(f"--overlap must be between 0 and 1, not {overlap}")
    require_predictions_place(out, [*paths, *(() if data is None else files_of(data))])
    sets = [read_predictions(path) for path in paths]
    dataset = None if data is None else read_dataset(data)
    for path, one in zip(paths, sets, strict=True):
        _require_detections(path, one)
        _require_same_images(paths[0], sets[0], path, one)
        if dataset is not None:
            require_of_dataset(one, dataset.samples, len(dataset.categories), str(path))
    of_types = (dataset is not None and len(dataset.categories) > 1) or any(
        (p.box_labels > 1).any() for one in sets for p in one.predictions
    )
    for path, one in zip(paths, sets, strict=True):
        if of_types and are_cut_from_maps(one.predictions):
            raise InputError(f"{path}: its boxes are cut out of maps and name no type, so they join no boxes of types")
    by_id = [{p.image_id: p for p in one.predictions} for one in sets]
    rows = [[predictions[p.image_id] for predictions in by_id] for p in sets[0].predictions]
    joined = tuple(join_predictions(row, overlap) for row in rows)
    producers = [one.header.producer for one in sets]
    header = PredictionHeader(
        producer or "joined: " + ", ".join(producers),
        {
            "joined": [{"producer": one.header.producer, "config": one.header.config} for one in sets],
            "overlap": overlap,
        },
        None,
        sets[0].header.split,
    )
    write_predictions(out, PredictionSet(header, joined))
    before, after = sum(len(p.box_scores) for row in rows for p in row), sum(len(p.box_scores) for p in joined)
    lines = [f"{before} boxes of {len(sets)} detectors joined to {after}, on {len(joined)} images"]
    maps = sum(p.heatmap is not None for row in rows for p in row)
    if maps:
        lines.append(f"  {maps} heat maps left out: they are not joined")
    return "\n".join(lines)


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


def _require_detections(path: Path, prediction_set: PredictionSet) -> None:
    for p in prediction_set.predictions:
        if not (0.0 <= p.score <= 1.0 and ((p.box_scores >= 0.0) & (p.box_scores <= 1.0)).all()):
            raise InputError(f"{path}: image {p.image_id}: a score is not in 0..1, so it cannot be joined")
        if p.peak_xy is not None and not len(p.box_scores):
            raise InputError(f"{path}: image {p.image_id} has a peak but no box; only detections can be joined")


def _require_same_images(first_path: Path, first: PredictionSet, path: Path, other: PredictionSet) -> None:
    if first.header.split != other.header.split:
        raise InputError(f"{path}: of the split {other.header.split!r}, but {first_path} of {first.header.split!r}")
    names = {p.image_id: p.file_name for p in first.predictions}
    require_same_names(((p.image_id, p.file_name) for p in other.predictions), names, str(path), str(first_path))
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
