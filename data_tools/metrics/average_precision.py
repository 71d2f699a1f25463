"""Average precision: the sum of recall steps times precision, without interpolation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.metrics.bootstrap import RESAMPLES, Clusters, average_precision_of, distributions, percentile_interval


def average_precision(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """sum over thresholds of (R_k - R_{k-1}) P_k, equal scores sharing one threshold; None without positives."""
    flags = np.asarray(positive, dtype=bool)
    if not flags.any():
        return None
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last_of_tie = np.append(np.diff(values[order]) != 0, True)
    found = np.cumsum(flags[order])[last_of_tie]
    taken = np.arange(1, len(flags) + 1)[last_of_tie]
    steps = np.diff(found, prepend=0) / flags.sum()
    return float((steps * found / taken).sum())


def average_precision_interval(
    scores: ArrayLike,
    positive: Sequence[bool] | NDArray[np.bool_],
    groups: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """95 % percentile interval of the average precision, whole groups resampled; None without positives."""
    clusters = Clusters.of(groups)
    drawn = distributions(clusters, [average_precision_of(scores, positive, clusters)], seed, resamples)
    return percentile_interval(drawn[:, 0])
