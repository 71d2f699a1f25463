"""Average precision: the sum of recall steps times precision, without interpolation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def average_precision(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """sum over thresholds of (R_k - R_{k-1}) P_k, equal scores sharing one threshold; None without positives."""
    flags = np.asarray(positive, dtype=bool)
    if not flags.any():
        return None
    hits, taken = hits_from_the_top(scores, flags)
    steps = np.diff(hits, prepend=0) / flags.sum()
    return float((steps * hits / taken).sum())


def precision_recall_curve(
    scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]
) -> tuple[Floats, Floats] | None:
    """Recall and precision, one point a distinct score from the highest down; None without positives."""
    flags = np.asarray(positive, dtype=bool)
    if not flags.any():
        return None
    hits, taken = hits_from_the_top(scores, flags)
    return hits / flags.sum(), hits / taken


def precision_at(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_], threshold: float) -> float | None:
    """Share of positives among what scores at least the threshold; None where nothing does."""
    flagged = np.asarray(scores, dtype=np.float64) >= threshold
    return float(np.asarray(positive, dtype=bool)[flagged].mean()) if flagged.any() else None


def hits_from_the_top(scores: ArrayLike, flags: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """At each distinct score from the highest down, how many positives and how many in all score at least that."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.append(np.diff(values[order]) != 0, True)
    return np.cumsum(flags[order])[last_of_tie], np.arange(1, len(flags) + 1)[last_of_tie]
