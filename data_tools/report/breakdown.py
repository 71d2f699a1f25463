"""Where an approach is good and where not: the report's distances by defect type, box size and aspect, with n."""

from collections.abc import Mapping
from typing import Any

from data_tools.judging.metric import Breakdown, look_up
from data_tools.judging.registry import breakdowns
from data_tools.report.cells import ReportTable, TableCell, TableRow, as_mapping, metrics_by_run, number


def breakdown_tables(report: Mapping[str, Any]) -> list[ReportTable]:
    """One table a breakdown that the report holds of any run or baseline.

    A cell has the hit rate and, in small print, mean and median distance over the images that have a peak, with the
    coverage where that is not all.
    """
    runs = metrics_by_run(report)
    baselines = as_mapping(report.get("baselines"))
    tables = []
    for breakdown in breakdowns():
        parts = [as_mapping(look_up(metrics, breakdown.path)) for metrics in (*runs.values(), *baselines.values())]
        names = sorted({name for part in parts for name in part}, key=lambda name: _place(name, breakdown))
        rows = [_row(name, breakdown, [as_mapping(part.get(name)) for part in parts]) for name in names]
        if rows:
            tables.append(ReportTable(breakdown.label, ("n", *runs, *baselines), tuple(rows), len(baselines)))
    return tables


def _row(name: str, breakdown: Breakdown, summaries: list[Mapping[str, Any]]) -> TableRow:
    n = next((summary["n"] for summary in summaries if summary.get("n") is not None), None)
    label = name.replace("_", " ") if breakdown.order else name
    return TableRow(label, (TableCell(number(n, 0)), *map(_cell, summaries)))


def _cell(summary: Mapping[str, Any]) -> TableCell:
    if summary.get("hit_rate") is None:
        return TableCell()
    coverage = summary.get("coverage")
    small = [f"mean {number(summary.get('mean_px'), 1)}", f"median {number(summary.get('median_px'), 1)} px"]
    if coverage is not None and coverage < 1:
        small.append(f"{100 * coverage:.0f} % have a peak")
    # a narrow column breaks between the figures, not inside one
    return TableCell(
        f"{100 * summary['hit_rate']:.0f} %", ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in small)
    )


def _place(name: str, breakdown: Breakdown) -> tuple[int, str]:
    return (breakdown.order.index(name) if name in breakdown.order else len(breakdown.order), name)
