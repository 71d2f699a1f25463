"""What remarks on whole images say."""

import pytest

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.remarks import status_of_remark


@pytest.mark.parametrize(
    ("value", "name", "status"),
    [
        ("ok", "", GOOD),
        ("good", "confidence", GOOD),
        ("defect", "", UNBOXED),
        ("scratch", "defect_type", UNBOXED),
        ("scratch", "choice", UNBOXED),
        ("scratch", "", None),
        ("high", "confidence", None),
        ("done", "status", None),
        ("train", "", None),
    ],
)
def test_only_what_is_certain_is_taken_for_a_status(value: str, name: str, status: str | None) -> None:
    assert status_of_remark(value, name) == status
