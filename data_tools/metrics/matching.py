"""Which predicted box finds which true box: greedily, from the highest score, each true box once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import centres, distance_in_pairs, iou, iou_in_pairs, point_to_box_distance
from data_tools.core.records import UNBOXED, Prediction, Sample

FALSE, FIRST, AGAIN = 0, 1, 2


def without_unboxed(
    samples: Sequence[Sample], predictions: Sequence[Prediction]
) -> tuple[list[Sample], list[Prediction]]:
    """Samples and their predictions, in order, but for the images of defects whose area is not known."""
    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status != UNBOXED]
    return [s for s, _ in pairs], [p for _, p in pairs]


def match_all(
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    iou_threshold: float = 0.5,
    within_px: float | None = None,
) -> NDArray[np.int64]:
    """For each predicted box: `FALSE`, the `FIRST` hit of a true box, or a hit of one found already (`AGAIN`).

    Image by image, those with one true box at once. Classes play no part. Of several true boxes hit, the closest that
    is free counts.

    Args:
        samples: the truth.
        predictions: one for each sample, in the same order.
        iou_threshold: a box hits a true box at this IoU.
        within_px: if given, a box hits instead when its centre lies within so many pixels of the true box.
    """
    boxes, scores = flat_boxes(predictions)
    counts = np.array([len(one.box_scores) for one in predictions], dtype=np.int64)
    return match_images(boxes, scores, counts, [s.boxes_xyxy for s in samples], iou_threshold, within_px)


def flat_boxes(predictions: Sequence[Prediction]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 4) boxes and (n,) scores of all images, one after the other."""
    boxes = np.concatenate([np.zeros((0, 4)), *(one.boxes_xyxy for one in predictions)])
    return boxes, np.concatenate([np.zeros(0), *(one.box_scores for one in predictions)])


def match_images(
    boxes_xyxy: NDArray[np.float64],
    scores: NDArray[np.float64],
    counts: NDArray[np.int64],
    true_xyxy: Sequence[NDArray[np.float64]],
    iou_threshold: float = 0.5,
    within_px: float | None = None,
) -> NDArray[np.int64]:
    """The same for (n, 4) boxes with (n,) scores, of which each image has so many as `counts` says, and (m, 4) true
    boxes of each image.
    """
    starts = np.cumsum(counts) - counts
    result = np.full(len(scores), FALSE)
    n_true = np.array([len(true) for true in true_xyxy], dtype=np.int64)
    for i in np.flatnonzero((n_true > 1) & (counts > 0)).tolist():
        own = slice(starts[i], starts[i] + counts[i])
        result[own] = match_arrays(boxes_xyxy[own], scores[own], true_xyxy[i], iou_threshold, within_px)
    is_alone = n_true == 1
    rows = np.flatnonzero(np.repeat(is_alone, counts))
    if len(rows):
        owners = np.repeat(np.arange(len(counts)), counts)[rows]
        true = np.zeros((len(counts), 4))
        true[is_alone] = np.concatenate([true_xyxy[i] for i in np.flatnonzero(is_alone).tolist()])
        result[rows] = _match_alone(boxes_xyxy[rows], scores[rows], owners, true[owners], iou_threshold, within_px)
    return result


def _match_alone(
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    owners: NDArray[np.int64],
    true: NDArray[np.float64],
    iou_threshold: float,
    within_px: float | None,
) -> NDArray[np.int64]:
    """(n,) outcomes of boxes whose image has one true box, `true`; `owners` are the images, ascending."""
    if within_px is None:
        hits = iou_in_pairs(boxes, true) >= iou_threshold
    else:
        hits = -distance_in_pairs(centres(boxes), true) >= -within_px
    order = np.lexsort((-scores, owners))
    by_score = order[hits[order]]
    is_first = np.diff(owners[by_score], prepend=-1) > 0
    outcomes = np.full(len(boxes), FALSE)
    outcomes[by_score] = np.where(is_first, FIRST, AGAIN)
    return outcomes


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
