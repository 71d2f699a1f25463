from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.metrics.sign_flip import RANDOM_FLIPS, linear, sign_flip, smallest_p_value


def test_by_hand() -> None:
    """Of the 16 sums of +-1 +-2 +-3 +-1, six are at least 5 in size: 7, 5 twice, and their negatives."""
    assert sign_flip(linear(np.array([1.0, 2.0, 3.0, -1.0])), 4, 0) == 6 / 16


@pytest.mark.parametrize("groups", range(2, 15))
def test_no_p_value_is_below_two_of_all_ways(groups: int) -> None:
    assert sign_flip(linear(np.ones(groups)), groups, 0) == 2 / 2**groups == smallest_p_value(groups)


def test_one_group_is_not_enough() -> None:
    assert sign_flip(linear(np.array([5.0])), 1, 0) is None
    assert sign_flip(linear(np.zeros(0)), 0, 0) is None


def test_no_difference_at_all() -> None:
    assert sign_flip(linear(np.zeros(8)), 8, 0) == 1.0
    assert sign_flip(linear(np.zeros(40)), 40, 0) == 1.0


def test_many_groups_are_drawn_with_the_one_seen_added() -> None:
    assert sign_flip(linear(np.ones(60)), 60, 0) == 1 / (RANDOM_FLIPS + 1) == smallest_p_value(60)
    differences = np.random.default_rng(0).normal(0.3, 1, 40)
    first, second = (sign_flip(linear(differences), 40, seed) for seed in (3, 3))
    other = sign_flip(linear(differences), 40, 4)
    assert first == second
    assert first == pytest.approx(other, abs=0.01)


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=8))
def test_every_way_written_out(differences: list[int]) -> None:
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    expected = np.mean([one >= abs(sum(differences)) for one in sums])
    # in tenths, which are not exact as floats
    assert sign_flip(linear(np.array(differences) / 10), len(differences), 0) == expected


def test_an_undefined_difference_has_no_p_value() -> None:
    assert sign_flip(lambda signs: np.full(len(signs), np.nan), 5, 0) is None
