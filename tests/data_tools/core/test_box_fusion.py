"""Weighted boxes fusion against hand-computed boxes, and what must hold for any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.box_fusion import Boxes, fuse_boxes


def of(*rows: tuple[list[float], float, int]) -> Boxes:
    """Boxes of one detector, each with score and label."""
    boxes = np.array([row[0] for row in rows], dtype=np.float64).reshape(-1, 4)
    return boxes, np.array([row[1] for row in rows], dtype=np.float64), np.array([row[2] for row in rows], dtype=int)


def test_overlapping_boxes_become_their_mean_weighed_by_score() -> None:
    """IoU 100 / 120; the lower edges 10 and 12 at 0.8 and 0.4 meet at 10 + 2/3."""
    boxes, scores, labels = fuse_boxes([of(([0, 0, 10, 10], 0.8, 1)), of(([0, 0, 10, 12], 0.4, 1))], 0.5)
    assert boxes == pytest.approx(np.array([[0, 0, 10, 10 + 2 / 3]]))
    assert scores == pytest.approx([0.6])
    assert labels.tolist() == [1]


def test_what_one_of_three_sees_is_a_third_as_sure() -> None:
    boxes, scores, _ = fuse_boxes([of(([0, 0, 10, 10], 0.9, 1)), of(), of(([50, 50, 60, 60], 0.6, 1))], 0.5)
    assert boxes.tolist() == [[0, 0, 10, 10], [50, 50, 60, 60]]
    assert scores == pytest.approx([0.3, 0.2])


def test_more_members_than_detectors_count_as_their_mean() -> None:
    twice = of(([0, 0, 10, 10], 0.8, 1), ([0, 0, 10, 10], 0.6, 1))
    _, scores, _ = fuse_boxes([twice, of(([0, 0, 10, 10], 0.4, 1))], 0.5)
    assert scores == pytest.approx([0.6])


def test_other_labels_and_too_little_overlap_stay_apart() -> None:
    """[0, 10] and [5, 15] overlap by a third; at exactly the limit they do not join, below it they do."""
    apart = [of(([0, 0, 10, 1], 0.8, 1)), of(([5, 0, 15, 1], 0.4, 1))]
    assert len(fuse_boxes(apart, 1 / 3)[0]) == 2
    assert len(fuse_boxes(apart, 0.3)[0]) == 1
    named = [of(([0, 0, 10, 1], 0.8, 1)), of(([0, 0, 10, 1], 0.4, 2))]
    assert fuse_boxes(named, 0.5)[2].tolist() == [1, 2]


def test_a_box_joins_where_the_joint_box_has_moved_to() -> None:
    """0..10 and 4..14 (IoU 6/14) meet at 2..12; 6..14 overlaps that by 6/12, and the first alone by 4/14."""
    found = [of(([0, 0, 10, 1], 0.5, 1)), of(([4, 0, 14, 1], 0.5, 1)), of(([6, 0, 14, 1], 0.1, 1))]
    assert len(fuse_boxes(found, 0.4)[0]) == 1
    assert len(fuse_boxes([found[0], found[2]], 0.4)[0]) == 2


def test_nothing_and_scores_of_zero() -> None:
    assert [len(part) for part in fuse_boxes([of(), of()], 0.5)] == [0, 0, 0]
    boxes, scores, _ = fuse_boxes([of(([0, 0, 10, 10], 0, 1)), of(([0, 0, 10, 12], 0, 1))], 0.5)
    assert boxes.tolist() == [[0, 0, 10, 11]]
    assert scores.tolist() == [0]


ROWS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.integers(0, 30),
        st.integers(1, 30),
        st.integers(1, 30),
        st.floats(0, 1),
        st.integers(1, 2),
    ),
    max_size=8,
)


@given(st.lists(ROWS, min_size=1, max_size=4), st.floats(0.05, 0.95))
def test_joint_boxes_stay_among_their_members(found: list[list[tuple[float, ...]]], overlap: float) -> None:
    of_each = [of(*(([x, y, x + w, y + h], s, int(label)) for x, y, w, h, s, label in rows)) for rows in found]
    boxes, scores, labels = fuse_boxes(of_each, overlap)
    given_boxes = np.concatenate([one[0] for one in of_each])
    given_scores = np.concatenate([one[1] for one in of_each])
    assert len(boxes) == len(scores) == len(labels) <= len(given_boxes)
    assert set(labels.tolist()) == {int(label) for one in of_each for label in one[2]}
    assert (np.diff(scores) <= 0).all()
    assert (scores <= given_scores.max(initial=0.0) + 1e-12).all()
    if len(boxes):
        assert (boxes >= given_boxes.min(axis=0) - 1e-9).all()
        assert (boxes <= given_boxes.max(axis=0) + 1e-9).all()
