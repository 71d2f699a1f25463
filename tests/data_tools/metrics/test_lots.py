import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from data_tools.metrics.lots import benjamini_hochberg, lot_means, lots_apart, rank_sum, smallest_rank_sum_p


def test_rank_sum_by_hand() -> None:
    """Ten ways to choose two of five; two of them have ranks 4 + 5 or 1 + 2."""
    low, high = np.array([1.0, 2, 3]), np.array([4.0, 5])
    assert rank_sum(low, high, 0) == rank_sum(high, low, 0) == pytest.approx(0.2)
    assert rank_sum(np.ones(5), np.ones(3), 0) == 1.0
    assert smallest_rank_sum_p(3, 2) == pytest.approx(0.2)


@pytest.mark.parametrize(("n", "k", "tolerance"), [(12, 3, 1e-12), (40, 8, 0.01)])
def test_rank_sum_is_scipys_exact_one(n: int, k: int, tolerance: float) -> None:
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=n), rng.normal(0.6, 1, k)
    assert rank_sum(a, b, 0) == pytest.approx(mannwhitneyu(a, b, method="exact").pvalue, abs=tolerance)


def test_lot_means_by_hand() -> None:
    values, codes = np.array([[1.0, 1], [3, np.nan], [5, np.nan], [7, 2]]), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(lot_means(values, codes, 9, 0), [[2, 1], [6, 2]])
    one = lot_means(values[:, :1], codes, 1, 0).ravel()
    assert one[0] in (1, 3)
    assert one[1] in (5, 7)
    alone = lot_means(np.array([[np.nan], [4.0]]), np.array([0, 1]), 3, 0)
    assert np.isnan(alone[0, 0])
    assert alone[1, 0] == 4


def test_a_lot_is_as_far_out_as_its_farthest_property() -> None:
    """Nineteen lots at 0..18: one at 100 is the farthest of twenty, one at 9 the nearest."""
    reference = np.column_stack([np.arange(19.0), np.ones(19)])
    new = np.array([[100.0, 1], [9.0, 1], [9.0, 2]])
    assert lots_apart(reference, new).tolist() == pytest.approx([1 / 20, 1.0, 1 / 20])


def test_lots_that_lack_a_value_are_not_far_out() -> None:
    reference = np.column_stack([np.arange(19.0), np.arange(19.0)])
    reference[3, 1] = np.nan
    assert lots_apart(reference, np.array([[9.0, np.nan]])).tolist() == [1.0]


def test_benjamini_hochberg_is_scipys() -> None:
    from scipy.stats import false_discovery_control

    p_values = np.random.default_rng(0).random(20) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p_values), false_discovery_control(p_values))
    assert len(benjamini_hochberg([])) == 0
