"""The rows of a study: what each cell reaches on the test images, with the original's numbers beside."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classify.study_grid import Cell
from data_tools.evaluate import align
from data_tools.metrics.auc import auc_with_ci
from data_tools.metrics.fpr_at_tpr import fpr_at_tpr, threshold_at_tpr
from data_tools.metrics.peak_distance import Point, peak_distances, summarise
from data_tools.predictions import read_predictions
from data_tools.records import BOXED, Dataset, Prediction, Sample

OPERATING_TPR = 0.98
TPRS = (0.98, 0.997)
CONSTANT = "always good"
_HEAD = (
    "cell", "AUC (95 % CI)", "original AUC", "precision", "recall", "FPR@.98", "FPR@.997", "peak distance px",
    "hit rate", "minutes",
)  # fmt: skip


def measure(dataset: Dataset, folder: Path) -> dict[str, Any]:
    """The measures of a finished run on the test images; its threshold is that of `OPERATING_TPR` on validation.

    Raises:
        InputError: predictions that are missing or do not fit the dataset.
    """
    found = {}
    for split in ("val", "test"):
        path = folder / "predictions" / f"{split}.jsonl"
        found[split] = align(dataset.split(split), read_predictions(path), str(path))
    validation = dataset.split("val")
    threshold = threshold_at_tpr([p.score for p in found["val"]], [s.is_defect for s in validation], OPERATING_TPR)
    return _measures(dataset.split("test"), found["test"], threshold)


def constant_row(dataset: Dataset) -> dict[str, Any]:
    """What saying "good" of every test image reaches: no image is flagged, and there is no peak."""
    samples = dataset.split("test")
    return _summary(samples, np.zeros(len(samples)), np.zeros(len(samples), dtype=bool), [None] * len(samples))


def _measures(samples: Sequence[Sample], predictions: Sequence[Prediction], threshold: float) -> dict[str, Any]:
    scores = np.array([prediction.score for prediction in predictions])
    return _summary(samples, scores, scores >= threshold, [p.peak_xy for p in predictions]) | {"threshold": threshold}


def _summary(
    samples: Sequence[Sample], scores: np.ndarray, flagged: np.ndarray, peaks: Sequence[Point | None]
) -> dict[str, Any]:
    """Keys as in the evaluator's report; undefined values are None."""
    positive = np.array([sample.is_defect for sample in samples], dtype=bool)
    auc = auc_with_ci(scores, positive)
    points = {str(tpr): fpr_at_tpr(scores, positive, tpr) for tpr in TPRS}
    boxed = [(sample, peak) for sample, peak in zip(samples, peaks, strict=True) if sample.status == BOXED]
    hits = int((flagged & positive).sum())
    return {
        "auc": None if auc is None else {"value": auc.value, "ci95": list(auc.ci95)},
        "precision": hits / int(flagged.sum()) if flagged.any() else None,
        "recall": hits / int(positive.sum()) if positive.any() else None,
        "fpr_at_tpr": {tpr: None if point is None else point.fpr for tpr, point in points.items()},
        "peak_distance": summarise(peak_distances([s for s, _ in boxed], [peak for _, peak in boxed])),
        "n": len(samples),
    }


def to_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """One table of all rows; a cell without a result shows its state instead."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for row in rows:
        shown = _shown(row) if row["state"] == "done" else [row["state"], _original(row), *["-"] * 7]
        lines.append("| " + " | ".join([row["name"], *shown]) + " |")
    return "\n".join(lines)


def row_of(cell: Cell, state: str, measures: dict[str, Any], minutes: float | None) -> dict[str, Any]:
    """A row from a cell's state ("done", "not run yet", or why there is no result) and its measures."""
    original = None if cell.original is None else {"auc": cell.original.auc, "note": cell.original.note}
    return {
        "name": cell.name,
        "levels": cell.levels,
        "state": state,
        "original": original,
        "minutes": minutes,
    } | measures


def _shown(row: dict[str, Any]) -> list[str]:
    auc, peak = row["auc"], row["peak_distance"]
    interval = "n/a" if auc is None else f"{auc['value']:.3f} ({auc['ci95'][0]:.3f}-{auc['ci95'][1]:.3f})"
    numbers = [(row["precision"], 3), (row["recall"], 3), *((row["fpr_at_tpr"][str(tpr)], 3) for tpr in TPRS)]
    numbers += [(peak["mean_px"], 1), (peak["hit_rate"], 3), (row["minutes"], 1)]
    return [interval, _original(row), *("n/a" if v is None else f"{v:.{digits}f}" for v, digits in numbers)]


def _original(row: dict[str, Any]) -> str:
    original = row.get("original")
    if original is None:
        return "-"
    return f"{original['auc']:.3f}" + (f" ({original['note']})" if original["note"] else "")
