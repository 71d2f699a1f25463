import numpy as np
import pytest

from data_tools.metrics.max_box_acc import BoxAccuracy, box_accuracy, max_box_acc


def test_a_map_that_is_the_box(make_sample, make_prediction) -> None:
    heatmap = np.zeros((100, 100), dtype=np.float32)
    heatmap[20:40, 30:70] = 1.0
    accuracy = box_accuracy([make_sample(boxes=[(30, 20, 70, 40)])], [make_prediction(heatmap=heatmap)])
    assert accuracy is not None
    assert accuracy.any_region.min() == accuracy.largest.min() == 1.0


def test_a_flat_map_misses_and_no_map_is_undefined(make_sample, make_prediction) -> None:
    samples = [make_sample(boxes=[(30, 20, 70, 40)])]
    accuracy = box_accuracy(samples, [make_prediction(heatmap=np.ones((4, 4), dtype=np.float32))])
    assert accuracy is not None
    assert accuracy.any_region.max() == accuracy.largest.max() == 0.0
    assert box_accuracy(samples, [make_prediction()]) is None
    assert box_accuracy([make_sample()], [make_prediction(heatmap=np.eye(3, dtype=np.float32))]) is None


def test_v1_takes_the_largest_region_and_v2_any(make_sample, make_prediction) -> None:
    heatmap = np.zeros((100, 100), dtype=np.float32)
    heatmap[10:20, 10:20] = heatmap[50:90, 50:90] = 1.0
    accuracy = box_accuracy([make_sample(boxes=[(10, 10, 20, 20)])], [make_prediction(heatmap=heatmap)])
    assert accuracy is not None
    assert accuracy.largest.max() == 0.0
    assert accuracy.any_region.min() == 1.0


def test_the_validation_cut_is_applied_frozen() -> None:
    here, there = np.zeros(19), np.zeros(19)
    here[3], here[7], there[7] = 0.9, 0.5, 1.0
    accuracy, validation = (BoxAccuracy(one, np.stack([one] * 3, axis=1)) for one in (here, there))
    found = max_box_acc(accuracy, validation)
    assert found["oracle"] is not None
    assert found["validation"] is not None
    assert (found["oracle"]["max_box_acc"], found["oracle"]["max_box_acc_v2"]) == pytest.approx((0.9, 0.9))
    assert (found["validation"]["max_box_acc"], found["validation"]["max_box_acc_v2"]) == pytest.approx((0.5, 0.5))
    assert found["validation"]["fraction"] == pytest.approx(0.4)
    assert max_box_acc(accuracy, None)["validation"] is None
