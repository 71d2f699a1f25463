import numpy as np
import pytest

from data_tools.metrics.bootstrap import cluster_bootstrap
from data_tools.metrics.comparison import holm, images_to_settle, mcnemar, wilcoxon


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
    alone = cluster_bootstrap(values, [str(i) for i in range(400)], 0)
    grouped = cluster_bootstrap(values, [str(i // 10) for i in range(400)], 0)
    assert alone is not None
    assert grouped is not None
    assert alone.value == grouped.value == pytest.approx(values.mean())
    width = [one.ci95[1] - one.ci95[0] for one in (alone, grouped)]
    assert width[1] / width[0] == pytest.approx(np.sqrt(10), rel=0.2)
    assert cluster_bootstrap(np.zeros(0), [], 0) is None


def test_wilcoxon_is_scipys() -> None:
    from scipy.stats import wilcoxon as reference

    differences = np.random.default_rng(0).normal(0.3, 1, 40)
    expected = reference(differences)
    assert wilcoxon(differences) == pytest.approx((expected.statistic, expected.pvalue))


def test_how_many_images_would_settle_it() -> None:
    """At z = 1 the sample must grow by (1.96 + 0.84)^2 = 7.85."""
    assert images_to_settle(1.0, (1 - 1.959964, 1 + 1.959964), 100) == 785
    assert images_to_settle(-1.0, (-1 - 1.959964, -1 + 1.959964), 100) == 785
    assert images_to_settle(0.0, (-1.0, 1.0), 100) is None
    assert images_to_settle(1e-9, (-1.0, 1.0), 100) is None
