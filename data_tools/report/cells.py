"""What tables are made of: rows of cells, each a figure as text with its interval; names in them are `printable`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_tools.core.printable import printable
from data_tools.judging.metric import MISSING, MetricRow, Style, look_up

Report = Mapping[str, Any]
NOT_DEFINED = "n/a"


@dataclass(frozen=True)
class TableCell:
    """A value as text, and its 95 % confidence interval as text where it is known ("" else)."""

    text: str = ""
    ci95: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", printable(self.text))


@dataclass(frozen=True)
class TableRow:
    """One line of a table; `better` is "higher", "lower" or "" and says which way is good.

    `meaning` is a sentence for people who see the label for the first time, or "".
    """

    label: str
    cells: tuple[TableCell, ...]
    better: str = ""
    meaning: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", printable(self.label))


@dataclass(frozen=True)
class ReportTable:
    """Named columns, the last `baselines` of which are trivial baselines, and rows of as many cells."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    baselines: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "corner", printable(self.corner))
        object.__setattr__(self, "columns", tuple(map(printable, self.columns)))


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value, or an empty mapping in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def metrics_by_run(report: Report) -> dict[str, Report]:
    """The sections of each run by its label; empty where a report has none."""
    return {name: as_mapping(as_mapping(run).get("metrics")) for name, run in as_mapping(report.get("runs")).items()}


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """A number with so many decimals, or n/a."""
    return NOT_DEFINED if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def p_value_text(value: float | None) -> str:
    """Three decimals, or n/a."""
    return "< 0.001" if value is not None and value < 0.001 else number(value, 3)


def metric_cell(row: MetricRow, metrics: Report, value: Any) -> TableCell:
    """A figure, its interval, or n/a."""
    if value is MISSING:
        return TableCell(NOT_DEFINED if row.path[0] in metrics else "")
    if value is None:
        return TableCell(NOT_DEFINED)
    ends = look_up(metrics, row.ci95) if row.ci95 else None
    if row.style is Style.PERCENT:
        ends = ends and [end if end is None else row.style.scale * end for end in ends]
    return TableCell(scaled(row, value), interval(ends, row.style.digits))


def scaled(row: MetricRow, value: float) -> str:
    """A figure as its row writes it: "2.5 %" of .025."""
    return number(row.style.scale * value, row.style.digits) + (" %" if row.style is Style.PERCENT else "")


def interval(ci95: Any, digits: int, sign: bool = False) -> str:
    """Both ends, or "" where one is unknown."""
    if not ci95 or any(end is None for end in ci95):
        return ""
    return f"{number(ci95[0], digits, sign)}..{number(ci95[1], digits, sign)}"


def with_interval(value: float | None, ci95: Any, digits: int, sign: bool = False) -> str:
    """A number and, where it is known, its interval: "0.512 (0.400..0.600)"; n/a without a number."""
    ends = "" if value is None else interval(ci95, digits, sign)
    return number(value, digits, sign) + (f" ({ends})" if ends else "")
