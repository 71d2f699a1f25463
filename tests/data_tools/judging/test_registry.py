"""Every descriptor against a whole report, and a new metric in one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet
from data_tools.judging import pointing, registry
from data_tools.judging.evaluate import evaluate
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.judged import Entry
from data_tools.judging.metric import MISSING, Breakdown, MetricRow, look_up
from data_tools.metrics.operating_point import Costs
from data_tools.metrics.peak_distance import summarise
from data_tools.report.breakdown import BY_TYPE, breakdown_tables, type_table
from data_tools.report.html import write_html
from data_tools.report.table import (
    comparison_table,
    metric_table,
    seed_table,
    side_by_side,
)
from tests.data_tools.judging.made_up import RESAMPLES, TYPES, entry, make_dataset, map_alone, with_boxes

TOY = "tests.data_tools.judging.toy_metric"


def judge_whole() -> EvaluationReport:
    """Two seeds that give boxes of types, maps and proposals, beside another approach, so that no figure is absent."""
    dataset = make_dataset(categories=TYPES)
    seeds = [with_everything(dataset, f"d{seed}", seed) for seed in range(2)]
    return evaluate(
        dataset, "test", [*seeds, entry(dataset, with_boxes, "other", 3)], resamples=RESAMPLES, rule=Costs(20, 1)
    )


def with_everything(dataset: Dataset, label: str, seed: int) -> Entry:
    rng = np.random.default_rng(seed)

    def boxes_and_map(sample, _) -> Prediction:
        return replace(with_boxes(sample, rng), heatmap=map_alone(sample, rng).heatmap)

    one = entry(dataset, boxes_and_map, label, seed, approach="detector")
    boxes = tuple(with_boxes(sample, rng) for sample in dataset.split("test"))
    return replace(one, proposals=PredictionSet(PredictionHeader("rpn"), boxes), ms_per_image=12.5)


@pytest.fixture(scope="module")
def whole() -> EvaluationReport:
    return judge_whole()


def test_every_row_finds_its_figure_and_its_interval(whole: EvaluationReport) -> None:
    """A renamed key fails here; in a table its row would be gone without a word."""
    metrics = whole.runs["d0"].metrics
    for row in registry.metric_rows():
        assert isinstance(look_up(metrics, row.path), float | int), row
        if row.ci95:
            low, high = look_up(metrics, row.ci95)
            assert low <= look_up(metrics, row.path) <= high, row
    table = metric_table(whole.to_json())
    assert table is not None
    assert [row.label for row in table.rows] == [row.label for row in registry.metric_rows()]
    assert all(row.cells[0].text not in ("", "n/a") for row in table.rows)


def test_every_row_and_every_comparison_says_alone_what_it_means() -> None:
    """A row is read by itself in a searched table, so that "the same" would be the same as nothing."""
    rows = registry.metric_rows()
    of_rows = {row.label: row.meaning for row in rows}
    meanings = [row.meaning for row in rows]
    meanings += [one.meaning or of_rows[one.label] for one in registry.comparisons().values()]
    assert all(meaning.endswith(".") and "same" not in meaning for meaning in meanings)


def test_every_figure_over_seeds_is_summed_up(whole: EvaluationReport) -> None:
    wanted = [row for row in registry.metric_rows() if row.over_seeds]
    assert list(whole.approaches["detector"].metrics) == [row.key for row in wanted]
    table = seed_table(whole.to_json())
    assert table is not None
    assert len(table.rows) == len(wanted)


def test_every_comparison_is_made_and_shown(whole: EvaluationReport) -> None:
    assert [one.metric for one in whole.comparisons] == list(registry.comparisons())
    table = comparison_table(whole.to_json())
    assert table is not None
    assert [row.label for row in table.rows] == [one.label for one in registry.comparisons().values()]
    assert registry.family() == ["auc", "average_precision", "peak_distance", "hit_rate", "dra_20px"]


def test_every_interval_has_a_statistic(whole: EvaluationReport) -> None:
    for metric in registry.metrics().values():
        for statistic, path in (metric.intervals or {}).items():
            assert look_up(whole.runs["d0"].metrics, path) is not None, statistic


def test_every_breakdown_has_a_table(whole: EvaluationReport) -> None:
    tables = breakdown_tables(whole.to_json())
    assert [table.corner for table in tables] == [one.label for one in registry.breakdowns()]
    assert all(table.rows[0].cells[1].text for table in tables)
    assert type_table(whole.to_json()) is not None
    assert BY_TYPE in [one.path for one in registry.breakdowns()]
    empty = summarise(whole.judged["d0"].distances)
    assert {"n", "hit_rate", "mean_px", "median_px", "coverage"} <= empty.keys()  # what a cell is made of


def test_every_baseline_has_its_sections(whole: EvaluationReport) -> None:
    assert list(whole.baselines) == ["centre", "mean_position", "random"]
    assert all(look_up(sections, ("peak_distance", "hit_rate_ci95")) for sections in whole.baselines.values())


def test_a_metric_that_shows_what_it_does_not_compute_is_an_error(whole: EvaluationReport) -> None:
    renamed = replace(pointing.METRIC, rows=(MetricRow("gone", ("peak_distances", "mean_px"), "Was renamed."),))
    with pytest.raises(ValueError, match="shows peak_distances, but computes peak_distance"):
        renamed.sections(whole.judged["d0"])
    lost = replace(pointing.METRIC, breakdowns=(Breakdown(("by_kind", "x"), "kind"),))
    with pytest.raises(ValueError, match="shows by_kind"):
        lost.sections(whole.judged["d0"])


def test_two_metrics_do_not_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MODULES", (*registry._MODULES, "data_tools.judging.pointing"))
    with pytest.raises(ValueError, match="metric 'peak_distance' is registered twice"):
        registry.metrics()


@pytest.mark.parametrize(
    ("label", "path", "meaning", "better"),
    [
        ("a label that is longer than 28", ("a",), "A.", "higher"),
        ("a", (), "A.", "higher"),
        ("a", ("a",), "no sentence", "higher"),
        ("a", ("a",), "A.", "up"),
    ],
)
def test_a_row_that_cannot_be_shown_is_refused(label: str, path: tuple[str, ...], meaning: str, better: str) -> None:
    with pytest.raises(ValueError, match="metric row"):
        MetricRow(label, path, meaning, better=better)


def test_look_up_tells_null_from_absent() -> None:
    value = {"a": {"b": None, "c": [1, 2]}, "d": None}
    assert look_up(value, ("a", "c", 1)) == 2
    assert look_up(value, ("a", "b"), MISSING) is None
    assert look_up(value, ("d", "e"), MISSING) is None
    assert look_up(value, ("a", "x"), MISSING) is MISSING
    assert look_up(value, ("a", "c", "x"), MISSING) is MISSING


def test_a_new_metric_in_one_file_is_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MODULES", (*registry._MODULES, TOY))
    report = judge_whole()
    figures = report.to_json()
    section = figures["runs"]["d0"]["metrics"]["score_gap"]
    assert section["ci95"][0] <= section["value"] <= section["ci95"][1]
    shown = f"{section['value']:.3f} ({section['ci95'][0]:.3f}..{section['ci95'][1]:.3f})"
    text = side_by_side(figures, full=False)
    assert [line for line in text.splitlines() if line.startswith("toy: gap of scores") and shown in line]
    for table in (metric_table(figures), seed_table(figures), comparison_table(figures)):
        assert table is not None
        assert table.rows[-1].label == "toy: gap of scores"
    assert figures["approaches"]["detector"]["metrics"]["score_gap.value"]["n_runs"] == 2
    (difference,) = [one for one in report.comparisons if one.metric == "score_gap"]
    assert difference.p_value_holm is not None
    assert figures["family"]["metrics"][-1] == "score_gap"
    frame = report.to_frame().set_index("label")
    assert frame.loc["d0", "score_gap.lower"] == section["ci95"][0]
    write_html(tmp_path / "r.html", report, None)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("toy: gap of scores") == 3
    assert "Mean score of the defect images minus that of the good ones." in page
