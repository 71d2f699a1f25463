"""The tables of types, from a report written by hand."""

from data_tools.core.printable import columns_of
from data_tools.report.class_tables import class_tables
from data_tools.report.table import side_by_side, table_as_text

REPORT = {
    "runs": {
        "ours": {
            "metrics": {
                "box_map": {"ap50": 0.5},
                "types": {
                    "ap50_class_free": 0.75,
                    "ap50": {"scratch": 0.5, "stain": None},
                    "confusion": {
                        "threshold": 0.3,
                        "threshold_chosen_on": "validation",
                        "types": ["scratch", "stain", "background"],
                        "counts": [[4, 1, 2], [0, 0, 0], [3, 0, 0]],
                    },
                },
            }
        },
        "maps": {"metrics": {"types": None}},
    }
}


def test_types_as_tables() -> None:
    ap50, confusion = class_tables(REPORT)
    assert [(row.label, row.cells[0].text) for row in ap50.rows] == [
        ("scratch", "0.500"),
        ("stain", "n/a"),
        ("(mean over types)", "0.500"),
        ("(type set aside)", "0.750"),
    ]
    assert confusion.columns == ("scratch", "stain", "(missed)")
    assert [row.label for row in confusion.rows] == ["scratch", "stain", "(background)"]
    assert next([cell.text for cell in row.cells] for row in confusion.rows) == ["4", "1", "2"]
    text = side_by_side(REPORT, more=[ap50, confusion])
    assert "ours: true type, called" in text
    assert class_tables({"runs": {"maps": {"metrics": {"types": None}}}}) == []


def test_types_that_are_neither_there_nor_called_are_no_row_of_the_confusion() -> None:
    """And a type of the name missed is told from what is missed."""
    counts = [[2, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 3], [1, 0, 0, 0]]
    section = {"ap50": {}, "confusion": {"types": ["missed", "never", "chip", "background"], "counts": counts}}
    (table,) = class_tables({"runs": {"ours": {"metrics": {"types": section}}}})
    assert table.columns == ("missed", "chip", "(missed)")
    rows = [(row.label, [cell.text for cell in row.cells]) for row in table.rows]
    assert rows == [("missed", ["2", "0", "1"]), ("chip", ["0", "0", "3"]), ("(background)", ["1", "0", "0"])]


def test_long_names_of_types_stay_apart_on_a_terminal() -> None:
    names = [
        "crack of the solder mask on the left",
        "crack of the solder mask on the right",
        "delamination of the upper layer",
    ]
    ap50 = dict.fromkeys(names, 0.5)
    (table,) = class_tables({"runs": {"ours": {"metrics": {"types": {"ap50": ap50, "confusion": None}}}}})
    text = table_as_text(table)
    assert all(name in text for name in names[:2])
    assert "delamination of the upper .." in text


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    ap50 = {"划痕": 0.5, "scratch": 0.25, "リード接着剤の不良とはみ出しと欠け": 1.0}
    (table,) = class_tables({"runs": {"検出器": {"metrics": {"types": {"ap50": ap50, "confusion": None}}}}})
    head, rule, *rows = table_as_text(table).split("\n")
    assert {columns_of(line) for line in (head, rule, *rows)} == {len(rule)}
    assert rows[0].startswith("划痕 ")
    assert rows[2].startswith("リード接着剤の不良とはみ出..  ")
