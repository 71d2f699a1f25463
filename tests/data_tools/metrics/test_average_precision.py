import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from data_tools.metrics.average_precision import average_precision, precision_at, precision_recall_curve


def test_by_hand() -> None:
    assert average_precision([0.9, 0.8, 0.7, 0.1], [True, False, True, False]) == pytest.approx(0.8333, abs=1e-4)


def test_like_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores, flags = rng.integers(0, 20, 300) / 20, rng.random(300) < 0.3
    assert average_precision(scores, flags) == pytest.approx(average_precision_score(flags, scores))


def test_without_positives_it_is_undefined() -> None:
    assert average_precision([0.1, 0.2], [False, False]) is None


def test_precision_recall_curve_by_hand() -> None:
    curve = precision_recall_curve([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
    assert curve is not None
    recall, precision = curve
    assert recall.tolist() == [0.5, 0.5, 1, 1]
    assert precision.tolist() == pytest.approx([1, 0.5, 2 / 3, 0.5])
    assert float((np.diff(recall, prepend=0) * precision).sum()) == pytest.approx(5 / 6)  # the average precision
    assert precision_recall_curve([0.1, 0.2], [False, False]) is None


def test_precision_at_a_threshold() -> None:
    assert precision_at([0.9, 0.8, 0.7], [True, False, True], 0.7) == pytest.approx(2 / 3)
    assert precision_at([0.9, 0.8, 0.7], [True, False, True], 0.95) is None
