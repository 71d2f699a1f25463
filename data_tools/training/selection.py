"""A few scores of predictions against samples, for choosing checkpoints: the evaluator's own metrics."""

from collections.abc import Sequence

import numpy as np

from data_tools.core.records import BOXED, Prediction, Sample
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.bootstrap import Clusters, Statistic, distributions
from data_tools.metrics.box_map import box_map
from data_tools.metrics.peak_distance import distance_recall, peak_distances

_RESAMPLES = 1000


def localization_scores(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int
) -> dict[str, float | None]:
    """AUC, AP, AP50 and hit rate; None where undefined."""
    boxed = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status == BOXED]
    distances = peak_distances([s for s, _ in boxed], [p.peak_xy for _, p in boxed])
    boxes = box_map(samples, predictions, num_classes)
    auc = roc_auc([p.score for p in predictions], [s.is_defect for s in samples])
    return {"auc": auc, "ap": boxes["ap"], "ap50": boxes["ap50"], "hit_rate": distance_recall(distances.to_box, 0)}


def standard_error(statistics: Sequence[Statistic], clusters: Clusters) -> float | None:
    """Standard error of the mean of several scores, by a bootstrap of whole groups; the same at each call.

    Args:
        statistics: the scores, of `data_tools.metrics.bootstrap`.
        clusters: the groups of the images.

    Returns:
        None with fewer than two groups, or where fewer than two resamples define all scores.
    """
    if not statistics or clusters.total < 2:
        return None
    means = distributions(clusters, statistics, seed=0, resamples=_RESAMPLES).mean(axis=1)
    known = means[np.isfinite(means)]
    return float(known.std(ddof=1)) if len(known) > 1 else None
