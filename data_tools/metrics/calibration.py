"""Calibration: does a score of 0.8 mean a defect in 80 % of the cases?

Brier score (Brier 1950), expected calibration error and reliability diagram (Guo et al., ICML 2017).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15


def calibration(
    scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_], bins: int = BINS
) -> dict[str, object] | None:
    """Brier score, expected calibration error and the reliability diagram.

    Args:
        scores: (n,) read as the probability of a defect.
        positive: (n,) whether the image shows a defect.
        bins: number of equal intervals (a, b] of 0..1, the first of which holds 0 as well.

    Returns:
        "brier", "ece", and "reliability": for each bin that is not empty the mean score, the share of defects, and n.
        None of no images, or where a score lies outside 0..1 and so is no probability.
    """
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=np.float64)
    if not len(values) or values.min() < 0 or values.max() > 1:
        return None
    which = np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1)
    sizes = np.bincount(which, minlength=bins)
    filled = sizes > 0
    said = np.bincount(which, weights=values, minlength=bins)[filled] / sizes[filled]
    seen = np.bincount(which, weights=flags, minlength=bins)[filled] / sizes[filled]
    return {
        "brier": float(np.mean((values - flags) ** 2)),
        "ece": float(np.abs(said - seen) @ sizes[filled] / len(values)),
        "reliability": [
            {"mean_score": float(a), "defect_share": float(b), "n": int(n)}
            for a, b, n in zip(said, seen, sizes[filled], strict=True)
        ],
    }
