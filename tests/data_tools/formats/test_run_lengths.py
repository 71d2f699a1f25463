"""Run lengths: by hand, then against masks that are unpacked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from data_tools.formats.shapes.run_lengths import box_of_runs, mask_down_columns, runs_of_counts, runs_of_pairs


def test_severstal_runs_go_down_the_columns_from_1() -> None:
    # 48 rows: pixel 1 is the top of column 0, 49 of column 1, 97 of column 2; 20 rows each
    runs = runs_of_pairs("1 20 49 20 97 20")
    assert not isinstance(runs, str)
    mask = mask_down_columns(*runs, (48, 64))
    assert not isinstance(mask, str)
    assert mask.shape == (48, 64)
    assert mask[:20, :3].all()
    assert mask.sum() == 60


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2 3", "come in pairs"),
        ("0 2", "starts at 0"),
        ("1 0", "length 0"),
        ("5 3 2 1", "out of order"),
        ("1 5 3 2", "overlap"),
        ("1 x", "no whole number"),
        ("1 -1", "no whole number"),
        ("1 1.5", "no whole number"),
        ("1 99999999999999999999", "no whole number"),
    ],
)
def test_what_run_lengths_must_not_be(text: str, reason: str) -> None:
    runs = runs_of_pairs(text)
    assert isinstance(runs, str)
    assert reason in runs


def test_runs_beyond_the_image_are_refused_before_anything_is_unpacked() -> None:
    runs = runs_of_pairs("999999999999 999999999999")
    assert not isinstance(runs, str)
    assert "has fewer" in str(mask_down_columns(*runs, (48, 64)))


def test_counts_begin_with_the_background() -> None:
    starts, lengths = runs_of_counts([2, 3, 5, 1])
    assert starts.tolist() == [2, 10]
    assert lengths.tolist() == [3, 1]
    with pytest.raises(ValueError, match="below 0"):
        runs_of_counts([1, -1])


def test_an_empty_mask_has_no_box() -> None:
    assert box_of_runs(*runs_of_counts([100]), 10) == "an empty mask"


@given(st_numpy.arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_the_box_of_runs_is_the_box_of_their_mask(mask: np.ndarray) -> None:
    padded = np.concatenate([[0], mask.ravel().astype(int), [0]])
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = box_of_runs(starts, ends - starts, mask.shape[1])
    want = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else "an empty mask"
    assert box == want


@given(st_numpy.arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_runs_down_the_columns_give_back_the_mask(mask: np.ndarray) -> None:
    padded = np.concatenate([[0], mask.T.ravel().astype(int), [0]])
    starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    text = " ".join(f"{start + 1} {end - start}" for start, end in zip(starts, ends, strict=True))
    runs = runs_of_pairs(text)
    assert not isinstance(runs, str)
    np.testing.assert_array_equal(mask_down_columns(*runs, mask.shape), mask)
