"""Free-response ROC: lesions found against false boxes an image (Bunch et al. 1978), which COCO's mAP cannot see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import GOOD, Prediction, Sample
from data_tools.metrics.matching import FALSE, FIRST, match_all, without_unboxed

FALSE_BOXES_PER_IMAGE = (0.125, 0.25, 0.5, 1.0, 2.0)
_WITHIN_PX = 15.0
FROC_RULES: Mapping[str, tuple[float | None, bool]] = {
    "iou_0.5": (None, False),
    "centre_within_15px": (_WITHIN_PX, False),
    "iou_0.5_false_on_good_only": (None, True),
}
"""By name, how far in pixels from a true box a hit's centre may lie (None: a hit is an IoU of 0.5), and whether false
boxes are counted on good images alone, by whose number they are then divided."""


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


def froc_by_rule(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, Froc | None]:
    """The curve by each of `FROC_RULES`; unboxed images are left out.

    None without a true box, or without images to count false boxes on.

    Args:
        samples: the truth.
        predictions: one for each sample, in the same order.
    """
    samples, predictions = without_unboxed(samples, predictions)
    lesions = sum(len(sample.boxes_xyxy) for sample in samples)
    if not lesions:
        return dict.fromkeys(FROC_RULES)
    scores = np.concatenate([one.box_scores for one in predictions])
    order = np.argsort(-scores, kind="stable")
    hits = {within: match_all(samples, predictions, within_px=within)[order] for within in (None, _WITHIN_PX)}
    curves: dict[str, Froc | None] = {}
    for rule, (within, on_good_only) in FROC_RULES.items():
        may_count = [sample.status == GOOD or not on_good_only for sample in samples]
        counted = np.repeat(may_count, [len(one.box_scores) for one in predictions])[order]
        false = np.cumsum((hits[within] == FALSE) & counted)
        found = np.cumsum(hits[within] == FIRST) / lesions
        curves[rule] = Froc(false / sum(may_count), found, scores[order]) if any(may_count) else None
    return curves
