"""Which predicted box finds which true box: greedily, from the highest score, each true box once."""

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import centres, iou, point_to_box_distance
from data_tools.core.records import Prediction, Sample

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
    boxes_xyxy, scores = prediction.boxes_xyxy, prediction.box_scores
    return match_arrays(boxes_xyxy, scores, sample.boxes_xyxy, iou_threshold, within_px)


def match_arrays(
    boxes_xyxy: NDArray[np.float64],
    scores: NDArray[np.float64],
    true_xyxy: NDArray[np.float64],
    iou_threshold: float = 0.5,
    within_px: float | None = None,
) -> NDArray[np.int64]:
    """The same for (n, 4) boxes with (n,) scores and (m, 4) true boxes of an image."""
    return match_rows(boxes_xyxy, scores, true_xyxy, iou_threshold, within_px)[0]


def match_rows(
    boxes_xyxy: NDArray[np.float64],
    scores: NDArray[np.float64],
    true_xyxy: NDArray[np.float64],
    iou_threshold: float = 0.5,
    within_px: float | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same, and (n,) the row of the true box that each `FIRST` one finds, -1 for the others."""
    result, rows = np.full(len(boxes_xyxy), FALSE), np.full(len(boxes_xyxy), -1)
    if not len(true_xyxy) or not len(result):
        return result, rows
    if within_px is None:
        closeness = iou(boxes_xyxy, true_xyxy)
        matches = closeness >= iou_threshold
    else:
        closeness = -point_to_box_distance(centres(boxes_xyxy), true_xyxy)
        matches = closeness >= -within_px
    is_taken = np.zeros(len(true_xyxy), dtype=bool)
    by_score = np.argsort(-scores, kind="stable")
    for row in by_score[matches[by_score].any(axis=1)]:
        candidates = np.flatnonzero(matches[row])
        free = candidates[~is_taken[candidates]]
        result[row] = FIRST if len(free) else AGAIN
        if len(free):
            rows[row] = free[np.argmax(closeness[row, free])]
            is_taken[rows[row]] = True
    return result, rows
