import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data_tools.core import geometry

numbers = st.floats(0, 300, allow_nan=False, width=32)
BOXES = arrays(np.float64, (5, 4), elements=numbers).map(
    lambda b: np.concatenate([np.minimum(b[:, :2], b[:, 2:]), np.maximum(b[:, :2], b[:, 2:]) + 1], axis=1)
)


@given(BOXES)
def test_xywh_round_trip(boxes: np.ndarray) -> None:
    assert np.allclose(geometry.xywh_to_xyxy(geometry.xyxy_to_xywh(boxes)), boxes)


@pytest.mark.parametrize(("point", "distance"), [((50, 50), 0), ((70, 50), 10), ((63, 64), 5), ((60, 60), 0)])
def test_point_to_box(point: tuple[int, int], distance: float) -> None:
    assert geometry.point_to_box_distance(np.array([point]), np.array([[40, 40, 60, 60]])) == pytest.approx(distance)


def test_point_between_two_boxes() -> None:
    boxes = np.array([[40, 40, 60, 60], [100, 100, 120, 120]])
    assert geometry.point_to_box_distance(np.array([[90, 90]]), boxes).min() == pytest.approx(14.142, abs=1e-3)


def test_best_centre_is_of_the_first_of_the_highest_scores() -> None:
    boxes = np.array([[0, 0, 2, 2], [10, 20, 20, 50], [80, 80, 90, 90]])
    assert geometry.best_centre(boxes, np.array([0.1, 0.7, 0.7])) == (15, 35)
    assert geometry.best_centre(np.zeros((0, 4)), np.zeros(0)) is None


@given(BOXES, BOXES)
def test_iou_is_torchvisions(first: np.ndarray, second: np.ndarray) -> None:
    import torch
    from torchvision.ops import box_iou

    reference = box_iou(torch.from_numpy(first), torch.from_numpy(second)).numpy()
    assert np.allclose(geometry.iou(first, second), reference)


def test_a_hull_holds_every_box() -> None:
    assert geometry.hull(np.array([[3.0, 4, 5, 9], [1, 6, 4, 7]])).tolist() == [1, 4, 5, 9]


def test_iou_of_nothing_has_the_right_shape() -> None:
    assert geometry.iou(np.zeros((0, 4)), np.ones((3, 4))).shape == (0, 3)


def test_diagonal() -> None:
    assert geometry.diagonal((267, 275)) == pytest.approx(383.294, abs=1e-3)
