"""The tables of types, from a report written by hand."""

from data_tools.report.class_tables import class_tables
from data_tools.report.table import side_by_side

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
    assert confusion.columns == ("scratch", "stain", "missed")
    assert next([cell.text for cell in row.cells] for row in confusion.rows) == ["4", "1", "2"]
    text = side_by_side(REPORT, more=[ap50, confusion])
    assert "ours: true type, called" in text
    assert class_tables({"runs": {"maps": {"metrics": {"types": None}}}}) == []
