import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from data_tools.metrics.auc import compare_auc, roc_auc, roc_curve


def both(positive: list[float], negative: list[float]) -> tuple[list[float], list[bool]]:
    return positive + negative, [True] * len(positive) + [False] * len(negative)


def test_a_vector_worked_out_by_hand() -> None:
    assert roc_auc(*both([0.9, 0.8, 0.3], [0.7, 0.2, 0.1])) == pytest.approx(8 / 9)


def test_a_tie_counts_half() -> None:
    assert roc_auc(*both([0.9, 0.5], [0.5, 0.1])) == pytest.approx(0.875)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30), st.lists(st.integers(0, 8), min_size=1, max_size=30))
def test_equal_shares_of_pairs_are_equal_numbers(positive: list[int], negative: list[int]) -> None:
    halves = sum(2 * (p > n) + (p == n) for p in positive for n in negative)
    assert roc_auc(*both(positive, negative)) == halves / 2 / (len(positive) * len(negative))


def test_one_class_is_undefined() -> None:
    assert roc_auc([0.1, 0.2], [True, True]) is None
    assert roc_auc([0.1, 0.2], [False, False]) is None
    assert compare_auc([0.1], [0.2], [True]) is None


def test_paired_comparison_by_hand() -> None:
    a, flags = both([0.9, 0.8, 0.3], [0.7, 0.2, 0.1])
    b, _ = both([0.9, 0.3, 0.2], [0.8, 0.7, 0.1])
    found = compare_auc(a, b, flags)
    assert found is not None
    assert found.difference == pytest.approx(1 / 3)
    assert found.p_value == pytest.approx(0.2207, abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60), st.randoms())
def test_like_scikit_learn_and_blind_to_order(rows: list[tuple[int, bool]], random: np.random.Generator) -> None:
    scores, flags = [float(s) for s, _ in rows], [f for _, f in rows]
    if len(set(flags)) < 2:
        assert roc_auc(scores, flags) is None
        return
    assert roc_auc(scores, flags) == pytest.approx(roc_auc_score(flags, scores))
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert roc_auc([float(s) for s, _ in shuffled], [f for _, f in shuffled]) == pytest.approx(roc_auc(scores, flags))


def test_roc_curve_by_hand() -> None:
    positive = [True, True, True, False, False, False]
    curve = roc_curve([0.9, 0.8, 0.3, 0.7, 0.2, 0.1], positive)
    assert curve is not None
    fpr, tpr = curve
    assert fpr.tolist() == [0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1]
    assert tpr.tolist() == [0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1]
    tied = roc_curve([0.5] * 6, positive)
    assert tied is not None
    assert [part.tolist() for part in tied] == [[0, 1], [0, 1]]
    assert roc_curve([0.1, 0.2], [True, True]) is None
