"""Drift is seldom claimed where nothing has changed, found where something has, and refused with too few lots."""

import numpy as np
import pytest

from data_tools.auditing.drift import Measured, describe_drift, find_drift
from tests.benchmarks.bench_drift import null, power


@pytest.mark.parametrize(("lots", "correlation", "tail"), [((20, 1), 0.7, True), ((20, 8), 0.3, False)])
def test_nothing_is_claimed_where_nothing_has_changed(lots: tuple[int, int], correlation: float, tail: bool) -> None:
    """.05 of 40 is 2 with a deviation of 1.4."""
    assert null(lots, correlation, tail, 40).claimed <= 0.15


@pytest.mark.parametrize("change", ["brighter", "blurred", "noisier"])
def test_changes_are_found(change: str) -> None:
    assert power(change, (20, 6), 3).shift == 1.0
    assert power(change, (20, 1), 3).lot >= 0.6


def side(name: str, means: list[float], each: int = 2) -> Measured:
    values = np.repeat(means, each)[:, None]
    lots = tuple(f"{name}{i}" for i in range(len(means)) for _ in range(each))
    return Measured(name, ("gray",), values, lots, tuple(range(1, len(values) + 1)))


def test_the_level_is_shared_by_what_the_lots_allow() -> None:
    """2 / C(43, 3) and 1 / 41 are below .025; 1 / 21 is below .05 alone; with 3 and 2 lots nothing is."""
    assert find_drift(side("a", list(range(40))), side("b", [1, 2, 3])).levels == (0.025, 0.025)
    assert find_drift(side("a", list(range(20))), side("b", [1, 2, 3])).levels == (0.05, 0.0)
    assert find_drift(side("a", list(range(19))), side("b", [1])).levels == (0.0, 0.05)
    few = side("a", [1, 2, 3]), side("b", [90, 91])
    drift = find_drift(*few)
    assert drift.levels == (0.0, 0.0)
    (note, refusal) = describe_drift(drift, *few)
    assert note.level == refusal.level == "note"
    assert refusal.text.startswith("not enough groups: with 3 and 2 lots no shift can be shown and no single lot")


def test_a_lot_that_lies_apart_is_named() -> None:
    sides = side("a", list(range(100, 119))), side("b", [300])
    (warning, _, too_few) = describe_drift(find_drift(*sides), *sides)
    assert warning.level == "warning"
    assert "1 of 1 lots lie further out than those of a: b0" in warning.text
    assert warning.image_ids == (1, 2)
    assert "no shift can be shown" in too_few.text
    assert "no single lot" not in too_few.text
    of_more = side("a", list(range(20))), side("b", [1, 2, 3])
    assert "which takes 39 lots or more in a" in describe_drift(find_drift(*of_more), *of_more)[-1].text


def test_what_does_not_vary_is_not_compared() -> None:
    sides = side("a", [5.0] * 30), side("b", [5.0] * 4)
    drift = find_drift(*sides)
    assert drift.shifts == ()
    assert drift.lots_apart == []
    assert "nothing that varies" in describe_drift(drift, *sides)[0].text
