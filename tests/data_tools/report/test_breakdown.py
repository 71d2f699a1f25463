from typing import Any

import pytest

from data_tools.report.breakdown import breakdown_tables


def summary(hit_rate: float, mean: float | None, n: int, coverage: float = 1.0) -> dict[str, Any]:
    return {"hit_rate": hit_rate, "mean_px": mean, "median_px": mean, "coverage": coverage, "n": n}


def test_each_part_is_a_table_with_n() -> None:
    sizes = {"largest_third": summary(1.0, 0.0, 2), "smallest_third": summary(0.5, 8.0, 4, coverage=0.75)}
    report = {
        "runs": {
            "a": {"metrics": {"peak_distance": {"by_type": {"lead_glue": summary(0.0, None, 6)}, "by_size": sizes}}}
        },
        "baselines": {"centre": {"peak_distance": {"by_size": {"largest_third": summary(0.25, 40.0, 2)}}}},
    }
    by_type, by_size = breakdown_tables(report)
    assert by_size.columns == ("n", "a", "centre")
    assert by_size.baselines == 1
    assert [row.label for row in by_size.rows] == ["smallest third", "largest third"]
    gap = "\N{NO-BREAK SPACE}"  # inside a figure, so that a narrow column breaks between figures
    assert by_size.rows[0].cells[1].ci95 == f"mean{gap}8.0, median{gap}8.0{gap}px, 75{gap}%{gap}have{gap}a{gap}peak"
    cells = [[(cell.text, cell.ci95.replace(gap, " ")) for cell in row.cells] for row in by_size.rows]
    assert cells[0] == [("4", ""), ("50 %", "mean 8.0, median 8.0 px, 75 % have a peak"), ("", "")]
    assert cells[1] == [("2", ""), ("100 %", "mean 0.0, median 0.0 px"), ("25 %", "mean 40.0, median 40.0 px")]
    assert by_type.rows[0].label == "lead_glue"  # a type keeps its name
    assert by_type.rows[0].cells[1].ci95.replace(gap, " ") == "mean n/a, median n/a px"


@pytest.mark.parametrize(
    "report", [{}, {"runs": {"a": {}}}, {"runs": {"a": {"metrics": {"peak_distance": None}}}, "baselines": None}]
)
def test_absent_keys_give_no_table(report: dict[str, Any]) -> None:
    assert breakdown_tables(report) == []
