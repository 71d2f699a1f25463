import numpy as np
import pytest

from data_tools.metrics.matching import AGAIN, FALSE, FIRST, match_all, match_arrays

A, B = (10, 10, 20, 20), (12, 10, 22, 20)


def test_the_best_score_takes_the_box_whatever_the_order(make_sample, make_prediction) -> None:
    outcome = match_all(
        [make_sample(boxes=[A])], [make_prediction(boxes=[A, A, (50, 50, 60, 60)], scores=[0.5, 0.9, 0.7])]
    )
    assert outcome.tolist() == [AGAIN, FIRST, FALSE]


def test_a_box_takes_the_closest_free_one(make_sample, make_prediction) -> None:
    outcome = match_all([make_sample(boxes=[A, B])], [make_prediction(boxes=[B, B, B], scores=[0.9, 0.8, 0.7])])
    assert outcome.tolist() == [FIRST, FIRST, AGAIN]


def test_nothing_to_match(make_sample, make_prediction) -> None:
    assert match_all([make_sample(boxes=[A])], [make_prediction()]).tolist() == []
    assert match_all([make_sample()], [make_prediction(boxes=[A], scores=[0.9])]).tolist() == [FALSE]


@pytest.mark.parametrize("options", [{}, {"iou_threshold": 0.2}, {"within_px": 8.0}])
def test_all_images_at_once_as_one_by_one(make_sample, make_prediction, options: dict) -> None:
    """Images of no, one and two true boxes, boxes of equal scores among them."""
    rng = np.random.default_rng(0)
    samples, predictions = [], []
    for i in range(1, 120):
        true = [(x, y, x + 15, y + 12) for x, y in rng.integers(0, 30, (int(rng.integers(0, 3)), 2))]
        corners = rng.integers(0, 30, (int(rng.integers(0, 7)), 2))
        boxes = [(x, y, x + 14, y + 14) for x, y in corners]
        samples.append(make_sample(i, true))
        predictions.append(make_prediction(i, 0.5, boxes, [float(s) for s in rng.integers(1, 4, len(boxes)) / 4]))
    one_by_one = [
        match_arrays(p.boxes_xyxy, p.box_scores, s.boxes_xyxy, **options)
        for s, p in zip(samples, predictions, strict=True)
    ]
    assert {FALSE, FIRST, AGAIN} == set(np.concatenate(one_by_one).tolist())
    assert match_all(samples, predictions, **options).tolist() == np.concatenate(one_by_one).tolist()
    assert match_all([], []).tolist() == []
