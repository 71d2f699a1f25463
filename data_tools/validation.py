"""A few scores of predictions against samples, for choosing checkpoints: the evaluator's own metrics."""

from collections.abc import Sequence

from data_tools.metrics.auc import roc_auc
from data_tools.metrics.box_map import box_map
from data_tools.metrics.peak_distance import distance_recall, peak_distances
from data_tools.records import BOXED, Prediction, Sample


def localization_scores(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int
) -> dict[str, float | None]:
    """AUC, AP, AP50 and hit rate; None where undefined."""
    boxed = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status == BOXED]
    distances = peak_distances([s for s, _ in boxed], [p.peak_xy for _, p in boxed])
    boxes = box_map(samples, predictions, num_classes)
    auc = roc_auc([p.score for p in predictions], [s.is_defect for s in samples])
    return {"auc": auc, "ap": boxes["ap"], "ap50": boxes["ap50"], "hit_rate": distance_recall(distances.to_box, 0)}
