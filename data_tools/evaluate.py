"""Predictions and truth -> the report. It never asks who made a prediction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.errors import InputError
from data_tools.metrics.auc import auc_with_ci, compare_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.box_map import box_map
from data_tools.metrics.comparison import cluster_bootstrap, holm, mcnemar, wilcoxon
from data_tools.metrics.fpr_at_tpr import TPRS, fpr_at_tpr, outcome_at, threshold_at_tpr
from data_tools.metrics.froc import FALSE_BOXES_PER_IMAGE, froc
from data_tools.metrics.max_box_acc import box_accuracy, max_box_acc
from data_tools.metrics.peak_distance import (
    Distances,
    centre_peaks,
    mean_position_peaks,
    peak_distances,
    random_peaks,
    summarise,
)
from data_tools.metrics.proposal_recall import proposal_recall, sliding_window_recall
from data_tools.records import BOXED, STATUSES, Dataset, Prediction, PredictionSet, Sample

METRICS = ("auc", "box_map", "peak_distance", "froc", "max_box_acc", "proposal_recall")
OPERATING_TPR = 0.98
WITHIN_PX = 15.0


@dataclass(frozen=True)
class Entry:
    """One approach to judge: a unique label, its predictions, and those for validation where there are any."""

    label: str
    predictions: PredictionSet
    validation: PredictionSet | None = None


def evaluate(
    dataset: Dataset, split: str, entries: Sequence[Entry], metrics: Sequence[str] = METRICS, seed: int = 0
) -> dict[str, Any]:
    """The report as the contract describes it, strict JSON values only; undefined values are None.

    Args:
        dataset: the truth.
        split: "train", "val", "test" or "all".
        entries: the approaches; each has exactly one prediction for each image of the split.
        metrics: of `METRICS`.
        seed: of the bootstrap and of the random baseline.

    Raises:
        InputError: an image without prediction or a prediction of a foreign image.
    """
    samples = dataset.split(split)
    aligned = {entry.label: align(samples, entry.predictions, entry.label) for entry in entries}
    validation = {entry.label: _validation(dataset, entry) for entry in entries}
    report: dict[str, Any] = {"schema": 1, "data": _describe(samples, split), "runs": {}}
    for entry in entries:
        judged = _Judged(samples, aligned[entry.label], validation[entry.label], len(dataset.categories), seed)
        report["runs"][entry.label] = {
            "producer": entry.predictions.header.producer,
            "metrics": {key: value for name in metrics for key, value in _COMPUTE[name](judged).items()},
        }
    report["baselines"] = _baselines(dataset, samples, seed) if "peak_distance" in metrics else {}
    report["comparisons"] = _comparisons(samples, aligned, metrics, seed)
    report["verdict"] = _verdict(report["comparisons"])
    return report


def align(samples: Sequence[Sample], predictions: PredictionSet, label: str) -> tuple[Prediction, ...]:
    """The predictions in the order of the samples.

    Raises:
        InputError: an image without prediction, a foreign image, or another image size.
    """
    by_id = {prediction.image_id: prediction for prediction in predictions.predictions}
    missing = [sample.image_id for sample in samples if sample.image_id not in by_id]
    foreign = sorted(by_id.keys() - {sample.image_id for sample in samples})
    if missing or foreign:
        raise InputError(
            f"{label}: {len(missing)} images of the split have no prediction (ids {missing[:5]}), and {len(foreign)} "
            f"predictions fit no image of it (ids {foreign[:5]}). Are dataset and split those that were predicted?"
        )
    for sample in samples:
        if by_id[sample.image_id].size_hw != sample.size_hw:
            raise InputError(f"{label}: image {sample.image_id} has another size than in the dataset")
    return tuple(by_id[sample.image_id] for sample in samples)


@dataclass(frozen=True)
class _Judged:
    """What the metrics of one approach are computed from."""

    samples: tuple[Sample, ...]
    predictions: tuple[Prediction, ...]
    validation: tuple[tuple[Sample, ...], tuple[Prediction, ...]] | None
    num_classes: int
    seed: int

    @property
    def scores(self) -> NDArray[np.float64]:
        return np.array([prediction.score for prediction in self.predictions])

    @property
    def positive(self) -> NDArray[np.bool_]:
        return np.array([sample.is_defect for sample in self.samples], dtype=bool)


def _auc(judged: _Judged) -> dict[str, Any]:
    scores, positive = judged.scores, judged.positive
    auc = auc_with_ci(scores, positive)
    points = {str(tpr): fpr_at_tpr(scores, positive, tpr) for tpr in TPRS}
    return {
        "auc": None if auc is None else {
            "value": auc.value, "ci95": list(auc.ci95), "n_positive": auc.n_positive, "n_negative": auc.n_negative,
        },
        "average_precision": {"value": average_precision(scores, positive)},
        "fpr_at_tpr": {tpr: None if point is None else asdict(point) for tpr, point in points.items()},
        "operating_point": _operating_point(judged),
    }  # fmt: skip


def _operating_point(judged: _Judged) -> dict[str, Any]:
    """A threshold chosen on validation and applied here as it is."""
    if judged.validation is None:
        return {"threshold": None, "reason": "no validation predictions"}
    samples, predictions = judged.validation
    positive = [sample.is_defect for sample in samples]
    if not any(positive):
        return {"threshold": None, "reason": "no defect images in validation"}
    threshold = threshold_at_tpr([prediction.score for prediction in predictions], positive, OPERATING_TPR)
    return {"validation_tpr": OPERATING_TPR, **asdict(outcome_at(judged.scores, judged.positive, threshold))}


def _box_map(judged: _Judged) -> dict[str, Any]:
    if not any(len(prediction.boxes_xyxy) for prediction in judged.predictions) and any(
        prediction.heatmap is not None for prediction in judged.predictions
    ):
        return {"box_map": None}  # gives maps and no boxes at all: not a detector that found nothing
    return {"box_map": box_map(judged.samples, judged.predictions, judged.num_classes)}


def _peak_distance(judged: _Judged) -> dict[str, Any]:
    boxed = [(s, p) for s, p in zip(judged.samples, judged.predictions, strict=True) if s.status == BOXED]
    return {"peak_distance": _by_type([s for s, _ in boxed], [p.peak_xy for _, p in boxed], judged.seed)}


def _froc(judged: _Judged) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, options in (
        ("iou_0.5", {}),
        ("centre_within_15px", {"within_px": WITHIN_PX}),
        ("iou_0.5_false_on_good_only", {"false_on_good_only": True}),
    ):
        curve = froc(judged.samples, judged.predictions, **options)
        at = None if curve is None else {str(rate): curve.at(rate) for rate in FALSE_BOXES_PER_IMAGE}
        result[name] = None if at is None else {"lesion_fraction_at": at, "mean": float(np.mean(list(at.values())))}
    return {"froc": result}


def _max_box_acc(judged: _Judged) -> dict[str, Any]:
    accuracy = box_accuracy(judged.samples, judged.predictions)
    if accuracy is None:
        return {"max_box_acc": None}
    chosen_on = None if judged.validation is None else box_accuracy(*judged.validation)
    return {"max_box_acc": max_box_acc(accuracy, chosen_on)}


def _proposal_recall(judged: _Judged) -> dict[str, Any]:
    found = proposal_recall(judged.samples, judged.predictions)
    windows = sliding_window_recall(judged.samples, judged.seed)
    return {"proposal_recall": {"predicted_boxes": found, "sliding_window": windows}}


_COMPUTE = {
    "auc": _auc,
    "box_map": _box_map,
    "peak_distance": _peak_distance,
    "froc": _froc,
    "max_box_acc": _max_box_acc,
    "proposal_recall": _proposal_recall,
}


def _by_type(samples: Sequence[Sample], peaks: Sequence[tuple[float, float] | None], seed: int) -> dict[str, Any]:
    distances = peak_distances(samples, peaks)
    types = np.array([sample.type for sample in samples])
    whole = summarise(distances) | _intervals(samples, distances, seed)
    return whole | {"by_type": {name: summarise(distances[types == name]) for name in sorted(set(types.tolist()))}}


def _intervals(samples: Sequence[Sample], distances: Distances, seed: int) -> dict[str, Any]:
    groups = np.array([sample.group for sample in samples])
    known = np.isfinite(distances.to_box)
    mean = cluster_bootstrap(distances.to_box[known], groups[known].tolist(), seed)
    hits = cluster_bootstrap((distances.to_box <= 0).astype(float), groups.tolist(), seed)
    return {
        "mean_px_ci95": None if mean is None else list(mean.ci95),
        "hit_rate_ci95": None if hits is None else list(hits.ci95),
    }


def _baselines(dataset: Dataset, samples: Sequence[Sample], seed: int) -> dict[str, Any]:
    boxed = [sample for sample in samples if sample.status == BOXED]
    training = dataset.split("train") if dataset.splits is not None else ()
    peaks = {
        "centre": centre_peaks(boxed),
        "mean_position": mean_position_peaks(boxed, training),
        "random": random_peaks(boxed, seed),
    }
    return {name: {"peak_distance": _by_type(boxed, points, seed)} for name, points in peaks.items()}


def _comparisons(
    samples: Sequence[Sample], aligned: dict[str, tuple[Prediction, ...]], metrics: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for a, b in combinations(aligned, 2):
        if "auc" in metrics:
            rows += _compare_auc(samples, a, b, aligned)
        if "peak_distance" in metrics:
            rows += _compare_distances(samples, a, b, aligned, seed)
    tested = [row for row in rows if row["p_value"] is not None]
    for row, adjusted in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
        row["p_value_holm"] = adjusted
    return rows


def _compare_auc(
    samples: Sequence[Sample], a: str, b: str, aligned: dict[str, tuple[Prediction, ...]]
) -> list[dict[str, Any]]:
    positive = [sample.is_defect for sample in samples]
    result = compare_auc([p.score for p in aligned[a]], [p.score for p in aligned[b]], positive)
    if result is None:
        return []
    return [_row("auc", a, b, result.difference, result.ci95, result.p_value, "DeLong", len(samples))]


def _compare_distances(
    samples: Sequence[Sample], a: str, b: str, aligned: dict[str, tuple[Prediction, ...]], seed: int
) -> list[dict[str, Any]]:
    rows = [(s, p, q) for s, p, q in zip(samples, aligned[a], aligned[b], strict=True) if s.status == BOXED]
    if not rows:
        return []
    boxed = [s for s, _, _ in rows]
    groups = np.array([s.group for s in boxed])
    first = peak_distances(boxed, [p.peak_xy for _, p, _ in rows]).to_box
    second = peak_distances(boxed, [q.peak_xy for _, _, q in rows]).to_box
    found = []
    both = np.isfinite(first) & np.isfinite(second)
    differences = first[both] - second[both]
    interval = cluster_bootstrap(differences, groups[both].tolist(), seed)
    if interval is not None:
        tested = wilcoxon(differences)
        p_value = 1.0 if tested is None else tested[1]
        test = "paired cluster bootstrap of the mean; Wilcoxon signed rank, zero differences dropped"
        found.append(_row("peak_distance", a, b, interval.value, interval.ci95, p_value, test, int(both.sum())))
    hit_a, hit_b = first <= 0, second <= 0
    hits = cluster_bootstrap(hit_a.astype(float) - hit_b.astype(float), groups.tolist(), seed)
    if hits is not None:
        p_value = mcnemar(int((hit_a & ~hit_b).sum()), int((hit_b & ~hit_a).sum()))
        test = "paired cluster bootstrap; exact McNemar"
        found.append(_row("hit_rate", a, b, hits.value, hits.ci95, p_value, test, len(boxed)))
    return found


def _row(
    metric: str, a: str, b: str, difference: float, ci95: tuple[float, float], p_value: float, test: str, n: int
) -> dict[str, Any]:
    return {
        "metric": metric, "a": a, "b": b, "difference": difference, "ci95": list(ci95), "p_value": p_value,
        "test": test, "n": n,
    }  # fmt: skip


def _verdict(comparisons: Sequence[dict[str, Any]]) -> str | None:
    """One sentence a pair about the peak distance; "no difference shown" where the interval spans 0."""
    sentences = []
    for row in comparisons:
        if row["metric"] != "peak_distance":
            continue
        low, high = row["ci95"]
        n = f"{row['n']} images, 1 run each"
        if low <= 0 <= high:
            sentences.append(
                f"no difference shown between {row['a']} and {row['b']} (95 % CI {low:.1f}..{high:.1f} px, {n})"
            )
        else:
            closer, low, high = (row["a"], -high, -low) if row["difference"] < 0 else (row["b"], low, high)
            sentences.append(f"{closer} closer by {abs(row['difference']):.1f} px (95 % CI {low:.1f}..{high:.1f}, {n})")
    return "; ".join(sentences) or None


def _validation(dataset: Dataset, entry: Entry) -> tuple[tuple[Sample, ...], tuple[Prediction, ...]] | None:
    if entry.validation is None:
        return None
    samples = dataset.split("val")
    return samples, align(samples, entry.validation, f"{entry.label} (validation)")


def _describe(samples: Sequence[Sample], split: str) -> dict[str, Any]:
    counts = {f"n_{status}": sum(sample.status == status for sample in samples) for status in STATUSES}
    return {"n_images": len(samples), **counts, "split": split, "n_groups": len({s.group for s in samples})}
