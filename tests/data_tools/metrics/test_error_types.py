from dataclasses import replace

import numpy as np
import pytest

from data_tools.metrics.error_types import best_f1_threshold, error_types

A, B, C = (10, 10, 30, 30), (60, 60, 80, 80), (60, 10, 80, 30)


def test_each_kind_by_hand(make_sample, make_prediction) -> None:
    """A is found twice, B touched at IoU 1/3, C missed; one box on nothing, one on a good image, one below the cut."""
    samples = [make_sample(1, [A, B, C]), make_sample(2), make_sample(3, status="unboxed")]
    boxes = [A, (11, 10, 31, 30), (70, 60, 90, 80), (0, 80, 10, 90), C]
    predictions = [
        make_prediction(1, boxes=boxes, scores=[0.9, 0.8, 0.7, 0.6, 0.1]),
        make_prediction(2, boxes=[A], scores=[0.9]),
        make_prediction(3, boxes=[A], scores=[0.9]),
    ]
    found = error_types(samples, predictions, 0.5)
    assert {name: found[name] for name in ("hit", "duplicate", "localisation", "background", "background_on_good")} == {
        "hit": 1,
        "duplicate": 1,
        "localisation": 1,
        "background": 2,
        "background_on_good": 1,
    }
    assert (found["missed"], found["missed_altogether"], found["n_true_boxes"]) == (2, 1, 3)


def test_the_class_is_that_of_the_true_box_that_is_found(make_sample, make_prediction) -> None:
    """Both boxes lie best on the first true box; the second one finds the other, and names it truly."""
    true = [(0, 0, 40, 40), (0, 10, 40, 50)]
    sample = replace(make_sample(1, true), labels=np.array([1, 2]), box_types=())
    prediction = make_prediction(1, boxes=[true[0], (0, 4, 40, 44)], scores=[0.9, 0.8])
    for called, wrong in (((1, 2), 0), ((1, 1), 1), ((2, 1), 2)):
        found = error_types([sample], [replace(prediction, box_labels=np.array(called))], 0.5)
        assert (found["hit"], found["class"]) == (2, wrong)


def test_the_threshold_with_the_best_f1(make_sample, make_prediction) -> None:
    """Down to 0.8: two of two found, no false one, F1 = 1."""
    samples = [make_sample(1, [A, B])]
    found = [make_prediction(1, boxes=[A, B, C], scores=[0.9, 0.8, 0.3])]
    assert best_f1_threshold(samples, found) == pytest.approx(0.8)
    assert best_f1_threshold(samples, [make_prediction(1)]) is None
    assert best_f1_threshold([make_sample(1)], [make_prediction(1, boxes=[A], scores=[0.9])]) is None


def test_nothing_predicted_misses_everything(make_sample, make_prediction) -> None:
    found = error_types([make_sample(1, [A, B])], [make_prediction(1)], 0.5)
    assert (found["hit"], found["missed"], found["missed_altogether"]) == (0, 2, 2)
