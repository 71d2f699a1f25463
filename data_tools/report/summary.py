"""Six figures of each approach with their intervals and the groups behind them: which is better, and how sure.

Where mistakes have a cost, what they cost an image stands among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_tools.judging.metric import KeyPath, MetricRow, look_up
from data_tools.judging.registry import metric_rows
from data_tools.metrics.operating_point import EscapeRate
from data_tools.report.cells import (
    NOT_DEFINED,
    Report,
    ReportTable,
    TableCell,
    TableRow,
    as_mapping,
    metric_cell,
    metrics_by_run,
    scaled,
)


@dataclass(frozen=True)
class _Figure:
    """A row of the summary: its name, the `MetricRow` that it shows, and where the number of groups lies."""

    label: str
    path: KeyPath
    groups: KeyPath


COST = ("operating_point", "test", "cost_per_image", "value")
"""The one row that is there only where mistakes have a cost."""
_FIGURES = (
    _Figure("AUC", ("auc", "value"), ("auc", "n_groups")),
    _Figure("overkill", ("operating_point", "fpr"), ("operating_point", "test", "n_groups")),
    _Figure("cost an image", COST, ("operating_point", "test", "n_groups")),
    _Figure("hit rate", ("peak_distance", "hit_rate"), ("peak_distance", "n_groups")),
    _Figure("peak distance, px", ("peak_distance", "mean_px"), ("peak_distance", "n_groups")),
    _Figure("box AP50", ("box_map", "ap50"), ("box_map", "n_groups")),
    _Figure("ms an image", ("speed", "ms_per_image"), ()),
)
OVERKILL = "overkill"


def summary_table(report: Report) -> ReportTable | None:
    """One column an approach and one row a figure; None where not all of their metrics were judged.

    A figure of several seeds is their mean, with the lowest and the highest of them in the place of an interval.
    """
    runs = metrics_by_run(report)
    approaches = as_mapping(report.get("approaches"))
    members = {name: list(as_mapping(one).get("runs") or ()) for name, one in approaches.items()}
    members = {name: labels for name, labels in members.items() if labels and all(label in runs for label in labels)}
    known = {row.path: row for row in metric_rows()}
    rows = []
    has_costs = any(look_up(metrics, COST) is not None for metrics in runs.values())
    for figure in _FIGURES:
        row = known[figure.path]
        if (has_costs or figure.path != COST) and any(row.path[0] in metrics for metrics in runs.values()):
            cells = [_cell(row, as_mapping(approaches[name]), [runs[m] for m in of]) for name, of in members.items()]
            rows.append(TableRow(_label(figure, report), (*cells, _groups(figure, runs)), row.better, row.meaning))
    columns = tuple(f"{name}, {len(of)} seeds" if len(of) > 1 else name for name, of in members.items())
    return (
        ReportTable("figure", (*columns, "groups"), tuple(rows))
        if members and len(rows) == len(_FIGURES) - (not has_costs)
        else None
    )


def _label(figure: _Figure, report: Report) -> str:
    """The overkill says at which operating point; the escape rate is the target on validation."""
    if figure.label != OVERKILL:
        return figure.label
    rule = rule_of(report)
    if rule.get("name") == EscapeRate.name:
        return f"overkill at escape {100 * rule['escape_rate']:g} %"
    return "overkill at least cost" if rule else figure.label


def rule_of(report: Report) -> Mapping[str, Any]:
    """What chose the thresholds, the same for all runs; empty where the report does not say."""
    rules = (as_mapping(look_up(one, ("operating_point", "rule"))) for one in metrics_by_run(report).values())
    return next((rule for rule in rules if rule), {})


def _cell(row: MetricRow, approach: Report, runs: Sequence[Mapping[str, Any]]) -> TableCell:
    if len(runs) == 1:
        value = look_up(runs[0], row.path)
        return metric_cell(row, runs[0], value) if value is not None else TableCell(NOT_DEFINED)
    seeds = as_mapping(as_mapping(approach.get("metrics")).get(row.key))
    if not seeds:
        return TableCell(NOT_DEFINED)
    return TableCell(scaled(row, seeds["mean"]), f"seeds {scaled(row, seeds['min'])}..{scaled(row, seeds['max'])}")


def _groups(figure: _Figure, runs: Mapping[str, Mapping[str, Any]]) -> TableCell:
    counts = [look_up(metrics, figure.groups) for metrics in runs.values()] if figure.groups else []
    count = next((count for count in counts if count is not None), None)
    return TableCell("" if count is None else str(count))
