import numpy as np
import pytest

from data_tools.metrics.max_box_acc import box_accuracy, max_box_acc


def test_a_map_that_is_the_box(make_sample, make_prediction) -> None:
    heatmap = np.zeros((100, 100), dtype=np.float32)
    heatmap[20:40, 30:70] = 1.0
    accuracy = box_accuracy([make_sample(boxes=[(30, 20, 70, 40)])], [make_prediction(heatmap=heatmap)])
    assert accuracy is not None
    assert accuracy.min() == 1.0


def test_a_flat_map_misses_and_no_map_is_undefined(make_sample, make_prediction) -> None:
    samples = [make_sample(boxes=[(30, 20, 70, 40)])]
    accuracy = box_accuracy(samples, [make_prediction(heatmap=np.ones((4, 4), dtype=np.float32))])
    assert accuracy is not None
    assert accuracy.max() == 0.0
    assert box_accuracy(samples, [make_prediction()]) is None
    assert box_accuracy([make_sample()], [make_prediction(heatmap=np.eye(3, dtype=np.float32))]) is None


def test_the_validation_cut_is_applied_frozen() -> None:
    accuracy, validation = np.zeros((19, 3)), np.zeros((19, 3))
    accuracy[3], validation[7] = 0.9, 1.0
    accuracy[7] = 0.5
    found = max_box_acc(accuracy, validation)
    assert found["oracle"]["max_box_acc"] == pytest.approx(0.9)  # type: ignore[index]
    assert found["validation"]["max_box_acc"] == pytest.approx(0.5)  # type: ignore[index]
    assert max_box_acc(accuracy, None)["validation"] is None
