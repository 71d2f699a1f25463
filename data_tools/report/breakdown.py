"""Where an approach is good and where not: the report's distances by defect type, box size and aspect, with n."""

from collections.abc import Mapping
from typing import Any

from data_tools.report.table import Cell, Row, Table, number

_PARTS = {
    "by_type": "defect type",
    "by_size": "box size",
    "by_aspect": "box aspect",
}
_ORDER = ("smallest_third", "middle_third", "largest_third", "below_1.5", "1.5_to_3", "3_and_above")


def breakdown_tables(report: Mapping[str, Any]) -> list[Table]:
    """One table a breakdown that the report holds under `peak_distance` of any run or baseline.

    A cell has the hit rate and, in small print, mean and median distance over the images that have a peak, with the
    coverage where that is not all.
    """
    runs = {name: _distances(_mapping(run).get("metrics")) for name, run in _mapping(report.get("runs")).items()}
    baselines = {name: _distances(value) for name, value in _mapping(report.get("baselines")).items()}
    everyone = [*runs.values(), *baselines.values()]
    tables = []
    for key, corner in _PARTS.items():
        parts = [_mapping(distances.get(key)) for distances in everyone]
        names = {name for part in parts for name in part}
        rows = [_row(name, key, [_mapping(part.get(name)) for part in parts]) for name in sorted(names, key=_place)]
        if rows:
            tables.append(Table(corner, ("n", *runs, *baselines), tuple(rows), len(baselines)))
    return tables


def _row(name: str, key: str, values: list[Mapping[str, Any]]) -> Row:
    n = next((value["n"] for value in values if value.get("n") is not None), None)
    label = name if key == "by_type" else name.replace("_", " ")
    return Row(label, (Cell(number(n, 0)), *map(_cell, values)))


def _cell(summary: Mapping[str, Any]) -> Cell:
    if summary.get("hit_rate") is None:
        return Cell()
    coverage = summary.get("coverage")
    small = f"mean {number(summary.get('mean_px'), 1)}, median {number(summary.get('median_px'), 1)} px"
    if coverage is not None and coverage < 1:
        small += f", {100 * coverage:.0f} % have a peak"
    return Cell(f"{100 * summary['hit_rate']:.0f} %", small)


def _place(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _distances(metrics: Any) -> Mapping[str, Any]:
    return _mapping(_mapping(metrics).get("peak_distance"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
