"""False-positive rate at a fixed true-positive rate: overkill at a fixed escape rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

TPRS = (0.98, 0.991, 0.993, 0.995, 0.997, 1.0)


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold (an image is flagged when its score is at least that) and the share of good images it flags."""

    fpr: float
    threshold: float


@dataclass(frozen=True)
class Outcome:
    """What a given threshold does: rates, and counts of missed defects and of good images flagged."""

    threshold: float
    tpr: float | None
    fpr: float | None
    escapes: int
    overkills: int


def fpr_at_tpr(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_], tpr: float) -> OperatingPoint | None:
    """The highest threshold that keeps at least `tpr` of the positives, never interpolated.

    The threshold is the k-th largest positive score with k = ceil(tpr * positives). None where a class is missing.
    """
    flags = np.asarray(positive, dtype=bool)
    if flags.all() or not flags.any():
        return None
    values = np.asarray(scores, dtype=np.float64)
    threshold = threshold_at_tpr(values, flags, tpr)
    return OperatingPoint(float((values[~flags] >= threshold).mean()), threshold)


def threshold_at_tpr(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_], tpr: float) -> float:
    """The k-th largest positive score with k = ceil(tpr * positives).

    Raises:
        ValueError: no positives, so no threshold can be chosen.
    """
    flags = np.asarray(positive, dtype=bool)
    yes = np.sort(np.asarray(scores, dtype=np.float64)[flags])[::-1]
    if not len(yes):
        raise ValueError("no defect images, so no threshold can be chosen")
    # a product such as 0.98 * 50 = 49.00000000000001 must not ask for one more
    k = max(math.ceil(tpr * len(yes) - 1e-9), 1)
    return float(yes[k - 1])


def outcome_at(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_], threshold: float) -> Outcome:
    """What a threshold chosen elsewhere does here."""
    flags = np.asarray(positive, dtype=bool)
    flagged = np.asarray(scores, dtype=np.float64) >= threshold
    tpr = float(flagged[flags].mean()) if flags.any() else None
    fpr = float(flagged[~flags].mean()) if not flags.all() else None
    return Outcome(threshold, tpr, fpr, int((~flagged[flags]).sum()), int(flagged[~flags].sum()))
