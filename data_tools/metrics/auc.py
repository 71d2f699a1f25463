"""Area under the ROC curve, and DeLong's test of two (DeLong et al., Biometrics 1988; Sun & Xu, IEEE SPL 2014)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.metrics.average_precision import hits_from_the_top

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AucDifference:
    """AUC of a minus AUC of b on the same images, with a two-sided p-value; no z where it has no spread."""

    difference: float
    z: float | None
    p_value: float


def roc_auc(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """Share of positive-negative pairs in which the positive scores higher, ties counting half.

    Args:
        scores: (n,) finite, higher means more defective.
        positive: (n,) whether the image shows a defect.

    Returns:
        0..1, or None where one of the classes is missing.
    """
    flags = np.asarray(positive, dtype=bool)
    if flags.all() or not flags.any():
        return None
    won, _ = _pairs_won(np.asarray(scores, dtype=np.float64), flags)
    # halves are added without rounding, so that equal AUCs are equal numbers whatever the order of the images
    return float(won.sum() / (len(won) * (len(flags) - len(won))))


def roc_curve(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
    """False- and true-positive rates, one point a distinct score from (0, 0) on; None where a class is missing."""
    flags = np.asarray(positive, dtype=bool)
    if flags.all() or not flags.any():
        return None
    hits, taken = hits_from_the_top(scores, flags)
    falses = taken - hits
    return np.append(0.0, falses / falses[-1]), np.append(0.0, hits / hits[-1])


def compare_auc(a: ArrayLike, b: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> AucDifference | None:
    """Paired DeLong test of two scores of the same images; None where one of the classes is missing."""
    flags = np.asarray(positive, dtype=bool)
    first, second = roc_auc(a, flags), roc_auc(b, flags)
    if first is None or second is None:
        return None
    covariance = _covariance([np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)], flags)
    difference = first - second
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if variance <= 1e-16:
        same = abs(difference) < 1e-12
        return AucDifference(difference, None, 1.0 if same else 0.0)
    from scipy.special import ndtr  # scipy.stats, which has the same, takes seconds to import

    z = difference / float(np.sqrt(variance))
    return AucDifference(difference, z, float(2 * ndtr(-abs(z))))


def placements(
    scores: NDArray[np.float64], flags: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each positive the share of negatives below it, and for each negative the share of positives above it.

    Args:
        scores: (n,) higher is more defective.
        flags: (n,) whether an image is positive; both classes are there.
    """
    below, above = _pairs_won(scores, flags)
    return below / len(above), above / len(below)


def _pairs_won(scores: Floats, flags: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """For each positive the number of negatives below it, and for each negative of positives above; ties are halves."""
    yes, no = scores[flags], scores[~flags]
    sorted_yes, sorted_no = np.sort(yes), np.sort(no)
    below = (np.searchsorted(sorted_no, yes, "left") + np.searchsorted(sorted_no, yes, "right")) / 2
    above = len(yes) - (np.searchsorted(sorted_yes, no, "left") + np.searchsorted(sorted_yes, no, "right")) / 2
    return below, above


def _covariance(columns: list[NDArray[np.float64]], flags: NDArray[np.bool_]) -> NDArray[np.float64]:
    """DeLong's (k, k) covariance of k AUCs; 0 for a class with one image, whose spread is unknown."""
    placed = [placements(column, flags) for column in columns]
    total = np.zeros((len(columns), len(columns)))
    for side in (0, 1):
        rows = np.stack([placement[side] for placement in placed])
        if rows.shape[1] > 1:
            total += np.atleast_2d(np.cov(rows)) / rows.shape[1]
    return total
