"""Which predicted box finds which true box: greedily, from the highest score, each true box once."""

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import centres, iou, point_to_box_distance
from data_tools.records import Prediction, Sample

FALSE, FIRST, AGAIN = 0, 1, 2


def match_boxes(
    sample: Sample, prediction: Prediction, iou_threshold: float = 0.5, within_px: float | None = None
) -> NDArray[np.int64]:
    """For each predicted box: `FALSE`, the `FIRST` hit of a true box, or a hit of one found already (`AGAIN`).

    Classes play no part. Of several true boxes hit, the closest that is free counts.

    Args:
        sample: the truth.
        prediction: of the same image.
        iou_threshold: a box hits a true box at this IoU.
        within_px: if given, a box hits instead when its centre lies within so many pixels of the true box.
    """
    result = np.full(len(prediction.boxes_xyxy), FALSE)
    if not len(sample.boxes_xyxy) or not len(result):
        return result
    if within_px is None:
        closeness = iou(prediction.boxes_xyxy, sample.boxes_xyxy)
        matches = closeness >= iou_threshold
    else:
        closeness = -point_to_box_distance(centres(prediction.boxes_xyxy), sample.boxes_xyxy)
        matches = closeness >= -within_px
    found = np.zeros(len(sample.boxes_xyxy), dtype=bool)
    by_score = np.argsort(-prediction.box_scores, kind="stable")
    for row in by_score[matches[by_score].any(axis=1)]:
        candidates = np.flatnonzero(matches[row])
        free = candidates[~found[candidates]]
        result[row] = FIRST if len(free) else AGAIN
        if len(free):
            found[free[np.argmax(closeness[row, free])]] = True
    return result
