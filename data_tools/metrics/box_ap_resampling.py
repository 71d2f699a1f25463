"""Box AP on resamples of the images' groups: COCO's figure as a statistic for the cluster bootstrap.

Which predicted box finds which true box does not depend on other images, so boxes are matched once and a resample only
counts them anew. Predicted boxes of equal score are taken together, where COCO takes them in the order of the images.
"""

from collections.abc import Sequence

import numpy as np

from data_tools.core.records import UNBOXED, Prediction, Sample
from data_tools.metrics.bootstrap import Clusters, Floats, Statistic, box_ap_of
from data_tools.metrics.matching import FIRST, match_arrays

_MOST_IN_AN_IMAGE = 100


def box_ap50_of(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int, clusters: Clusters
) -> Statistic | None:
    """`box_ap_at` IoU 0.5."""
    return box_ap_at((0.5,), samples, predictions, num_classes, clusters)


def box_ap_at(
    ious: Sequence[float],
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    num_classes: int,
    clusters: Clusters,
) -> Statistic | None:
    """The mean over the classes and IoU thresholds of average precision; None without a true box.

    A resample that draws no true box of a class leaves that class out of its mean.

    Args:
        ious: thresholds at which a box finds a true one.
        samples: the truth; unboxed images are left out.
        predictions: one for each sample, in the same order.
        num_classes: class ids are 1..num_classes.
        clusters: the groups of the samples.
    """
    labels = range(1, num_classes + 1)
    parts = [_of_class(iou, samples, predictions, label, clusters) for iou in ious for label in labels]
    statistics = [part for part in parts if part is not None]
    if not statistics:
        return None

    def statistic(counts: Floats) -> Floats:
        values = np.stack([one(counts) for one in statistics])
        known = np.isfinite(values)
        total = np.where(known, values, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)

    return statistic


def _of_class(
    iou: float, samples: Sequence[Sample], predictions: Sequence[Prediction], label: int, clusters: Clusters
) -> Statistic | None:
    boxes = np.zeros(clusters.total)
    scores: list[Floats] = []
    hits: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    for sample, prediction, code in zip(samples, predictions, clusters.codes.tolist(), strict=True):
        if sample.status == UNBOXED:
            continue
        true = sample.boxes_xyxy[sample.labels == label]
        boxes[code] += len(true)
        own = prediction.box_labels == label
        best = np.argsort(-prediction.box_scores[own], kind="stable")[:_MOST_IN_AN_IMAGE]
        kept = prediction.box_scores[own][best]
        scores.append(kept)
        hits.append(match_arrays(prediction.boxes_xyxy[own][best], kept, true, iou) == FIRST)
        codes.append(np.full(len(kept), code))
    if not boxes.any():
        return None
    if not any(one.any() for one in hits):
        return lambda counts: np.where(counts @ boxes > 0, 0.0, np.nan)
    of_boxes = Clusters(np.concatenate(codes), clusters.total)
    return box_ap_of(np.concatenate(scores), np.concatenate(hits), of_boxes, boxes)
