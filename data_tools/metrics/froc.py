"""Free-response ROC: lesions found against false boxes an image (Bunch et al. 1978), which COCO's mAP cannot see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import centres, iou, point_to_box_distance
from data_tools.records import GOOD, UNBOXED, Prediction, Sample

FALSE_BOXES_PER_IMAGE = (0.125, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True)
class Froc:
    """The curve, one point for each box from the most to the least certain.

    Attributes:
        false_per_image: (n,) false boxes an image, on all images or on good ones.
        lesion_fraction: (n,) share of true boxes found.
    """

    false_per_image: NDArray[np.float64]
    lesion_fraction: NDArray[np.float64]

    def at(self, false_per_image: float) -> float:
        """The largest lesion fraction at no more than so many false boxes an image."""
        allowed = self.lesion_fraction[self.false_per_image <= false_per_image]
        return float(allowed.max()) if len(allowed) else 0.0


def froc(
    samples: Sequence[Sample], predictions: Sequence[Prediction], iou_threshold: float = 0.5,
    within_px: float | None = None, false_on_good_only: bool = False,
) -> Froc | None:  # fmt: skip
    """The FROC curve; unboxed images are left out. None without a true box, or without images to count false boxes on.

    Args:
        samples: the truth.
        predictions: one for each sample, in the same order.
        iou_threshold: a box hits a true box at this IoU.
        within_px: if given, a box hits instead when its centre lies within so many pixels of the true box.
        false_on_good_only: count false boxes on good images alone, and divide by their number.
    """
    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status != UNBOXED]
    lesions = sum(len(s.boxes_xyxy) for s, _ in pairs)
    counted = [s for s, _ in pairs if s.status == GOOD or not false_on_good_only]
    if not lesions or not counted:
        return None
    scores, hits, falses = [], [], []
    for sample, prediction in pairs:
        hit = _hits(sample, prediction, iou_threshold, within_px)
        scores.append(prediction.box_scores)
        hits.append(hit == _FIRST)
        falses.append((hit == _FALSE) & (sample.status == GOOD or not false_on_good_only))
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Froc(
        np.cumsum(np.concatenate(falses)[order]) / len(counted), np.cumsum(np.concatenate(hits)[order]) / lesions
    )


_FALSE, _FIRST, _AGAIN = 0, 1, 2


def _hits(sample: Sample, prediction: Prediction, iou_threshold: float, within_px: float | None) -> NDArray[np.int64]:
    """For each predicted box: false, the first hit of a true box, or a further hit of one that is found already."""
    result = np.full(len(prediction.boxes_xyxy), _FALSE)
    if not len(sample.boxes_xyxy) or not len(result):
        return result
    if within_px is None:
        closeness = iou(prediction.boxes_xyxy, sample.boxes_xyxy)
        matches = closeness >= iou_threshold
    else:
        closeness = -point_to_box_distance(centres(prediction.boxes_xyxy), sample.boxes_xyxy)
        matches = closeness >= -within_px
    found = np.zeros(len(sample.boxes_xyxy), dtype=bool)
    for row in np.argsort(-prediction.box_scores, kind="stable"):
        candidates = np.flatnonzero(matches[row])
        if len(candidates):
            free = candidates[~found[candidates]]
            result[row] = _FIRST if len(free) else _AGAIN
            if len(free):
                found[free[np.argmax(closeness[row, free])]] = True
    return result
