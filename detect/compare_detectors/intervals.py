"""The figures of a run as functions of how often each group of images is drawn, for one bootstrap of them all.

With every group drawn once a function gives the figure of the images as they are, so values and intervals come from the
same code; the box figures are checked against pycocotools.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import BOXED, Prediction, Sample
from data_tools.judging.judged import OPERATING_TPR, Judged
from data_tools.metrics.bootstrap import Clusters, Floats, Statistic, auc_of, mean_of
from data_tools.metrics.box_ap_resampling import box_ap_at

COCO_IOUS = tuple(np.linspace(0.5, 0.95, 10).tolist())


def statistics_of(run: Judged, clusters: Clusters) -> dict[str, Statistic]:
    """The figures of the comparison's table, by name; those of boxes are absent where the run has none to judge."""
    statistics = {
        "auc": auc_of(run.scores, run.positive, clusters),
        "fpr_at_tpr_98": fpr_at_tpr_of(run.scores, run.positive, clusters, OPERATING_TPR),
    }
    columns = {name: np.full(len(run.samples), np.nan) for name in ("hit_rate", "peak_px", "peak_diagonal", "coverage")}
    to_box = run.distances.to_box
    columns["hit_rate"][run.boxed_rows] = to_box <= 0
    columns["peak_px"][run.boxed_rows] = to_box
    columns["peak_diagonal"][run.boxed_rows] = run.distances.of_diagonal
    columns["coverage"][run.boxed_rows] = np.isfinite(to_box)
    statistics |= {name: mean_of(column, clusters) for name, column in columns.items()}
    boxes = run.in_boxes
    types = np.array([sample.type for sample in run.samples])
    good = np.array([sample.status != BOXED for sample in run.samples])
    for name in sorted({sample.type for sample in run.boxed}):
        statistics[f"hit_rate/{name}"] = mean_of(np.where(types == name, columns["hit_rate"], np.nan), clusters)
    if boxes is None:
        return statistics
    precision = partial(box_ap_of, boxes.samples, boxes.predictions, clusters, run.num_classes)
    everything = np.ones(len(run.samples), dtype=bool)
    statistics |= {"ap": precision(COCO_IOUS, everything), "ap50": precision((0.5,), everything)}
    for name in sorted({sample.type for sample in run.boxed}):
        statistics[f"ap50/{name}"] = precision((0.5,), good | (types == name))
    return statistics


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
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    clusters: Clusters,
    num_classes: int,
    ious: Sequence[float],
    keep: NDArray[np.bool_],
) -> Statistic:
    """COCO's box AP (mean over IoU thresholds and classes) of the images that `keep` marks; NaN without a true box."""
    rows = np.flatnonzero(keep).tolist()
    statistic = box_ap_at(
        ious,
        [samples[i] for i in rows],
        [predictions[i] for i in rows],
        num_classes,
        Clusters(clusters.codes[rows], clusters.total),
    )
    return statistic or (lambda counts: np.full(len(counts), np.nan))
