"""Tests of single images, which treat them as independent: shown beside the test by group where each is its own group.

Each takes the same figure of two runs and gives its name and its p-value, or None where it is undefined.
"""

from collections.abc import Callable

from data_tools.metrics.auc import compare_auc
from data_tools.metrics.comparison import mcnemar, wilcoxon
from data_tools.metrics.figures import Figure, Mean, Ranked

PerImageTest = Callable[[Figure, Figure], tuple[str, float] | None]


def delong(a: Figure, b: Figure) -> tuple[str, float] | None:
    """DeLong's paired test of two AUCs."""
    assert isinstance(a, Ranked)
    assert isinstance(b, Ranked)
    tested = compare_auc(a.scores, b.scores, a.positive)
    return None if tested is None else ("DeLong", tested.p_value)


def exact_mcnemar(a: Figure, b: Figure) -> tuple[str, float] | None:
    """McNemar's exact test of two rates."""
    assert isinstance(a, Mean)
    assert isinstance(b, Mean)
    only_a, only_b = (int(((one.values > 0) & (other.values <= 0)).sum()) for one, other in ((a, b), (b, a)))
    return "exact McNemar", mcnemar(only_a, only_b)


def signed_rank(a: Figure, b: Figure) -> tuple[str, float] | None:
    """Wilcoxon's signed-rank test of two means on the same images, zero differences dropped."""
    assert isinstance(a, Mean)
    assert isinstance(b, Mean)
    tested = wilcoxon(a.values - b.values)
    return "Wilcoxon signed rank, zero differences dropped", 1.0 if tested is None else tested[1]
