import numpy as np
import pytest

from detect.detections import Detections
from detect.views import agree


def raw(boxes: list[list[float]], scores: list[float], labels: list[int], logit: float) -> Detections:
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64), logit
    )


def test_the_last_look_gives_the_boxes_and_all_looks_their_places_and_scores() -> None:
    first = raw([[0.0, 0, 10, 10], [40, 40, 50, 50], [1, 1, 10, 10]], [0.9, 0.6, 0.5], [1, 1, 1], 1.0)
    # in twice the size: the first one's best box a little smaller, one that the first look did not see, and the second
    last = raw([[60.0, 0, 80, 20], [2, 0, 20, 20], [80, 80, 100, 100]], [0.5, 0.3, 0.2], [1, 1, 1], 3.0)
    detections, size = agree([(first, (50, 50)), (last, (100, 100))])
    assert size == (50, 50)
    assert detections.image_logit == 2.0
    # the first one's left edge at 0 with a weight of 0.9 and at 1 with 0.3
    expected = [[0.25, 0, 10, 10], [40, 40, 50, 50], [30, 0, 40, 10]]
    np.testing.assert_allclose(detections.boxes_xyxy, expected, rtol=1e-6)
    assert detections.scores.tolist() == pytest.approx([0.6, 0.4, 0.25])


def test_only_a_box_of_the_same_class_agrees() -> None:
    first = raw([[0.0, 0, 10, 10], [0, 0, 10, 9]], [0.9, 0.1], [2, 1], 0.0)
    detections, _ = agree([(first, (10, 10)), (raw([[0.0, 0, 10, 10]], [0.5], [1], 0.0), (10, 10))])
    assert detections.labels.tolist() == [1]
    assert detections.scores.tolist() == pytest.approx([0.3])


def test_a_look_may_find_nothing() -> None:
    nothing, one = raw([], [], [], -1.0), raw([[0.0, 0, 4, 4]], [0.5], [1], 0.0)
    assert len(agree([(one, (8, 8)), (nothing, (16, 16))])[0].scores) == 0
    assert agree([(nothing, (8, 8)), (one, (16, 16))])[0].scores.tolist() == [0.25]
    assert agree([(nothing, (8, 8)), (one, (16, 16))])[0].boxes_xyxy.tolist() == [[0, 0, 2, 2]]


def test_boxes_without_any_score_stay_where_they_are() -> None:
    one, other = raw([[0.0, 0, 4, 4]], [0.0], [1], 0.0), raw([[0.0, 0, 4, 3]], [0.0], [1], 0.0)
    assert agree([(other, (8, 8)), (one, (8, 8))])[0].boxes_xyxy.tolist() == [[0, 0, 4, 4]]


def test_a_single_look_stays_what_it_is() -> None:
    one = raw([[0.0, 0, 4, 4]], [0.5], [1], 0.0)
    assert agree([(one, (8, 8))]) == (one, (8, 8))
