"""Tables as Markdown."""

from data_tools.report.markdown import pipes


def test_a_cell_ends_neither_itself_nor_the_line() -> None:
    table = pipes([["type", "scratch | stain"], ["划痕\n", "1"]])
    assert table.split("\n") == [r"| type | scratch \| stain |", "| --- | --- |", r"| 划痕\n | 1 |"]
