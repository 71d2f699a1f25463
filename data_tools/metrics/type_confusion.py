"""Which type a found defect is called: a confusion matrix with a row and a column for background."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import UNBOXED, Prediction, Sample
from data_tools.metrics.matching import FIRST, match_rows


def type_confusion(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int, threshold: float
) -> NDArray[np.int64]:
    """(K + 1, K + 1) counts: row true class, column predicted class, the last of each being background.

    A true box belongs to the box that finds it at IoU 0.5, whatever its class, each to one at most. True boxes that
    are not found stand in the last column, boxes that find none, duplicates too, in the last row. Unboxed images are
    left out.

    Args:
        samples: the truth.
        predictions: one for each, in order.
        num_classes: K; class ids are 1..K.
        threshold: boxes with a lower score do not count.
    """
    counts = np.zeros((num_classes + 1, num_classes + 1), dtype=np.int64)
    for sample, prediction in zip(samples, predictions, strict=True):
        if sample.status == UNBOXED:
            continue
        kept = prediction.box_scores >= threshold
        boxes, scores, called = prediction.boxes_xyxy[kept], prediction.box_scores[kept], prediction.box_labels[kept]
        outcome, rows = match_rows(boxes, scores, sample.boxes_xyxy)
        hit = outcome == FIRST
        np.add.at(counts, (sample.labels[rows[hit]] - 1, called[hit] - 1), 1)
        np.add.at(counts, (np.full(int((~hit).sum()), num_classes), called[~hit] - 1), 1)
        missed = np.delete(sample.labels, rows[hit])
        np.add.at(counts, (missed - 1, np.full(len(missed), num_classes)), 1)
    return counts
