"""Located escape and overkill: a defect is caught only if its image is flagged and its peak lies close enough."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOCATED_TPR = 0.997


@dataclass(frozen=True)
class Located:
    """Overkill at a located TPR, or the reason why there is none.

    Attributes:
        fpr: share of good images flagged at `threshold`; None where the TPR is unreachable.
        threshold: the highest image score that keeps the TPR; None where it is unreachable.
        ceiling: the located TPR with every image flagged, which the peaks alone set.
    """

    fpr: float | None
    threshold: float | None
    ceiling: float


def overkill_at_located_tpr(
    scores: NDArray[np.float64],
    to_box: NDArray[np.float64],
    good_scores: NDArray[np.float64],
    tolerance_px: float,
    tpr: float = LOCATED_TPR,
) -> Located | None:
    """The highest threshold at which at least `tpr` of the boxed images are flagged with a peak within the tolerance.

    Args:
        scores: (n,) image scores of the boxed images.
        to_box: (n,) distances of their peaks, infinite for an abstention.
        good_scores: (m,) image scores of the good images.
        tolerance_px: a peak this far from the box still points to it.
        tpr: the located TPR wanted.

    Returns:
        None without boxed or without good images.
    """
    if not len(scores) or not len(good_scores):
        return None
    located = np.sort(scores[to_box <= tolerance_px])[::-1]
    ceiling = len(located) / len(scores)
    k = max(math.ceil(tpr * len(scores) - 1e-9), 1)
    if k > len(located):
        return Located(None, None, ceiling)
    threshold = float(located[k - 1])
    return Located(float((good_scores >= threshold).mean()), threshold, ceiling)


def end_to_end(to_box: NDArray[np.float64], scores: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """(n,) distances of boxed images with the detection in the way: a defect that is not flagged is infinitely far."""
    return np.where(scores >= threshold, to_box, np.inf)
