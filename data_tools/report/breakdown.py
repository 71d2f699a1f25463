"""Where an approach is good and where not: the report's distances by defect type, box size and aspect, with n."""

from collections.abc import Callable, Mapping
from typing import Any

from data_tools.judging.metric import Breakdown, look_up
from data_tools.judging.registry import breakdowns
from data_tools.report.cells import ReportTable, TableCell, TableRow, as_mapping, metrics_by_run, number

BY_TYPE = ("peak_distance", "by_type")
"""The breakdown that a terminal shows."""


def breakdown_tables(report: Mapping[str, Any]) -> list[ReportTable]:
    """One table a breakdown that the report holds of any run or baseline.

    A cell has the hit rate and, in small print, mean and median distance over the images that have a peak, with the
    coverage where that is not all.
    """
    tables = (_table(report, breakdown, _cell) for breakdown in breakdowns())
    return [table for table in tables if table is not None]


def type_table(report: Mapping[str, Any]) -> ReportTable | None:
    """One row a defect type: n, then hit rate and mean peak distance of each approach and baseline; None without."""
    return _table(report, Breakdown(BY_TYPE, "hit rate / mean px"), _short_cell)


def _table(
    report: Mapping[str, Any], breakdown: Breakdown, cell: Callable[[Mapping[str, Any]], TableCell]
) -> ReportTable | None:
    runs = metrics_by_run(report)
    baselines = as_mapping(report.get("baselines"))
    parts = [as_mapping(look_up(metrics, breakdown.path)) for metrics in (*runs.values(), *baselines.values())]
    rows = []
    for name in sorted({name for part in parts for name in part}, key=lambda name: _place(name, breakdown)):
        summaries = [as_mapping(part.get(name)) for part in parts]
        n = next((summary["n"] for summary in summaries if summary.get("n") is not None), None)
        label = name.replace("_", " ") if breakdown.order else name
        rows.append(TableRow(label, (TableCell(number(n, 0)), *map(cell, summaries))))
    return ReportTable(breakdown.label, ("n", *runs, *baselines), tuple(rows), len(baselines)) if rows else None


def _short_cell(summary: Mapping[str, Any]) -> TableCell:
    return TableCell(f"{number(summary.get('hit_rate'), 2)} / {number(summary.get('mean_px'), 1)}" if summary else "")


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
