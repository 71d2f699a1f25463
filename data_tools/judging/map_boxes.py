"""Heat maps in the currency of boxes: boxes around a map's hot regions, and the cut that validation chooses."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data_tools.core.heatmaps import map_to_boxes
from data_tools.core.records import Prediction, Sample
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.matching import FIRST, match_all, without_unboxed

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_MIN_AREA_PX = 4.0


def with_boxes(prediction: Prediction, fraction: float | None) -> Prediction:
    """The prediction with boxes around its map's regions above a fraction of the maximum; as it is for None.

    A box scores the image's score times the region's maximum, or divided by it where the image's score is negative,
    so that a fainter region always scores lower.
    """
    if fraction is None or prediction.heatmap is None:
        return prediction
    boxes, highest = map_to_boxes(prediction.heatmap, prediction.size_hw, fraction, _MIN_AREA_PX)
    scores = prediction.score * highest if prediction.score >= 0 else prediction.score / highest
    return replace(prediction, boxes_xyxy=boxes, box_scores=scores, box_labels=np.ones(len(boxes), dtype=np.int64))


def choose_fraction(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> float | None:
    """The fraction of a map's maximum whose boxes are best on (validation) samples, the smallest of equals.

    Best is the area under precision and recall at IoU 0.5 over all boxes, those on good images included. This is the
    one place where a label-only approach sees boxes: of validation, and for its own boxes alone. None without a boxed
    sample.
    """
    samples, predictions = without_unboxed(samples, predictions)
    lesions = sum(len(s.boxes_xyxy) for s in samples)
    if not lesions:
        return None

    def quality(fraction: float) -> float:
        boxed = [with_boxes(p, fraction) for p in predictions]
        hits = match_all(samples, boxed) == FIRST
        value = average_precision(np.concatenate([p.box_scores for p in boxed]), hits)
        return 0.0 if value is None else value * float(hits.sum()) / lesions

    return max(FRACTIONS, key=lambda fraction: (quality(fraction), -fraction))
