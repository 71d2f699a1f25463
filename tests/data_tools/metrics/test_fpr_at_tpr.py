import pytest

from data_tools.metrics.fpr_at_tpr import fpr_at_tpr, outcome_at, threshold_at_tpr

SCORES = [0.9, 0.8, 0.7, 0.2, 0.75, 0.3, 0.1, 0.05]
POSITIVE = [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    ("tpr", "fpr", "threshold"), [(0.5, 0.0, 0.8), (0.75, 0.25, 0.7), (0.98, 0.5, 0.2), (1.0, 0.5, 0.2)]
)
def test_by_hand(tpr: float, fpr: float, threshold: float) -> None:
    found = fpr_at_tpr(SCORES, POSITIVE, tpr)
    assert found is not None
    assert (found.fpr, found.threshold) == (fpr, threshold)


def test_one_class_is_undefined() -> None:
    assert fpr_at_tpr([0.5], [True], 0.98) is None
    assert fpr_at_tpr([0.5], [False], 0.98) is None


def test_a_frozen_threshold_is_applied_as_it_is() -> None:
    threshold = threshold_at_tpr(SCORES, POSITIVE, 0.75)
    there = outcome_at([0.71, 0.69, 0.9, 0.1], [True, True, False, False], threshold)
    assert (there.tpr, there.fpr, there.escapes, there.overkills) == (0.5, 0.5, 1, 1)


def test_a_threshold_needs_a_defect() -> None:
    with pytest.raises(ValueError, match="no defect"):
        threshold_at_tpr([0.1], [False], 0.98)
