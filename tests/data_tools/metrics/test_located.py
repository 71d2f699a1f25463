import numpy as np
import pytest

from data_tools.metrics.fpr_at_tpr import fpr_at_tpr
from data_tools.metrics.located import end_to_end, overkill_at_located_tpr

SCORES, GOOD = np.array([0.9, 0.8, 0.7, 0.2]), np.array([0.75, 0.3, 0.1, 0.05])


def test_with_every_peak_on_target_it_is_the_fpr_at_that_tpr() -> None:
    for tpr in (0.5, 0.75, 1.0):
        found = overkill_at_located_tpr(SCORES, np.zeros(4), GOOD, 0, tpr)
        plain = fpr_at_tpr(np.concatenate([SCORES, GOOD]), [True] * 4 + [False] * 4, tpr)
        assert found is not None
        assert plain is not None
        assert (found.fpr, found.threshold, found.ceiling) == (plain.fpr, plain.threshold, 1.0)


def test_a_peak_off_target_lowers_the_ceiling_and_the_threshold() -> None:
    to_box = np.array([20.0, 0.0, 15.0, np.inf])
    found = overkill_at_located_tpr(SCORES, to_box, GOOD, 15, 0.5)
    assert found is not None
    assert (found.fpr, found.threshold, found.ceiling) == (0.25, 0.7, 0.5)
    unreachable = overkill_at_located_tpr(SCORES, to_box, GOOD, 15)
    assert unreachable is not None
    assert (unreachable.fpr, unreachable.threshold, unreachable.ceiling) == (None, None, 0.5)


def test_one_class_is_undefined() -> None:
    assert overkill_at_located_tpr(np.zeros(0), np.zeros(0), GOOD, 15) is None
    assert overkill_at_located_tpr(SCORES, np.zeros(4), np.zeros(0), 15) is None


def test_a_defect_that_is_not_flagged_is_infinitely_far() -> None:
    assert end_to_end(np.array([0.0, 3.0, np.inf]), np.array([0.4, 0.5, 0.9]), 0.5).tolist() == pytest.approx(
        [np.inf, 3.0, np.inf]
    )
