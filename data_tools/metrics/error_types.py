"""What goes wrong with boxes, by kind of error, after TIDE (Bolya et al., ECCV 2020)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import iou
from data_tools.core.records import Prediction, Sample
from data_tools.metrics.average_precision import hits_from_the_top
from data_tools.metrics.matching import AGAIN, FALSE, FIRST, match_all, match_rows, without_unboxed

_BACKGROUND_IOU = 0.1


def best_f1_threshold(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> float | None:
    """The box score with the best F1 at IoU 0.5, the highest of equals; None without a true or a predicted box.

    To be called on validation: a threshold from the judged images flatters.
    """
    samples, predictions = without_unboxed(samples, predictions)
    lesions = sum(len(s.boxes_xyxy) for s in samples)
    scores = np.concatenate([np.zeros(0), *(p.box_scores for p in predictions)])
    if not lesions or not len(scores):
        return None
    hits = match_all(samples, predictions) == FIRST
    reached, taken = hits_from_the_top(scores, hits)
    f1 = 2 * reached / (taken + lesions)
    return float(np.unique(scores)[::-1][int(f1.argmax())])


def error_types(
    samples: Sequence[Sample], predictions: Sequence[Prediction], threshold: float
) -> dict[str, float | int | None]:
    """Boxes with a score of at least `threshold`, each counted once, and the true boxes that none of them finds.

    A box is a "hit" (IoU >= 0.5 with a true box that no better one took), a "duplicate" (of one that is taken),
    "localisation" (IoU 0.1..0.5) or "background" (IoU below 0.1, which every box on a good image is). "class" counts
    the hits, among them, that name another class. "missed" are true boxes without a hit; "missed_altogether" those
    that no box touches at IoU 0.1. Unboxed images are left out.
    """
    counts = dict.fromkeys(("hit", "class", "duplicate", "localisation", "background"), 0)
    pairs = list(zip(*without_unboxed(samples, predictions), strict=True))
    boxed = [(s, p) for s, p in pairs if len(s.boxes_xyxy)]
    boxes, untouched = sum(len(s.boxes_xyxy) for s, _ in boxed), 0
    on_good = sum(int(np.count_nonzero(p.box_scores >= threshold)) for s, p in pairs if not len(s.boxes_xyxy))
    # boxes below the threshold score lower than those above, so that they take no true box from them
    outcomes = match_all([s for s, _ in boxed], [p for _, p in boxed])
    ends = np.cumsum([len(p.box_scores) for _, p in boxed], dtype=np.int64)
    for (sample, prediction), end in zip(boxed, ends, strict=True):
        kept = prediction.box_scores >= threshold
        outcome = outcomes[end - len(kept) : end][kept]
        overlap = iou(prediction.boxes_xyxy[kept], sample.boxes_xyxy)
        near = overlap.max(axis=1, initial=0.0) >= _BACKGROUND_IOU
        hit = outcome == FIRST
        counts["hit"] += int(hit.sum())
        counts["class"] += int((_true_labels(sample, prediction, kept)[hit] != prediction.box_labels[kept][hit]).sum())
        counts["duplicate"] += int((outcome == AGAIN).sum())
        counts["localisation"] += int(((outcome == FALSE) & near).sum())
        counts["background"] += int(((outcome == FALSE) & ~near).sum())
        untouched += int((overlap.max(axis=0, initial=0.0) < _BACKGROUND_IOU).sum())
    return counts | {
        "background": counts["background"] + on_good,
        "background_on_good": on_good,
        "missed": boxes - counts["hit"],
        "missed_altogether": untouched,
        "n_true_boxes": boxes,
        "threshold": threshold,
    }


def _true_labels(sample: Sample, prediction: Prediction, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each box that is kept, the class of the true box that it finds; where it finds none, any."""
    if len(sample.labels) == 1:
        return np.repeat(sample.labels, int(kept.sum()))
    rows = match_rows(prediction.boxes_xyxy[kept], prediction.box_scores[kept], sample.boxes_xyxy)[1]
    return sample.labels[rows]
