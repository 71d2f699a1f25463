import pytest

from data_tools.core.checks import real_number, whole_number


def test_whole_numbers_are_read_and_nothing_is_cut_off() -> None:
    assert [whole_number(value, "id") for value in (3, 3.0, -1)] == [3, 3, -1]
    for value in (1.9, "3", True, None, float("inf"), float("nan"), 1e300, 1 << 63, 10**400, [3]):
        with pytest.raises(ValueError, match="id must be a whole number"):
            whole_number(value, "id")


def test_real_numbers_are_finite() -> None:
    assert [real_number(value, "score") for value in (3, -0.5, 1e-320)] == [3.0, -0.5, 1e-320]
    for value in ("0.5", True, None, float("inf"), float("nan"), 10**400):
        with pytest.raises(ValueError, match="score must be a finite number"):
            real_number(value, "score")
