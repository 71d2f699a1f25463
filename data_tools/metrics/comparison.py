"""Two approaches on the same images: paired bootstrap clustered by group, Wilcoxon, McNemar, Holm."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
_CHUNK = 500


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % percentile interval from the bootstrap."""

    value: float
    ci95: tuple[float, float]


def cluster_bootstrap(
    values: NDArray[np.float64], groups: Sequence[str], seed: int, resamples: int = RESAMPLES
) -> Interval | None:
    """The mean of `values` and its interval, whole groups drawn with replacement; None of no values.

    Images of one lot resemble each other, so drawing them one by one would make the interval too narrow. For a paired
    comparison give the differences.
    """
    if not len(values):
        return None
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    total = len(sums)
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, _CHUNK):
        drawn = rng.multinomial(total, np.full(total, 1 / total), size=min(_CHUNK, resamples - start))
        means.append((drawn @ sums) / (drawn @ counts))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(np.mean(values)), (float(low), float(high)))


def wilcoxon(differences: NDArray[np.float64]) -> tuple[float, float] | None:
    """Wilcoxon's signed-rank statistic and two-sided p-value; zero differences are dropped (Wilcoxon's own rule).

    None where nothing is left. Exact for up to 50 differences without ties, else the normal approximation.
    """
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return None
    from scipy.stats import wilcoxon as scipy_wilcoxon

    ties = len(np.unique(np.abs(nonzero))) < len(nonzero)
    method = "approx" if ties or len(nonzero) > 50 else "exact"
    result = scipy_wilcoxon(nonzero, zero_method="wilcox", method=method)
    return float(result.statistic), float(result.pvalue)


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value of McNemar's test, from the images that only a, and only b, got right."""
    discordant = only_a + only_b
    if not discordant:
        return 1.0
    from scipy.stats import binom

    return float(min(1.0, 2 * binom.cdf(min(only_a, only_b), discordant, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values of a family, in the order given."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return [float(value) for value in adjusted]
