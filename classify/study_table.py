"""The rows of a study: what each cell reaches on the test images, with the original's numbers beside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.study_grid import Cell
from data_tools.core.records import (
    Dataset,
    Prediction,
    PredictionHeader,
    PredictionSet,
    Sample,
    empty_boxes,
    empty_labels,
)
from data_tools.files.csv_tables import csv_text
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import DONE
from data_tools.judging import image_level, pointing
from data_tools.judging.baselines import WITH_INTERVALS, baselines
from data_tools.judging.judged import OPERATING_TPR, Entry, Judged, judge
from data_tools.judging.metric import Metric, look_up
from data_tools.judging.resampling import Sampled, resample, resample_distances
from data_tools.metrics.average_precision import precision_at
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.metrics.peak_distance import summarise
from data_tools.report.cells import with_interval
from data_tools.report.markdown import pipes

TPRS = ("0.98", "0.997")
CONSTANT = "always good"
LOCALIZERS = {"centre": "image centre", "mean_position": "mean training position"}
_HEAD = (
    "cell",
    "weights",
    "AUC (95 % CI)",
    "original AUC",
    "precision",
    "recall",
    "FPR@.98",
    "FPR@.997",
    "peak distance px (95 % CI)",
    "hit rate (95 % CI)",
    "minutes (epochs)",
)
_SOURCES = {"package": "ImageNet, installed", "timm": "ImageNet, timm hub", "none": "random"}
_FEW_GROUPS = 10


def measure(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """The measures of a finished run on the test images; its threshold is that of `OPERATING_TPR` on validation.

    Raises:
        InputError: predictions that are missing or do not fit the dataset.
    """
    test, val = (read_predictions(folder / "predictions" / f"{split}.jsonl") for split in ("test", "val"))
    return _measures(dataset, Entry(folder.name, test, val), RESAMPLES)


def constant_row(dataset: Dataset) -> dict[str, Any]:
    """What saying "good" of every image reaches: no image is flagged, and there is no peak.

    Its AUC is one half whatever the images, so it has no interval.
    """
    test, val = (_silent(dataset.split(split)) for split in ("test", "val"))
    row = _measures(dataset, Entry(CONSTANT, test, val), 1)
    judged = row["auc"]
    positives = any(sample.is_defect for sample in dataset.split("test"))
    return row | {
        "auc": None if judged is None else judged | {"ci95": None},
        "precision": None,
        "recall": 0.0 if positives else None,
        "threshold": None,
    }


def localizer_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """What points without a model reach on the boxed test images."""
    boxed, distances = baselines(dataset.split("test"), dataset.split("train"), 0)
    sampled = resample_distances(distances, [sample.group for sample in boxed], 0, RESAMPLES)
    undefined = {"auc": None, "precision": None, "recall": None, "threshold": None, "fpr_at_tpr": dict.fromkeys(TPRS)}
    return [
        {"name": name, "state": DONE, "minutes": None, "localizer": True}
        | undefined
        | {"peak_distance": summarise(distances[key]) | _intervals(sampled[key])}
        for key, name in LOCALIZERS.items()
    ]


def row_of(
    cell: Cell, state: str, measures: Mapping[str, Any], manifest: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A row from a cell's state ("done", "not run yet", or why there is no result), its measures and its manifest."""
    original = None if cell.original is None else {"auc": cell.original.auc, "note": cell.original.note}
    result = (manifest or {}).get("result", {})
    return {
        "name": cell.name,
        "levels": cell.levels,
        "state": state,
        "weights": (manifest or {}).get("weights"),
        "original": original,
        "minutes": result.get("training_minutes"),
        "epochs": result.get("epochs"),
        "best_epoch": result.get("best_epoch"),
    } | dict(measures)


def to_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """One table of all rows; a cell without a result shows its state instead."""
    shown = (_shown(row) if row["state"] == DONE else ["-", row["state"], _original(row), *["-"] * 7] for row in rows)
    return pipes([_HEAD, *([row["name"], *cells] for row, cells in zip(rows, shown, strict=True))])


def caption(dataset: Dataset, rows: Sequence[dict[str, Any]]) -> str:
    """What a reader must know beside the table, and each cell that has no result with the reason."""
    test = dataset.split("test")
    defects, groups = sum(sample.is_defect for sample in test), len({sample.group for sample in test})
    text = (
        f"Test: {len(test) - defects} good and {defects} defect images of {groups} groups. Intervals "
        f"are by group. Precision and recall: at the score "
        f"that catches {100 * OPERATING_TPR:.0f} % of the defects of validation. Peak distance: mean over the images "
        "with a peak; one without is a miss in the hit rate. Original AUC: on that study's own data, for orientation."
    )
    if groups < _FEW_GROUPS:
        text += f" So few groups ({groups}) make the intervals wide."
    missing: dict[str, list[str]] = {}
    for row in rows:
        if row["state"] != DONE:
            missing.setdefault(row["state"], []).append(row["name"])
    lines = [text] + [f"Without a result, {state}: {', '.join(names)}." for state, names in missing.items()]
    return "\n\n".join(lines)


def to_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The rows with their measures as plain numbers; undefined ones are empty."""
    axes = list(dict.fromkeys(axis for row in rows for axis in row.get("levels", {})))
    paths = {"name": _CSV["name"], **{axis: ("levels", axis) for axis in axes}, **_CSV}
    return csv_text([list(paths), *([look_up(row, path) for path in paths.values()] for row in rows)])


_CSV: dict[str, tuple[str | int, ...]] = {
    "name": ("name",),
    "state": ("state",),
    "weights_from": ("weights", "description"),
    "auc": ("auc", "value"),
    "auc_low": ("auc", "ci95", 0),
    "auc_high": ("auc", "ci95", 1),
    "original_auc": ("original", "auc"),
    "precision": ("precision",),
    "recall": ("recall",),
    "threshold": ("threshold",),
    "fpr_at_tpr_0.98": ("fpr_at_tpr", "0.98"),
    "fpr_at_tpr_0.997": ("fpr_at_tpr", "0.997"),
    "peak_distance_px": ("peak_distance", "mean_px"),
    "peak_distance_px_low": ("peak_distance", "mean_px_ci95", 0),
    "peak_distance_px_high": ("peak_distance", "mean_px_ci95", 1),
    "coverage": ("peak_distance", "coverage"),
    "hit_rate": ("peak_distance", "hit_rate"),
    "hit_rate_low": ("peak_distance", "hit_rate_ci95", 0),
    "hit_rate_high": ("peak_distance", "hit_rate_ci95", 1),
    "minutes": ("minutes",),
    "epochs": ("epochs",),
    "best_epoch": ("best_epoch",),
}


def _measures(dataset: Dataset, entry: Entry, resamples: int) -> dict[str, Any]:
    """Keys as in the evaluator's report; undefined values are None."""
    splits = [dataset.split(split) for split in ("test", "val", "train")]
    judged = judge(splits[0], splits[1], splits[2], entry, dataset.categories, 0, PYCOCOTOOLS)
    sections = image_level.METRIC.sections(judged)
    images, boxed = (_sampled(metric, judged, resamples) for metric in (image_level.METRIC, pointing.METRIC))
    auc = sections["auc"]
    return {
        "auc": auc and auc | {"ci95": images["auc"].ci95},
        **_operating_point(judged),
        "fpr_at_tpr": {tpr: look_up(sections, ("fpr_at_tpr", tpr, "fpr")) for tpr in TPRS},
        "peak_distance": summarise(judged.distances) | _intervals(boxed),
        "n": len(judged.samples),
    }


def _sampled(metric: Metric, judged: Judged, resamples: int) -> Mapping[str, Sampled]:
    """Every resampled statistic of a metric, by its name."""
    if metric.sampling is None:
        return {}
    return resample(metric.sampling, {"run": judged}, 0, resamples)["run"]


def _operating_point(judged: Judged) -> dict[str, Any]:
    """Precision and recall at the threshold from validation; None where it or they are undefined."""
    if judged.threshold is None:
        return {"precision": None, "recall": None, "threshold": None}
    flagged = judged.scores >= judged.threshold
    hits = int((flagged & judged.positive).sum())
    return {
        "precision": precision_at(judged.scores, judged.positive, judged.threshold),
        "recall": hits / int(judged.positive.sum()) if judged.positive.any() else None,
        "threshold": judged.threshold,
    }


def _intervals(sampled: Mapping[str, Sampled]) -> dict[str, Any]:
    return {f"{name}_ci95": sampled[name].ci95 if name in sampled else None for name in WITH_INTERVALS}


def _silent(samples: Sequence[Sample]) -> PredictionSet:
    silent = tuple(
        Prediction(s.image_id, s.path, s.size_hw, 0.0, empty_boxes(), np.zeros(0), empty_labels(), None, None)
        for s in samples
    )
    return PredictionSet(PredictionHeader(CONSTANT), silent)


def _shown(row: dict[str, Any]) -> list[str]:
    auc, peak = row["auc"], row["peak_distance"]
    image_level_value = "-" if row.get("localizer") else "n/a"
    numbers = [row["precision"], row["recall"], *(row["fpr_at_tpr"][tpr] for tpr in TPRS)]
    minutes, epochs = row.get("minutes"), row.get("epochs")
    return [
        _weights(row),
        image_level_value if auc is None else with_interval(auc["value"], auc["ci95"], 3),
        _original(row),
        *(image_level_value if value is None else f"{value:.3f}" for value in numbers),
        with_interval(peak["mean_px"], peak["mean_px_ci95"], 1),
        with_interval(peak["hit_rate"], peak["hit_rate_ci95"], 3),
        "-" if minutes is None else f"{minutes:.1f}" + ("" if epochs is None else f" ({epochs})"),
    ]


def _weights(row: dict[str, Any]) -> str:
    """Where a cell's weights came from, in a word or two."""
    source = (row.get("weights") or {}).get("source")
    return "-" if source is None else _SOURCES.get(source, Path(source).name)


def _original(row: dict[str, Any]) -> str:
    original = row.get("original")
    if original is None:
        return "-"
    return f"{original['auc']:.3f}" + (f" ({original['note']})" if original["note"] else "")
