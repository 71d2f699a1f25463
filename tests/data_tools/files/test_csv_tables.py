import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.files.csv_tables import csv_text, defused, plain


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd", "'+cmd"),
        ("@sum", "'@sum"),
        ("-dent", "'-dent"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("-3.5e-07", "-3.5e-07"),
        ("+1", "+1"),
        ("a=b", "a=b"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("", ""),
        (-3.5, -3.5),
        (None, None),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_defused(cell: object, written: object) -> None:
    assert defused(cell) == written


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n")) | st.text("'=+-@\t 1a")


@given(st.lists(st.lists(texts, min_size=1), min_size=1))
def test_every_cell_comes_back_and_none_is_a_formula(rows: list[list[str]]) -> None:
    cells = [row or [""] for row in csv.reader(io.StringIO(csv_text(rows), newline=""))]
    assert [[plain(cell) for cell in row] for row in cells] == rows
    assert not any(cell.startswith(("=", "@", "\t")) for row in cells for cell in row)
