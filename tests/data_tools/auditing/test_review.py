from pathlib import Path

import pytest

from data_tools.auditing.review import COLUMNS, Suspect, require_undecided, write_review
from data_tools.core.errors import InputError


def test_a_list_with_decisions_is_not_replaced(tmp_path: Path, make_sample) -> None:
    path = tmp_path / "review.csv"
    suspects = [Suspect(make_sample(i), "defect", 0.5, 'looks "odd", a bit') for i in (1, 2)]
    write_review(path, suspects)
    write_review(path, suspects)  # nobody has decided: it is made anew
    decided = path.read_text().rstrip("\n") + "exclude\n"
    path.write_text(decided)
    with pytest.raises(InputError, match="holds 1 decisions"):
        write_review(path, suspects)
    assert path.read_text() == decided


@pytest.mark.parametrize(
    "content",
    [b"my notes\n", ";".join(COLUMNS).encode() + b"\n1;a.png;good;good;defect;0.5;x;exclude\n", b"\xff\xfe\x00", b'"'],
)
def test_a_file_that_is_no_list_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "review.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a review list"):
        require_undecided(path)
    require_undecided(tmp_path / "absent.csv")
