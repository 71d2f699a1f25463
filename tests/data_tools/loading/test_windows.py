import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.loading.windows import LEAST_VISIBLE, clipped, is_left, random_window, visible_share

WHOLE = (0, 0, 80, 60)


def test_the_share_of_a_box_in_a_window_by_hand() -> None:
    boxes = np.array([[10.0, 10, 30, 20], [0, 0, 80, 60], [70, 50, 80, 60]])
    assert visible_share(boxes, (20, 0, 60, 60)).tolist() == [0.5, 0.5, 0.0]
    assert clipped(boxes, (20, 0, 60, 60)).tolist()[:2] == [[20, 10, 30, 20], [20, 0, 60, 60]]


@given(
    st.integers(0, 10_000), st.floats(0, 0.9), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 50)), max_size=3)
)
def test_boxes_show_well_or_not_at_all(seed: int, most: float, corners: list[tuple[int, int]]) -> None:
    boxes = np.array([(x, y, x + 10, y + 10) for x, y in corners], dtype=float).reshape(-1, 4)
    x1, y1, x2, y2 = window = random_window((60, 80), boxes, most, np.random.default_rng(seed))
    assert 0 <= x1 < x2 <= 80
    assert 0 <= y1 < y2 <= 60
    assert x2 - x1 >= round(80 * (1 - most)) - 1
    shown = visible_share(boxes, window)
    assert ((shown == 0) | (shown >= LEAST_VISIBLE)).all()
    assert not len(boxes) or shown.max() >= LEAST_VISIBLE


def test_the_scale_does_not_give_a_small_defect_away() -> None:
    """With the same random numbers a defect image gets a window of the same size as a good one."""
    boxes = np.array([[40.0, 30, 44, 36]])
    for seed in range(30):
        good = random_window((60, 80), np.zeros((0, 4)), 0.5, np.random.default_rng(seed))
        bad = random_window((60, 80), boxes, 0.5, np.random.default_rng(seed))
        assert bad == WHOLE or (bad[2] - bad[0], bad[3] - bad[1]) == (good[2] - good[0], good[3] - good[1])


def test_where_no_place_is_found_the_whole_image_shows() -> None:
    corners = np.array([[0.0, 0, 8, 60], [72, 0, 80, 60], [0, 0, 80, 6], [0, 54, 80, 60]])  # a frame
    crossed = np.concatenate([corners, [[0.0, 29, 80, 31]]])
    windows = {random_window((60, 80), crossed, 0.9, np.random.default_rng(seed)) for seed in range(20)}
    assert WHOLE in windows


def test_without_zoom_the_whole_image_shows() -> None:
    assert random_window((60, 80), np.zeros((0, 4)), 0.0, np.random.default_rng(0)) == WHOLE


def test_the_boxes_are_not_changed() -> None:
    boxes = np.array([[5.0, 5, 20, 20]])
    clipped(boxes, (10, 10, 40, 40))
    assert boxes.tolist() == [[5, 5, 20, 20]]
    with pytest.raises(ValueError, match="broadcast"):
        clipped(np.zeros((2, 3)), WHOLE)


def test_less_than_half_a_pixel_is_nothing_left() -> None:
    cut = np.array([[3.0, 0, 3.5, 9], [3.0, 0, 3.49, 9], [3.0, 5, 9, 5]])
    assert is_left(cut).tolist() == [True, False, False]
