"""Predictions and truth -> the report. It never asks who made a prediction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.records import STATUSES, Dataset, Sample
from data_tools.judging.boxes import box_precision, free_response, map_accuracy, proposals
from data_tools.judging.comparisons import FAMILY, Approach, compare_all
from data_tools.judging.image_level import image_level
from data_tools.judging.judged import Entry, Judged, align, judge
from data_tools.judging.pointing import baselines, pointing, stratified
from data_tools.judging.resampling import (
    Table,
    resample_baselines,
    resample_box_ap,
    resample_boxed,
    resample_images,
)
from data_tools.judging.verdict import verdict
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import PYCOCOTOOLS, choose_engine, describe_engine

__all__ = ["METRICS", "Entry", "align", "evaluate"]

_COMPUTE: Mapping[str, Callable[[Judged], dict[str, Any]]] = {
    "auc": image_level,
    "box_map": box_precision,
    "peak_distance": pointing,
    "froc": free_response,
    "max_box_acc": map_accuracy,
    "proposal_recall": proposals,
}
METRICS = tuple(_COMPUTE)
_OVER_SEEDS = (
    ("auc", "value"),
    ("average_precision", "value"),
    ("fpr_at_tpr", "0.98", "fpr"),
    ("fpr_at_tpr", "0.997", "fpr"),
    ("operating_point", "tpr"),
    ("operating_point", "fpr"),
    ("box_map", "ap"),
    ("box_map", "ap50"),
    ("peak_distance", "mean_px"),
    ("peak_distance", "median_px"),
    ("peak_distance", "hit_rate"),
    ("peak_distance", "hit_rate_15px"),
    ("peak_distance", "dra_20px"),
    ("peak_distance", "coverage"),
    ("end_to_end", "hit_rate_15px"),
    ("froc", "iou_0.5", "mean"),
    ("energy_pointing", "value"),
)


def evaluate(
    dataset: Dataset,
    split: str,
    entries: Sequence[Entry],
    metrics: Sequence[str] = METRICS,
    seed: int = 0,
    resamples: int = RESAMPLES,
    box_map_engine: str = PYCOCOTOOLS,
) -> dict[str, Any]:
    """The report as the contract describes it, strict JSON values only; undefined values are None.

    Args:
        dataset: the truth.
        split: "train", "val", "test" or "all".
        entries: the runs; each has exactly one prediction for each image of the split.
        metrics: of `METRICS`.
        seed: of the bootstrap and of the random baselines.
        resamples: of the bootstrap.
        box_map_engine: of `coco_engines.ENGINES`; the report names the one that was taken.

    Raises:
        InputError: an empty split, an image without prediction, a prediction of a foreign image, or an engine that is
            not installed.
    """
    samples = dataset.split(split)
    if not samples:
        raise InputError(f"the {split} split has no images, so there is nothing to judge")
    train, val = ((dataset.split(name) if dataset.splits is not None else ()) for name in ("train", "val"))
    engine = choose_engine(box_map_engine)
    runs = {e.label: judge(samples, val, train, e, len(dataset.categories), seed, engine) for e in entries}
    report: dict[str, Any] = {"schema": 1, "data": _describe(samples, split), "runs": {}}
    for entry in entries:
        report["runs"][entry.label] = {
            "producer": entry.predictions.header.producer,
            "approach": entry.approach or entry.label,
            "metrics": {key: value for name in metrics for key, value in _COMPUTE[name](runs[entry.label]).items()},
        }
    approaches = _approaches(entries, runs)
    seeds = any(len(approach.runs) > 1 for approach in approaches)
    images = resample_images(runs, seed, resamples, seeds) if runs and "auc" in metrics else None
    boxes = resample_box_ap(runs, seed, resamples) if runs and "box_map" in metrics else None
    boxed = resample_boxed(runs, seed, resamples) if runs and "peak_distance" in metrics else None
    for label, run in report["runs"].items():
        _add_intervals(run["metrics"], *((table or {}).get(label) for table in (images, boxes, boxed)))
    report["approaches"] = {approach.name: _over_seeds(approach, report["runs"]) for approach in approaches}
    report["baselines"] = _baselines(samples, train, seed, resamples) if "peak_distance" in metrics else {}
    report["comparisons"] = compare_all(approaches, images, boxes, boxed, seed, resamples)
    if "box_map" in metrics:
        report["engines"] = {"box_map": describe_engine(engine)}
    report["family"] = {"metrics": list(FAMILY), "correction": "Holm", "resamples": resamples, "seed": seed}
    report["verdict"] = verdict(report["comparisons"], report["approaches"], report["baselines"])
    return report


def _approaches(entries: Sequence[Entry], runs: Mapping[str, Judged]) -> list[Approach]:
    members: dict[str, dict[str, Judged]] = {}
    for entry in entries:
        members.setdefault(entry.approach or entry.label, {})[entry.label] = runs[entry.label]
    return [Approach(name, of) for name, of in members.items()]


def _add_intervals(
    metrics: dict[str, Any],
    images: Mapping[str, Any] | None,
    boxes: Mapping[str, Any] | None,
    boxed: Mapping[str, Any] | None,
) -> None:
    """The bootstrap's intervals beside the values that they belong to."""
    if images is not None:
        found = images.get("average_precision")
        metrics["average_precision"]["ci95"] = None if found is None else found.ci95
    if boxes is not None and metrics["box_map"] is not None:
        found = boxes.get("box_ap50")
        metrics["box_map"]["ap50_ci95"] = None if found is None else found.ci95
    if boxed is not None:
        for name in ("mean_px", "hit_rate", "hit_rate_15px", "dra_20px"):
            for section, key in (("peak_distance", name), ("end_to_end", f"end_to_end.{name}")):
                if metrics[section] is not None and key != "end_to_end.mean_px":
                    metrics[section][f"{name}_ci95"] = boxed[key].ci95 if key in boxed else None


def _over_seeds(approach: Approach, runs: Mapping[str, Any]) -> dict[str, Any]:
    """Mean, standard deviation and range over the runs of an approach, for the figures that people quote."""
    summary = {}
    for path in _OVER_SEEDS:
        values = [_look_up(runs[label]["metrics"], path) for label in approach.runs]
        known = [value for value in values if value is not None]
        if known:
            summary[".".join(path)] = {
                "mean": float(np.mean(known)),
                "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
                "min": min(known),
                "max": max(known),
                "n_runs": len(known),
            }
    return {"runs": list(approach.runs), "seeds": len(approach.runs), "metrics": summary}


def _look_up(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _baselines(
    samples: Sequence[Sample], training: Sequence[Sample], seed: int, resamples: int
) -> dict[str, dict[str, Any]]:
    boxed, found = baselines(samples, training, seed)
    table: Table = resample_baselines(found, [sample.group for sample in boxed], seed, resamples)
    report = {name: {"peak_distance": stratified(boxed, distances, training)} for name, distances in found.items()}
    for name, metrics in report.items():
        for key in ("mean_px", "hit_rate"):
            sampled = table[name].get(key)
            metrics["peak_distance"][f"{key}_ci95"] = None if sampled is None else sampled.ci95
    return report


def _describe(samples: Sequence[Sample], split: str) -> dict[str, Any]:
    counts = {f"n_{status}": sum(sample.status == status for sample in samples) for status in STATUSES}
    return {"n_images": len(samples), **counts, "split": split, "n_groups": len({s.group for s in samples})}
