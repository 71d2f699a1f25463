"""The metrics by name, in the order of the table. A new one is a module with a `METRIC`, and a line in `_MODULES`."""

from collections.abc import Iterable
from importlib import import_module

from data_tools.judging.metric import Breakdown, Comparison, Metric, MetricRow

_MODULES: tuple[str, ...] = (
    "data_tools.judging.image_level",
    "data_tools.judging.box_precision",
    "data_tools.judging.types",
    "data_tools.judging.pointing",
    "data_tools.judging.free_response",
    "data_tools.judging.map_accuracy",
    "data_tools.judging.proposals",
    "data_tools.judging.speed",
)


def metrics() -> dict[str, Metric]:
    """Every metric by name.

    Raises:
        ValueError: two metrics share a name, a row's path or the name of a comparison.
    """
    registered: list[Metric] = [import_module(module).METRIC for module in _MODULES]
    _require_distinct("metric", (metric.name for metric in registered))
    _require_distinct("row", (row.key for metric in registered for row in metric.rows))
    _require_distinct("comparison", (one.name for metric in registered for one in metric.comparisons))
    return {metric.name: metric for metric in registered}


def metric_rows() -> list[MetricRow]:
    """The rows of the table, of all metrics."""
    return [row for metric in metrics().values() for row in metric.rows]


def comparisons() -> dict[str, Comparison]:
    """What is compared, by name, of all metrics."""
    return {one.name: one for metric in metrics().values() for one in metric.comparisons}


def breakdowns() -> list[Breakdown]:
    """The breakdowns of all metrics."""
    return [one for metric in metrics().values() for one in metric.breakdowns]


def family() -> list[str]:
    """The comparisons that Holm's correction covers, for all pairs together."""
    return [one.name for one in comparisons().values() if one.in_family]


def _require_distinct(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{kind} {name!r} is registered twice")
        seen.add(name)
