"""Two approaches on the same images: Wilcoxon, McNemar, Holm, and how many groups would settle the question."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.metrics.clustered import Ends

Z_95, Z_POWER_80 = 1.959963984540054, 0.8416212335729143
FEWEST_GROUPS = 6
"""With fewer no p-value of the sign-flip permutation can reach 5 %: 2 / 2^5 is .0625."""


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


def difference_of_intervals(
    first: float, first_ci95: Ends, second: float, second_ci95: Ends, groups: int
) -> tuple[Ends, float]:
    """First minus second of two values of which only the 95 % intervals are known: interval and two-sided p-value.

    As if the two were independent: the distances to the ends are added in squares (MOVER, Zou & Donner, Statistics in
    Medicine 2008). Of values from the same images it is too wide, since what these share cancels out in a paired
    comparison. The p-value is of Student's t with groups - 1 degrees, its error read from the side of the interval
    that faces 0, so that it is .05 where the interval ends at 0.

    Args:
        first, second: inside their intervals.
        first_ci95, second_ci95: ascending.
        groups: of images behind the values, at least two.

    >>> ends, p_value = difference_of_intervals(0.9, (0.86, 0.94), 0.95, (0.92, 0.98), 20)
    >>> [round(end, 3) for end in ends], round(p_value, 4)
    ([-0.1, -0.0], 0.05)
    """
    from scipy.special import stdtr, stdtrit

    difference = first - second
    down = math.hypot(first - first_ci95[0], second_ci95[1] - second)
    up = math.hypot(first_ci95[1] - first, second - second_ci95[0])
    to_zero = up if difference < 0 else down
    ends = difference - down, difference + up
    if difference == 0 or to_zero == 0:
        return ends, 1.0 if difference == 0 else 0.0
    steps = abs(difference) / to_zero * float(stdtrit(groups - 1, 0.975))
    return ends, 2 * float(stdtr(groups - 1, -steps))


def groups_to_settle(difference: float, ci95: tuple[float, float], groups: int, fewest: int) -> int | None:
    """Groups needed to show a difference of the size seen, at the 5 % level with 80 % power; None for no difference.

    The standard error, read from the interval's width, shrinks with the square root of the number of groups, and
    further groups are like these. There are no fewer than six, since below that no p-value can reach 5 %.

    Args:
        difference: seen.
        ci95: its interval, by Student's t with fewest - 1 degrees.
        groups: that it is over.
        fewest: of them those with the kind of image that the fewest have.
    """
    from scipy.special import stdtrit

    error = (ci95[1] - ci95[0]) / (2 * float(stdtrit(fewest - 1, 0.975)))
    if difference == 0 or error == 0:
        return None
    needed = groups * (error / difference) ** 2 * (Z_95 + Z_POWER_80) ** 2
    for _ in range(20):
        degrees = max(needed * fewest / groups, 2) - 1
        needed = groups * (error / difference) ** 2 * float(stdtrit(degrees, 0.975) + stdtrit(degrees, 0.8)) ** 2
    return max(math.ceil(needed), FEWEST_GROUPS) if needed < 1e9 else None
