import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from data_tools.metrics.calibration import calibration


def test_by_hand() -> None:
    """Two bins: 0.1 and 0.3 (one defect of two), 0.9 and 1.0 (both defects)."""
    found = calibration([0.1, 0.3, 0.9, 1.0], [False, True, True, True], bins=2)
    assert found is not None
    assert found["brier"] == pytest.approx((0.01 + 0.49 + 0.01 + 0) / 4)
    assert found["ece"] == pytest.approx((2 * 0.3 + 2 * 0.05) / 4)
    assert found["reliability"] == [
        {"mean_score": pytest.approx(0.2), "defect_share": 0.5, "n": 2},
        {"mean_score": pytest.approx(0.95), "defect_share": 1.0, "n": 2},
    ]


def test_like_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random(500)
    positive = rng.random(500) < scores**2
    found = calibration(scores, positive)
    assert found is not None
    assert found["brier"] == pytest.approx(brier_score_loss(positive, scores))
    shares, means = calibration_curve(positive, scores, n_bins=15)
    assert [one["defect_share"] for one in found["reliability"]] == pytest.approx(shares.tolist())  # type: ignore[attr-defined]
    assert [one["mean_score"] for one in found["reliability"]] == pytest.approx(means.tolist())  # type: ignore[attr-defined]


def test_what_is_no_probability_has_no_calibration() -> None:
    assert calibration([0.5, 1.5], [True, False]) is None
    assert calibration([-0.1], [True]) is None
    assert calibration([], []) is None
