"""The figures of a run as functions of how often each group of images is drawn, for one bootstrap of them all.

With every group drawn once a function gives the figure of the images as they are, so values and intervals come from the
same code; the box figures are checked against pycocotools.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import iou
from data_tools.judging.judged import OPERATING_TPR, Judged
from data_tools.metrics.bootstrap import Clusters, Floats, Statistic, auc_of, mean_of
from data_tools.records import BOXED, UNBOXED, Prediction, Sample

COCO_IOUS = tuple(np.linspace(0.5, 0.95, 10).tolist())
_RECALLS = np.linspace(0.0, 1.0, 101)
_MOST_DETECTIONS = 100  # COCO looks at no more in an image


def statistics_of(run: Judged, clusters: Clusters) -> dict[str, Statistic]:
    """The figures of the comparison's table, by name; those of boxes are absent where the run has none to judge."""
    found = {
        "auc": auc_of(run.scores, run.positive, clusters),
        "fpr_at_tpr_98": fpr_at_tpr_of(run.scores, run.positive, clusters, OPERATING_TPR),
    }
    columns = {name: np.full(len(run.samples), np.nan) for name in ("hit_rate", "peak_px", "peak_diagonal", "coverage")}
    to_box = run.distances.to_box
    diagonals = np.array([math.hypot(*sample.size_hw) for sample in run.boxed])
    columns["hit_rate"][run.boxed_rows] = to_box <= 0
    columns["peak_px"][run.boxed_rows] = to_box
    columns["peak_diagonal"][run.boxed_rows] = to_box / diagonals
    columns["coverage"][run.boxed_rows] = np.isfinite(to_box)
    found |= {name: mean_of(column, clusters) for name, column in columns.items()}
    boxes = run.in_boxes
    types = np.array([sample.type for sample in run.samples])
    good = np.array([sample.status != BOXED for sample in run.samples])
    for name in sorted({sample.type for sample in run.boxed}):
        found[f"hit_rate/{name}"] = mean_of(np.where(types == name, columns["hit_rate"], np.nan), clusters)
    if boxes is None:
        return found
    precision = partial(box_ap_of, boxes.samples, boxes.predictions, clusters, run.num_classes)
    everything = np.ones(len(run.samples), dtype=bool)
    found |= {"ap": precision(COCO_IOUS, everything), "ap50": precision((0.5,), everything)}
    for name in sorted({sample.type for sample in run.boxed}):
        found[f"ap50/{name}"] = precision((0.5,), good | (types == name))
    return found


def fpr_at_tpr_of(scores: Floats, positive: NDArray[np.bool_], clusters: Clusters, tpr: float) -> Statistic:
    """False-positive rate at the highest threshold that keeps a share of the positives, not interpolated."""
    order = np.argsort(-scores[positive], kind="stable")
    high, codes = scores[positive][order], clusters.codes[positive][order]
    low, low_codes = scores[~positive], clusters.codes[~positive]

    def statistic(counts: Floats) -> Floats:
        values = np.full(len(counts), np.nan)
        if not len(high) or not len(low):
            return values
        reached, drawn = np.cumsum(counts[:, codes], axis=1), counts[:, low_codes]
        for i, (row, weights) in enumerate(zip(reached, drawn, strict=True)):
            if row[-1] and weights.sum():
                threshold = high[np.searchsorted(row, math.ceil(tpr * row[-1]))]
                values[i] = weights[low >= threshold].sum() / weights.sum()
        return values

    return statistic


def box_ap_of(
    samples: Sequence[Sample], predictions: Sequence[Prediction], clusters: Clusters, num_classes: int,
    ious: Sequence[float], keep: NDArray[np.bool_],
) -> Statistic:  # fmt: skip
    """COCO's box AP (101 recalls, mean over IoU thresholds and classes) of the images that `keep` marks.

    Unboxed images never count. A resample without a true box leaves it undefined.
    """
    rows = [i for i in np.flatnonzero(keep) if samples[i].status != UNBOXED]
    classes = [_ranked(samples, predictions, clusters, rows, label, ious) for label in range(1, num_classes + 1)]

    def statistic(counts: Floats) -> Floats:
        values = np.stack([ap for ranked in classes for ap in ranked(counts)])
        known = np.isfinite(values)
        return np.where(known.any(0), np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)

    return statistic


def _ranked(
    samples: Sequence[Sample], predictions: Sequence[Prediction], clusters: Clusters, rows: Sequence[int], label: int,
    ious: Sequence[float],
) -> Statistic:  # fmt: skip
    """(c, groups) counts -> (len(ious), c) AP of one class."""
    scores, hits, codes = [np.zeros(0)], [np.zeros((0, len(ious)), dtype=bool)], [np.zeros(0, dtype=np.int64)]
    truths = np.zeros(clusters.total)
    for row in rows:
        sample, found = samples[row], predictions[row]
        true_boxes, own = sample.boxes_xyxy[sample.labels == label], found.box_labels == label
        best = np.argsort(-found.box_scores[own], kind="stable")[:_MOST_DETECTIONS]
        truths[clusters.codes[row]] += len(true_boxes)
        scores.append(found.box_scores[own][best])
        hits.append(match(found.boxes_xyxy[own][best], true_boxes, ious))
        codes.append(np.full(len(best), clusters.codes[row]))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit, code = np.concatenate(hits)[order], np.concatenate(codes)[order]
    places = [np.flatnonzero(column) for column in hit.T]

    def statistic(counts: Floats) -> Floats:
        taken, total = np.cumsum(counts[:, code], axis=1), counts @ truths
        return np.stack([_average(taken[:, at], counts[:, code[at]], total) for at in places])

    return statistic


def match(boxes_xyxy: Floats, true_xyxy: Floats, ious: Sequence[float]) -> NDArray[np.bool_]:
    """(n, len(ious)) whether each box, best first, finds a true box that no better one has, as COCO matches them."""
    hits = np.zeros((len(boxes_xyxy), len(ious)), dtype=bool)
    if not len(boxes_xyxy) or not len(true_xyxy):
        return hits
    overlap = iou(boxes_xyxy, true_xyxy)
    for column, threshold in enumerate(ious):
        free = np.ones(len(true_xyxy), dtype=bool)
        for row in np.flatnonzero((overlap >= threshold).any(axis=1)):
            candidates = np.where(free, overlap[row], -1.0)
            nearest = int(candidates.argmax())
            if candidates[nearest] >= threshold:
                hits[row, column], free[nearest] = True, False
    return hits


def _average(taken: Floats, weights: Floats, total: Floats) -> Floats:
    """(c,) interpolated precision over 101 recalls.

    Args:
        taken: (c, m) boxes down to each of the m true positives, best first.
        weights: (c, m) how often each of them is drawn.
        total: (c,) true boxes.
    """
    found = np.cumsum(weights, axis=1)
    precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
    ceiling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    padded = np.concatenate([ceiling, np.zeros((len(ceiling), 1))], axis=1)
    values = np.full(len(total), np.nan)
    for i in np.flatnonzero(total > 0):
        values[i] = padded[i, np.searchsorted(found[i] / total[i], _RECALLS, "left")].mean()
    return values
