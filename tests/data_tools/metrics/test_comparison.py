import numpy as np
import pytest
from scipy.stats import t

from data_tools.metrics.bootstrap import Clusters, distributions, mean_of, percentile_interval
from data_tools.metrics.comparison import (
    FEWEST_GROUPS,
    difference_of_intervals,
    groups_to_settle,
    holm,
    mcnemar,
    wilcoxon,
)
from data_tools.metrics.sign_flip import smallest_p_value


@pytest.mark.parametrize(("only_a", "only_b", "p_value"), [(1, 9, 0.0215), (0, 5, 0.0625), (9, 1, 0.0215), (0, 0, 1.0)])
def test_mcnemar_by_hand(only_a: int, only_b: int, p_value: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p_value, abs=1e-4)


def test_wilcoxon_by_hand() -> None:
    assert wilcoxon(np.array([1.0, 2, 3, 4, 5, -6])) == pytest.approx((6.0, 0.4375))
    assert wilcoxon(np.array([0.0, 0, 1, 2, 3, 4, 5, -6])) == pytest.approx((6.0, 0.4375))
    assert wilcoxon(np.zeros(3)) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_bootstrap_covers_the_mean_and_widens_with_groups() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(1.0, 1.0, 40), 10)
    widths = []
    for size in (1, 10):
        clusters = Clusters.of([str(i // size) for i in range(400)])
        ends = percentile_interval(distributions(clusters, [mean_of(values, clusters)], 0)[:, 0])
        assert ends is not None
        assert ends[0] < values.mean() < ends[1]
        widths.append(ends[1] - ends[0])
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(10), rel=0.2)


def test_wilcoxon_is_scipys() -> None:
    from scipy.stats import wilcoxon as reference

    differences = np.random.default_rng(0).normal(0.3, 1, 40)
    expected = reference(differences)
    assert wilcoxon(differences) == pytest.approx((expected.statistic, expected.pvalue))


def test_two_intervals_by_hand() -> None:
    """Distances to the ends are 3, 4 and so 5 hundredths; each end takes the facing sides."""
    ends, p_value = difference_of_intervals(0.90, (0.86, 0.94), 0.95, (0.92, 0.98), 20)
    assert ends == pytest.approx((-0.10, 0.0))
    assert p_value == pytest.approx(0.05)
    ends, p_value = difference_of_intervals(1.0, (0.97, 1.0), 0.9, (0.88, 0.94), 8)
    assert ends == pytest.approx((0.1 - 0.05, 0.1 + 0.02))
    assert p_value == pytest.approx(2 * t.sf(2 * t.ppf(0.975, 7), 7))
    assert difference_of_intervals(0.5, (0.4, 0.6), 0.5, (0.4, 0.6), 2)[1] == 1.0


def test_how_many_groups_would_settle_it() -> None:
    """At a t of 1 the number of groups must grow by (t(.975) + t(.8))^2, which tends to (1.96 + 0.84)^2 = 7.85."""
    half = float(t.ppf(0.975, 999))
    assert groups_to_settle(1.0, (1 - half, 1 + half), 1000, 1000) == pytest.approx(7850, abs=3)
    assert groups_to_settle(-1.0, (-1 - half, -1 + half), 1000, 1000) == pytest.approx(7850, abs=3)
    few = float(t.ppf(0.975, 7))
    assert groups_to_settle(1.0, (1 - few, 1 + few), 8, 8) == 65  # 8 * (1.998 + 0.847)^2 = 64.7 with 64 degrees
    assert groups_to_settle(0.0, (-1.0, 1.0), 100, 100) is None
    assert groups_to_settle(1e-9, (-1.0, 1.0), 100, 100) is None


def test_fewer_than_six_groups_settle_nothing() -> None:
    assert smallest_p_value(FEWEST_GROUPS - 1) > 0.05 >= smallest_p_value(FEWEST_GROUPS)
    assert groups_to_settle(1.0, (0.99, 1.01), 8, 8) == FEWEST_GROUPS
