"""Windows cover every pixel; their boxes become one set, none twice and none lost."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.geometry import iou
from data_tools.core.slices import Seen, Window, join_slices, slices_of

LABEL = np.ones(1, dtype=np.int64)


def test_windows_by_hand() -> None:
    """10 wide, windows of 4, a quarter shared: steps of at most 3, so 0, 3, 6; a narrow area has one narrow window."""
    assert slices_of((0, 0, 10, 3), 4, 0.25) == ((0, 0, 4, 3), (3, 0, 7, 3), (6, 0, 10, 3))
    assert slices_of((5, 5, 8, 8), 4, 0.25) == ((5, 5, 8, 8),)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 120), st.sampled_from([0.0, 0.2, 0.5, 0.9]))
def test_windows_cover_everything_and_overlap(width: int, height: int, side: int, overlap: float) -> None:
    covered = np.zeros((height, width), dtype=bool)
    windows = slices_of((0, 0, width, height), side, overlap)
    for x1, y1, x2, y2 in windows:
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert (x2 - x1, y2 - y1) == (min(side, width), min(side, height))
        covered[y1:y2, x1:x2] = True
    assert covered.all()
    starts = sorted({x1 for x1, _, _, _ in windows})
    assert all(b - a <= max(side * (1 - overlap), 1) + 1 for a, b in itertools.pairwise(starts))


def seen(window: Window, boxes: list[list[float]], scores: list[float]) -> Seen:
    return Seen(
        window,
        np.array(boxes, dtype=float).reshape(-1, 4),
        np.array(scores),
        np.ones(len(boxes), dtype=np.int64),
    )


def test_two_parts_of_a_cut_line_become_one_box() -> None:
    """A line from 10 to 90 across windows of 60 that share 20: neither sees it all, and the parts share 20."""
    left = seen((0, 0, 60, 60), [[10, 20, 60, 24]], [0.9])
    right = seen((40, 0, 100, 60), [[40, 20, 90, 24]], [0.8])
    boxes, scores, labels = join_slices([left, right], (0, 0, 100, 60))
    assert boxes.tolist() == [[10, 20, 90, 24]]
    assert (scores.tolist(), labels.tolist()) == ([0.9], [1])


def test_a_whole_view_is_preferred_to_a_cut_one() -> None:
    left = seen((0, 0, 60, 60), [[50, 20, 60, 30]], [0.9])
    right = seen((40, 0, 100, 60), [[50, 20, 70, 30]], [0.6])
    boxes, scores, _ = join_slices([left, right], (0, 0, 100, 60))
    assert (boxes.tolist(), scores.tolist()) == ([[50, 20, 70, 30]], [0.9])


def test_the_mean_asks_the_whole_look_and_the_best_slice() -> None:
    """A box that three looks show, one that a slice shows alone, and one that the whole look shows alone."""
    whole = seen((0, 0, 100, 60), [[45, 20, 55, 30], [80, 40, 99, 59]], [0.5, 0.7])
    left = seen((0, 0, 60, 60), [[45, 20, 55, 30], [5, 5, 15, 15]], [0.7, 0.9])
    right = seen((40, 0, 100, 60), [[45, 20, 55, 30]], [0.2])
    boxes, scores, labels = join_slices([whole, left, right], (0, 0, 100, 60), scores_of="mean")
    np.testing.assert_allclose(boxes, [[45, 20, 55, 30], [5, 5, 15, 15], [80, 40, 99, 59]])
    np.testing.assert_allclose(scores, [(0.5 + 0.7) / 2, 0.9 / 2, 0.7 / 2])
    assert labels.tolist() == [1, 1, 1]
    alone = join_slices([whole, seen((0, 0, 60, 60), [], [])], (0, 0, 100, 60), scores_of="mean")
    np.testing.assert_allclose(alone[1], [0.35, 0.25])
    assert join_slices([], (0, 0, 9, 9), scores_of="mean")[1].shape == (0,)


def test_neighbours_in_one_window_stay_apart_though_the_whole_image_shows_them_as_one() -> None:
    whole = seen((0, 0, 100, 100), [[10, 10, 30, 20]], [0.5])
    part = seen((0, 0, 50, 50), [[10, 10, 21, 20], [22, 10, 30, 20]], [0.9, 0.8])
    boxes, _, _ = join_slices([whole, part], (0, 0, 100, 100))
    assert len(boxes) == 2


def test_no_window_no_box_and_labels_do_not_mix() -> None:
    assert join_slices([], (0, 0, 9, 9))[0].shape == (0, 4)
    one = seen((0, 0, 60, 60), [[50, 20, 58, 30]], [0.9])
    two = Seen((40, 0, 100, 60), one.boxes_xyxy, one.scores, one.labels + 1)
    assert sorted(join_slices([one, two], (0, 0, 100, 60))[2].tolist()) == [1, 2]


@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.3, 0.5]), st.booleans())
def test_nothing_is_lost_or_doubled(seed: int, overlap: float, with_whole: bool) -> None:
    """A perfect detector sees, in each window, what shows at least 0.4 of a box; boxes are as wide as the overlap."""
    rng = np.random.default_rng(seed)
    side, size = 64, (0, 0, 300, 200)
    most = side * overlap - 1
    truth: list[np.ndarray] = []
    for _ in range(8):
        corner, extent = rng.uniform([0, 0], [300 - most, 200 - most]), rng.uniform(4, most, 2)
        box = np.concatenate([corner, corner + extent])
        if all(iou(box[None] + [-2, -2, 2, 2], other[None])[0, 0] == 0 for other in truth):
            truth.append(box)
    looks = []
    for window in (*slices_of(size, side, overlap), *([size] if with_whole else [])):
        cut = np.array([np.concatenate([np.maximum(b[:2], window[:2]), np.minimum(b[2:], window[2:])]) for b in truth])
        shown = (cut[:, 2:] - cut[:, :2]).clip(min=0).prod(axis=1) / [np.prod(b[2:] - b[:2]) for b in truth]
        kept = cut[shown >= 0.4]
        looks.append(seen(window, kept.tolist(), rng.uniform(0.3, 1, len(kept)).tolist()))
    boxes, scores, _ = join_slices(looks, size)
    assert len(boxes) == len(truth)
    assert (iou(np.array(truth), boxes).max(axis=1) > 0.9).all()
    assert (np.diff(scores) <= 0).all()


@given(st.integers(0, 10_000), st.integers(0, 12))
def test_the_surest_boxes_are_those_of_all(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    looks = []
    for window in [(0, 0, 100, 100), *slices_of((0, 0, 100, 100), 40, 0.25)]:
        corners = rng.uniform(window[:2], np.array(window[2:]) - 2, (3, 2))
        ends = np.minimum(corners + rng.uniform(1, 40, (3, 2)), window[2:])
        labels = rng.integers(1, 3, 3)
        looks.append(Seen(window, np.concatenate([corners, ends], axis=1), rng.integers(0, 9, 3) / 8, labels))
    everything = join_slices(looks, (0, 0, 100, 100))
    for few, all_of_them in zip(join_slices(looks, (0, 0, 100, 100), most), everything, strict=True):
        assert few.tolist() == all_of_them[:most].tolist()


@pytest.mark.parametrize("length", [90, 150, 260])
def test_a_line_longer_than_windows_comes_out_once(length: int) -> None:
    """Each window sees its part; parts chain through the windows between."""
    truth = np.array([20.0, 30, 20 + length, 33])
    looks = []
    for window in slices_of((0, 0, 300, 64), 64, 0.25):
        part = np.concatenate([np.maximum(truth[:2], window[:2]), np.minimum(truth[2:], window[2:])])
        if part[2] - part[0] > 6:
            looks.append(seen(window, [part.tolist()], [0.9]))
    boxes, _, _ = join_slices(looks, (0, 0, 300, 64))
    assert len(boxes) == 1
    assert iou(truth[None], boxes)[0, 0] > 0.9
