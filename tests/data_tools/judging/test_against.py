"""Simulated models against an earlier report, a few cases of the benchmark; the limits leave room for chance."""

import pytest

from data_tools.judging.against import corrected
from data_tools.judging.changes import BETTER, NOT_SHOWN, TOO_FEW_GROUPS, WORSE, Change
from tests.benchmarks.bench_against import WORSE_MODEL, shares


@pytest.mark.parametrize(("groups", "correlation"), [(12, 0.7), (30, 0.3)])
def test_an_equal_model_seldom_ends_in_status_1(groups: int, correlation: float) -> None:
    """.07 of 40 is 3 with a deviation of 1.6."""
    found = shares(groups, correlation, 40)
    assert found.by_images <= 0.12
    assert found.by_intervals <= 0.12


def test_a_worse_model_is_found() -> None:
    found = shares(30, 0.3, 12, WORSE_MODEL)
    assert found.by_images >= 0.6
    assert found.by_intervals >= 0.6


def change(metric: str, old: float, new: float, p_value: float | None, groups: int = 20, paired: bool = True) -> Change:
    half = abs(new - old) / 2
    ci95 = None if p_value is None else (new - old - half, new - old + half)
    return Change(metric, "m", "m", old, new, ci95, p_value, paired, "by hand", 40, groups)


def test_holm_covers_all_figures_and_the_direction_is_the_metric_s() -> None:
    found = corrected(
        [
            change("auc", 0.9, 0.8, 0.01),
            change("peak_distance", 4.0, 6.0, 0.02),
            change("hit_rate", 0.5, 0.7, 0.001),
            change("dra_20px", 0.5, 0.7, 0.04),
            change("average_precision", 0.5, 0.4, None),
        ]
    )
    assert [one.p_value_holm for one in found] == [pytest.approx(0.03), pytest.approx(0.04), 0.004, 0.04, None]
    assert [one.change for one in found] == [WORSE, WORSE, BETTER, BETTER, TOO_FEW_GROUPS]


def test_where_no_p_value_can_be_small_nothing_is_claimed_either_way() -> None:
    """Five groups: no p below 2 / 2^5; from intervals there is no such floor."""
    assert corrected([change("auc", 0.9, 0.8, 0.0625, groups=5)])[0].change == TOO_FEW_GROUPS
    assert corrected([change("auc", 0.9, 0.8, 0.0625, groups=5, paired=False)])[0].change == NOT_SHOWN
    assert corrected([change("auc", 0.9, 0.8, 0.06)])[0].change == NOT_SHOWN


def test_an_interval_that_spans_zero_shows_nothing() -> None:
    spanning = Change("auc", "m", "m", 0.9, 0.8, (-0.3, 0.1), 0.001, True, "by hand", 40, 20)
    assert corrected([spanning])[0].change == NOT_SHOWN
