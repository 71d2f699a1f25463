"""What changed since an earlier report, as a table for terminal and page and in words."""

import textwrap
from collections.abc import Mapping
from typing import Any

from data_tools.judging.metric import Style
from data_tools.judging.registry import comparisons
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.report.cells import Report, ReportTable, TableCell, TableRow, as_mapping, interval, number, p_value_text
from data_tools.report.table import WIDTH, table_as_text


def change_table(report: Report) -> ReportTable | None:
    """One row a figure and approach: then, now, their difference, and whether it is shown; None without any."""
    rows = as_mapping(report.get("against")).get("changes") or ()
    if not rows:
        return None
    several = len({row["approach"] for row in rows}) > 1
    columns: tuple[str, ...] = ("then", "now", "now - then", "95 % CI", "p (Holm)", "groups", "change")
    columns = ("approach", *columns) if several else columns
    return ReportTable("since then", columns, tuple(_row(row, several) for row in rows))


def describe_changes(report: Report) -> list[str]:
    """The table, the remarks and the verdict for a terminal; empty where nothing was compared with."""
    table, against = change_table(report), as_mapping(report.get("against"))
    if table is None:
        return []
    remarks = [f"remark: {remark}" for remark in against.get("remarks") or ()]
    verdict = f"since {against['report']}: {against['verdict']}"
    return [table_as_text(table), *("\n".join(textwrap.wrap(text, WIDTH)) for text in (*remarks, verdict))]


def _row(row: Mapping[str, Any], several: bool) -> TableRow:
    compared = comparisons().get(row["metric"])
    style, label = (Style.THREE_DIGITS, row["metric"]) if compared is None else (compared.style, compared.label)
    texts: tuple[str, ...] = (
        number(row["old"], style.digits),
        number(row["new"], style.digits),
        number(row["difference"], style.digits, sign=True),
        interval(row["ci95"], style.digits, sign=True) or NOT_ENOUGH_GROUPS,
        p_value_text(row["p_value_holm"]),
        number(row["n_groups"], 0),
        row["change"],
    )
    texts = (row["approach"], *texts) if several else texts
    return TableRow(label, tuple(map(TableCell, texts)), "" if compared is None else compared.better)
