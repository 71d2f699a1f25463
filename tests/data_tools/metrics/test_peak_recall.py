import numpy as np
import pytest

from data_tools.metrics.peak_recall import peak_recall, top_peaks

A, B = (10, 10, 30, 30), (70, 70, 90, 90)


def test_a_second_defect_that_is_missed_shows(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [A, B])]
    one = peak_recall(samples, [make_prediction(1, peak=(20, 20))])
    assert (one["1"]["recall_0px"], one["5"]["recall_0px"], one["1"]["n_boxes"]) == (0.5, 0.5, 2)
    assert one["1"]["mean_px"] == pytest.approx(np.hypot(50, 50) / 2)
    boxes = make_prediction(1, boxes=[A, (11, 11, 31, 31), B], scores=[0.9, 0.8, 0.7], peak=(20, 20))
    two = peak_recall(samples, [boxes])
    assert (two["1"]["recall_0px"], two["3"]["recall_0px"]) == (0.5, 1.0)


def test_peaks_of_a_map_are_its_local_maxima(make_prediction) -> None:
    heatmap = np.zeros((10, 10), dtype=np.float32)
    heatmap[2, 2], heatmap[2, 3], heatmap[8, 8] = 1.0, 0.9, 0.5
    peaks = top_peaks(make_prediction(peak=(25, 25), heatmap=heatmap), 3)
    assert peaks.tolist() == [[25, 25], [85, 85]]


def test_peaks_side_by_side_are_one(make_prediction) -> None:
    """5 % of the diagonal of 100 x 100 is 7.07 px."""
    boxes = [(10, 10, 20, 20), (15, 10, 25, 20), (23, 10, 33, 20)]
    peaks = top_peaks(make_prediction(boxes=boxes, scores=[0.9, 0.8, 0.7], peak=(15, 15)), 3)
    assert peaks.tolist() == [[15, 15], [28, 15]]


def test_an_abstention_reaches_nothing(make_sample, make_prediction) -> None:
    found = peak_recall([make_sample(1, [A]), make_sample(2)], [make_prediction(1), make_prediction(2)])
    assert found["5"] == {"mean_px": None, "median_px": None, "recall_0px": 0.0, "recall_15px": 0.0, "n_boxes": 1}
    assert peak_recall([make_sample(2)], [make_prediction(2)])["1"]["recall_0px"] is None
