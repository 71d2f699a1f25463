"""Free-response ROC: lesions found against false boxes an image (Bunch et al. 1978), which COCO's mAP cannot see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import GOOD, UNBOXED, Prediction, Sample
from data_tools.metrics.matching import FALSE, FIRST, match_all

WITHIN_PX = 15.0
FALSE_BOXES_PER_IMAGE = (0.125, 0.25, 0.5, 1.0, 2.0)
FROC_RULES: Mapping[str, dict[str, Any]] = {
    "iou_0.5": {},
    "centre_within_15px": {"within_px": WITHIN_PX},
    "iou_0.5_false_on_good_only": {"false_on_good_only": True},
}
"""What a hit and what a false box is, by name, as arguments of `froc`."""


@dataclass(frozen=True)
class Froc:
    """The curve, one point for each box from the most to the least certain.

    Attributes:
        false_per_image: (n,) false boxes an image, on all images or on good ones.
        lesion_fraction: (n,) share of true boxes found.
        thresholds: (n,) the box scores.
    """

    false_per_image: NDArray[np.float64]
    lesion_fraction: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    def at(self, false_per_image: float) -> float:
        """The largest lesion fraction at no more than so many false boxes an image, equal scores taken together."""
        ends = np.append(np.diff(self.thresholds) != 0, True) if len(self.thresholds) else np.zeros(0, dtype=bool)
        allowed = self.lesion_fraction[ends & (self.false_per_image <= false_per_image)]
        return float(allowed.max()) if len(allowed) else 0.0


def froc(
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    iou_threshold: float = 0.5,
    within_px: float | None = None,
    false_on_good_only: bool = False,
) -> Froc | None:
    """The FROC curve; unboxed images are left out. None without a true box, or without images to count false boxes on.

    Args:
        samples: the truth.
        predictions: one for each sample, in the same order.
        iou_threshold: a box hits a true box at this IoU.
        within_px: if given, a box hits instead when its centre lies within so many pixels of the true box.
        false_on_good_only: count false boxes on good images alone, and divide by their number.
    """
    return _Boxes(samples, predictions).curve(iou_threshold, within_px, false_on_good_only)


def froc_by_rule(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, Froc | None]:
    """The curve by each of `FROC_RULES`; arguments as for `froc`."""
    boxes = _Boxes(samples, predictions)
    return {rule: boxes.curve(**options) for rule, options in FROC_RULES.items()}


class _Boxes:
    """The predicted boxes of all but the unboxed images, from the highest score down; matched once by each rule."""

    def __init__(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> None:
        pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status != UNBOXED]
        self._samples, self._predictions = [s for s, _ in pairs], [p for _, p in pairs]
        scores = np.concatenate([np.zeros(0), *(p.box_scores for p in self._predictions)])
        self._order = np.argsort(-scores, kind="stable")
        self._scores = scores[self._order]
        self._hits: dict[tuple[float, float | None], NDArray[np.int64]] = {}

    def curve(
        self, iou_threshold: float = 0.5, within_px: float | None = None, false_on_good_only: bool = False
    ) -> Froc | None:
        """As `froc` has it."""
        lesions = sum(len(sample.boxes_xyxy) for sample in self._samples)
        may_count = [sample.status == GOOD or not false_on_good_only for sample in self._samples]
        if not lesions or not any(may_count):
            return None
        hits = self._matched(iou_threshold, within_px)
        counted = np.repeat(may_count, [len(one.box_scores) for one in self._predictions])[self._order]
        false = (hits == FALSE) & counted
        return Froc(np.cumsum(false) / sum(may_count), np.cumsum(hits == FIRST) / lesions, self._scores)

    def _matched(self, iou_threshold: float, within_px: float | None) -> NDArray[np.int64]:
        rule = iou_threshold, within_px
        if rule not in self._hits:
            self._hits[rule] = match_all(self._samples, self._predictions, *rule)[self._order]
        return self._hits[rule]
