import numpy as np
import pytest

from classify.calibration import LEAST, MOST, fit_temperature


def test_an_overconfident_classifier_is_cooled_down() -> None:
    """Right three times in four at logit 4: calibrated at logit log 3, so the temperature is 4 / log 3."""
    logits, positive = [4.0] * 4 + [-4.0] * 4, [True] * 3 + [False] + [False] * 3 + [True]
    assert fit_temperature(logits, positive) == pytest.approx(4 / np.log(3), rel=1e-3)


def test_calibrated_logits_keep_their_temperature() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    assert fit_temperature(logits.tolist(), (rng.random(40_000) < 1 / (1 + np.exp(-logits))).tolist()) == pytest.approx(
        1.0, abs=0.03
    )


def test_bounds_and_a_single_class() -> None:
    assert fit_temperature([3.0, -3.0], [True, False]) == pytest.approx(LEAST, rel=1e-2)
    assert fit_temperature([3.0, -3.0], [False, True]) == pytest.approx(MOST, rel=1e-2)
    assert fit_temperature([3.0, -3.0], [True, True]) == 1.0
