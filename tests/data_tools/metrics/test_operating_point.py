"""Thresholds by rate and by cost, worked out by hand, then held to a search over every threshold."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.errors import InputError
from data_tools.metrics.fpr_at_tpr import Outcome, outcome_at, threshold_at_tpr
from data_tools.metrics.operating_point import DEFAULT_RULE, Costs, EscapeRate, threshold_interval, uselessness

SCORES = [0.9, 0.8, 0.3, 0.7, 0.2, 0.1]
POSITIVE = [True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("escape", "overkill", "threshold"),
    [
        (10, 1, 0.3),  # one overkill for 1, rather than one escape for 10
        (1, 10, 0.8),
        (1, 1, 0.3),  # 0.8 costs one escape and 0.3 one overkill: the lower lets no defect escape
        (0.1, 0.1, 0.3),
    ],
)
def test_costs_choose_the_cheapest_threshold(escape: float, overkill: float, threshold: float) -> None:
    assert Costs(escape, overkill).threshold(SCORES, POSITIVE) == threshold


def test_a_tie_of_sums_that_floats_round_is_a_tie() -> None:
    # three escapes of .1 (.30000000000000004) or one overkill of .3
    scores, positive = [0.9, 0.5, 0.4, 0.3, 0.2], [True, False, True, True, True]
    assert Costs(0.1, 0.3).threshold(scores, positive) == 0.2


def test_where_flagging_never_pays_nothing_is_flagged() -> None:
    threshold = Costs(1, 100).threshold([0.9, 0.5], [False, True])
    assert threshold > 0.9
    assert threshold == math.nextafter(0.9, math.inf)


def test_equal_scores_are_flagged_together() -> None:
    assert Costs(3, 1).threshold([0.5, 0.5, 0.5], [True, False, False]) == 0.5
    assert Costs(1, 1).threshold([0.5, 0.5, 0.5], [True, False, False]) > 0.5


def test_the_default_rate_is_the_one_of_tpr_98_percent() -> None:
    scores, positive = np.random.default_rng(0).random(200), np.arange(200) % 2 == 0
    assert DEFAULT_RULE.tpr == 0.98
    assert EscapeRate(0.02).threshold(scores, positive) == threshold_at_tpr(scores, positive, 0.98)
    assert "2 %" in DEFAULT_RULE.words


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=30),
    st.floats(0.01, 100),
    st.floats(0.01, 100),
)
def test_no_other_threshold_costs_less(images: list[tuple[int, bool]], escape: float, overkill: float) -> None:
    scores, positive = [float(s) for s, _ in images], [p for _, p in images]
    rule = Costs(escape, overkill)

    def cost(threshold: float) -> float:
        outcome = outcome_at(scores, positive, threshold)
        return float(rule.of(outcome.escapes, outcome.overkills))

    chosen = rule.threshold(scores, positive)
    others = [cost(threshold) for threshold in (*scores, max(scores) + 1)]
    assert cost(chosen) <= min(others) * (1 + 1e-6)
    lower = [cost(score) for score in scores if score < chosen]
    assert all(other > cost(chosen) for other in lower)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Costs(0, 1), "cost of an escape 0"),
        (lambda: Costs(1, -2), "cost of an overkill -2"),
        (lambda: Costs(math.inf, 1), "positive"),
        (lambda: Costs(1e308, 1e308), "escape 1e.308: .* from 1e-09 to 1e.09"),
        (lambda: Costs(1, 5e-324), "overkill 4.9"),
        (lambda: Costs(1, math.nan), "positive"),
        (lambda: EscapeRate(1.0), "escape rate 1"),
        (lambda: EscapeRate(-0.1), "escape rate -0.1"),
        (lambda: EscapeRate(math.nan), "escape rate nan"),
    ],
)
def test_numbers_that_mean_nothing_are_refused(make, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_no_images_choose_nothing() -> None:
    with pytest.raises(ValueError, match="no images"):
        Costs(1, 1).threshold([], [])
    with pytest.raises(ValueError, match="no defect"):
        EscapeRate().threshold([0.5], [False])


def test_the_interval_of_a_threshold_comes_from_whole_groups() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(120) % 2 == 0
    scores = rng.random(120) / 2 + positive / 2
    groups = [f"g{i // 4}" for i in range(120)]
    for rule in (EscapeRate(0.1), Costs(5, 1)):
        low, high = threshold_interval(rule, scores, positive, groups, 0)
        assert low <= rule.threshold(scores, positive) <= high
        assert low < high
        assert threshold_interval(rule, scores, positive, groups, 0) == [low, high]
    assert threshold_interval(EscapeRate(), scores, positive, ["one"] * 120, 0) is None


@pytest.mark.parametrize(
    ("outcome", "goods", "words"),
    [
        (Outcome(0.0, 1.0, 1.0, 0, 4), 4, "flags every good image of validation (4 of 4)"),
        (Outcome(9.0, 0.0, 0.0, 2, 0), 4, "flags no image of validation"),
        (Outcome(0.5, 0.5, 0.25, 1, 1), 4, None),
        (Outcome(0.5, 0.0, 0.25, 2, 1), 4, None),  # no defect, and yet a good image
        (Outcome(0.5, 1.0, None, 0, 0), 0, None),  # no good image that it could pass
    ],
)
def test_a_threshold_that_decides_nothing_is_called_so(outcome: Outcome, goods: int, words: str | None) -> None:
    sentence = uselessness("validation", outcome, 2, goods)
    assert sentence is None if words is None else sentence is not None and words in sentence and "useless" in sentence


def test_good_images_alone_that_are_not_flagged_are_no_failure() -> None:
    assert uselessness("validation", Outcome(9.0, None, 0.0, 0, 0), 0, 4) is None
