"""What remarks on whole images say."""

import pytest

from data_tools.core.records import GOOD, UNBOXED
from data_tools.formats.words.remarks import status_of_remark


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
        ("OK but scratched", "quality", None),
        ("passed with scratch", "quality", None),
        ("ok_mark_missing", "", None),
        ("ok_mark_missing", "choice", UNBOXED),
        ("OK?", "choice", None),
        ("ok nach Reinigung", "defect_type", None),
        ("good_contact", "choice", None),
        ("good?", "", None),
        ("OK 60%", "quality", None),
        ("no defects found", "", GOOD),
        ("defect: no", "", GOOD),
        ("unknown", "defect_type", None),
        ("scratch?", "defect_type", None),
        ("not labelled", "choice", None),
        ("reviewed", "label", None),
        ("no", "choice", None),
        ("no", "defect", GOOD),
        ("none", "defect_type", GOOD),
        ("1", "is_defect", UNBOXED),
        ("0", "good", UNBOXED),
        ("1", "good_contact", None),
        ("2", "n_defects", UNBOXED),
        ("0", "n_defects", GOOD),
        ("0", "class", None),
        ("3", "class", UNBOXED),
    ],
)
def test_only_what_is_certain_is_taken_for_a_status(value: str, name: str, status: str | None) -> None:
    assert status_of_remark(value, name) == status
