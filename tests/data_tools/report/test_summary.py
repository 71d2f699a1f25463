"""The six figures: of one run with its interval, of several seeds with their range, n/a where undefined."""

from typing import Any

from data_tools.report.summary import summary_table
from data_tools.report.table import describe_rule, side_by_side


def metrics(auc: float = 0.9, overkill: float | None = 0.25, milliseconds: float | None = 12.34) -> dict[str, Any]:
    point = {"threshold": 0.5, "fpr": overkill, "fpr_ci95": [0.1, 0.4], "test": {"n_groups": 7}}
    point["rule"] = {"name": "escape_rate", "escape_rate": 0.02, "words": "lets at most 2 % of the defects escape"}
    return {
        "auc": {"value": auc, "ci95": [0.8, 0.95], "n_groups": 7},
        "operating_point": point,
        "peak_distance": {"hit_rate": 0.5, "mean_px": 3.25, "mean_px_ci95": [1, 6], "n_groups": 4},
        "box_map": None,
        "speed": {"ms_per_image": milliseconds},
    }


def seeds(mean: float, low: float, high: float) -> dict[str, Any]:
    return {"mean": mean, "sd": 0.1, "min": low, "max": high, "n_runs": 2}


def test_one_run_has_intervals_and_groups() -> None:
    table = summary_table({"runs": {"a": {"metrics": metrics()}}, "approaches": {"a": {"runs": ["a"]}}})
    assert table is not None
    assert table.columns == ("a", "groups")
    rows = {row.label: [(cell.text, cell.ci95) for cell in row.cells] for row in table.rows}
    assert rows == {
        "AUC": [("0.900", "0.800..0.950"), ("7", "")],
        "overkill at escape 2 %": [("25.0 %", "10.0..40.0"), ("7", "")],
        "hit rate": [("0.500", ""), ("4", "")],
        "peak distance, px": [("3.2", "1.0..6.0"), ("4", "")],
        "box AP50": [("n/a", ""), ("", "")],
        "ms an image": [("12.3", ""), ("", "")],
    }
    assert all(row.meaning.endswith(".") for row in table.rows)


def test_seeds_are_a_mean_between_the_lowest_and_the_highest() -> None:
    summed = {"auc.value": seeds(0.85, 0.8, 0.9), "operating_point.fpr": seeds(0.25, 0.2, 0.3)}
    report = {
        "runs": {"a1": {"metrics": metrics(0.8)}, "a2": {"metrics": metrics(0.9)}},
        "approaches": {"a": {"runs": ["a1", "a2"], "metrics": summed}},
    }
    table = summary_table(report)
    assert table is not None
    assert table.columns == ("a, 2 seeds", "groups")
    cells = [row.cells[0] for row in table.rows]
    assert (cells[0].text, cells[0].ci95) == ("0.850", "seeds 0.800..0.900")
    assert (cells[1].text, cells[1].ci95) == ("25.0 %", "seeds 20.0 %..30.0 %")
    assert cells[2].text == "n/a"


def test_the_rule_says_which_share_of_the_defects_escapes_here() -> None:
    one, other = metrics(), metrics()
    one["operating_point"]["test"]["escape"] = {"value": 0.1, "ci95": [0.02, 0.3]}
    other["operating_point"]["test"]["escape"] = {"value": 0.2, "ci95": None}
    runs = {"a1": {"metrics": one}, "a2": {"metrics": other}, "b": {"metrics": metrics()}}
    apart = {name: {"runs": [name]} for name in runs}
    known = describe_rule({"runs": runs, "approaches": apart})
    assert known.endswith("lets at most 2 % of the defects escape; escapes here: a1 10.0 % (2.0..30.0), a2 20.0 %")
    assert describe_rule({"runs": runs, "approaches": {"a": {"runs": ["a1", "a2"]}}}).endswith("here: a 15.0 %")
    assert describe_rule({"runs": {"b": runs["b"]}, "approaches": {"b": {"runs": ["b"]}}}).endswith("defects escape")


def test_the_terminal_answers_first() -> None:
    report = {
        "data": {"split": "test", "n_images": 9},
        "runs": {"a": {"metrics": metrics()}},
        "approaches": {"a": {"runs": ["a"]}},
        "verdict": "no difference shown",
    }
    text = side_by_side(report)
    order = ["test split: 9 images", "verdict: no difference", "overkill at escape 2 %", "at most 2 % of", "metric "]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_report_of_one_metric_has_no_summary() -> None:
    one = {"auc": metrics()["auc"], "operating_point": metrics()["operating_point"]}
    assert summary_table({"runs": {"a": {"metrics": one}}, "approaches": {"a": {"runs": ["a"]}}}) is None
    assert summary_table({}) is None


def test_costs_have_a_row_of_their_own() -> None:
    known = metrics()
    known["operating_point"]["rule"] = {"name": "costs", "words": "costs least"}
    known["operating_point"]["test"]["cost_per_image"] = {"value": 1.5, "ci95": [1, 2]}
    table = summary_table({"runs": {"a": {"metrics": known}}, "approaches": {"a": {"runs": ["a"]}}})
    assert table is not None
    assert [row.label for row in table.rows][1:3] == ["overkill at least cost", "cost an image"]
    assert (table.rows[2].cells[0].text, table.rows[2].cells[0].ci95) == ("1.500", "1.000..2.000")
