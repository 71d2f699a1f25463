"""The report as tables: the same rows for the terminal (`side_by_side`) and for the page.

A value that a report does not hold leaves no row; one that it holds as null is shown as n/a.
"""

import textwrap
from collections.abc import Mapping, Sequence
from statistics import fmean

from data_tools.core.printable import columns_of, printable, start_of, to_left, to_right, told_apart
from data_tools.judging.metric import HIGHER, LOWER, MISSING, Comparison, Style, look_up
from data_tools.judging.registry import comparisons, metric_rows
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.metrics.comparison import FEWEST_GROUPS
from data_tools.metrics.sign_flip import smallest_p_value
from data_tools.report.breakdown import type_table
from data_tools.report.cells import (
    NOT_DEFINED,
    Report,
    ReportTable,
    TableCell,
    TableRow,
    as_mapping,
    interval,
    metric_cell,
    metrics_by_run,
    number,
    p_value_text,
)
from data_tools.report.summary import rule_of, summary_table

WIDTH = 110
_LONGEST_NAME = 18
_LONGEST_LABEL = 28


def side_by_side(report: Report, full: bool = True, more: Sequence[ReportTable] = ()) -> str:
    """The report for a terminal, at most 110 characters wide as long as names of types and runs are of usual length.

    Approaches are columns and trivial baselines, in parentheses, follow; a table that is too wide goes on below. Names
    wider than 18 columns become letters that a legend explains.

    Args:
        report: the value of report.json; every key may be absent or null.
        full: every metric; otherwise those that most people look at first.
        more: further tables of the report.
    """
    short, legend = _short_names(list(as_mapping(report.get("runs"))))
    parts = ["\n".join(textwrap.wrap(describe_data(report), WIDTH)), "\n".join(legend)]
    if report.get("verdict"):
        parts.append("\n".join(textwrap.wrap(f"verdict: {report['verdict']}", WIDTH)))
    summary, rule = summary_table(report), describe_rule(report)
    if summary is not None:
        parts.append(table_as_text(summary, short) + "".join(f"\n{line}" for line in textwrap.wrap(rule, WIDTH)))
    tables = [metric_table(report, full), seed_table(report), type_table(report), *more, comparison_table(report, full)]
    parts += [table_as_text(table, short) for table in tables if table is not None]
    parts += textwrap.wrap(describe_engines(report), WIDTH)
    parts += ["\n".join(textwrap.wrap(f"remark: {remark}", WIDTH)) for remark in describe_remarks(report)]
    return "\n\n".join(part for part in parts if part)


def describe_data(report: Report) -> str:
    """One line on the images judged: the split, how many images, and how many of each status."""
    data = as_mapping(report.get("data"))
    kinds = (("n_good", "good"), ("n_boxed", "defect{} with boxes"), ("n_unboxed", "defect{} without boxes"))
    counts = [f"{n} {name.format('s' * (n != 1))}" for key, name in kinds if (n := data.get(key)) is not None]
    if data.get("n_groups") is not None:
        counts.append(_describe_groups(data["n_groups"]))
    images = "" if data.get("n_images") is None else f"{data['n_images']} images"
    head = " ".join(text for text in (f"{data['split']} split:" if data.get("split") else "", images) if text)
    return head + (f" ({', '.join(counts)})" if counts else "")


def describe_engines(report: Report) -> str:
    """A few words on what computed the box AP, "" where the report does not say; versions of it may differ."""
    engine = as_mapping(report.get("engines")).get("box_map")
    return f"box AP computed by {engine}" if engine else ""


def describe_remarks(report: Report) -> list[str]:
    """What a reader must know of the images and of single runs before believing their figures, a sentence each."""
    runs = as_mapping(report.get("runs"))
    of_runs = [f"{name}: {remark}" for name, run in runs.items() for remark in as_mapping(run).get("remarks") or ()]
    return [printable(remark) for remark in (*(as_mapping(report.get("data")).get("remarks") or ()), *of_runs)]


def describe_rule(report: Report) -> str:
    """How the threshold behind the overkill is chosen, and the defects that escape it; "" where nothing says so."""
    rule = rule_of(report)
    if not rule:
        return ""
    escapes = [f"{name} {share}" for name, share in _escapes(report).items()]
    here = f"; escapes here: {', '.join(escapes)}" if escapes else ""
    return f"overkill: at the threshold chosen on validation, where it {rule['words']}{here}"


def _escapes(report: Report) -> dict[str, str]:
    """The share of the judged defects that each approach lets pass, of several seeds their mean."""
    runs, shares = metrics_by_run(report), {}
    for name, approach in as_mapping(report.get("approaches")).items():
        members = [runs.get(run, {}) for run in approach.get("runs") or ()]
        known = [look_up(metrics, ("operating_point", "test", "escape")) for metrics in members]
        values = [one["value"] for one in map(as_mapping, known) if one.get("value") is not None]
        if values:
            ends = as_mapping(known[0]).get("ci95") if len(known) == 1 else None
            between = interval(ends and [100 * end for end in ends], 1)
            shares[printable(name)] = f"{100 * fmean(values):.1f} %" + (f" ({between})" if between else "")
    return shares


def _describe_groups(count: int) -> str:
    """The number of groups, and what cannot be said with so few."""
    if count < 2:
        return f"{count} group, {NOT_ENOUGH_GROUPS} for an interval"
    if count < FEWEST_GROUPS:
        return f"{count} groups, {NOT_ENOUGH_GROUPS} for a p-value below {smallest_p_value(count):.4g}"
    return f"{count} groups"


def metric_table(report: Report, full: bool = True) -> ReportTable | None:
    """One row a metric, one column a run and then a baseline; None without any row. `full` is all of the metrics."""
    runs = metrics_by_run(report)
    baselines = {name: as_mapping(value) for name, value in as_mapping(report.get("baselines")).items()}
    everyone = [*runs.values(), *baselines.values()]
    rows = []
    for row in metric_rows():
        values = [look_up(metrics, row.path, MISSING) for metrics in everyone]
        known = any(value is not None and value is not MISSING for value in values)
        if known or (row.short and any(value is None for value in values)):
            if not (full or row.short):
                continue
            cells = (metric_cell(row, m, value) for m, value in zip(everyone, values, strict=True))
            rows.append(TableRow(row.label, tuple(cells), row.better, row.meaning))
    return ReportTable("metric", (*runs, *baselines), tuple(rows), len(baselines)) if rows else None


def seed_table(report: Report) -> ReportTable | None:
    """Means and standard deviations over the seeds, one column an approach; None where none has several."""
    approaches = {
        name: as_mapping(value)
        for name, value in as_mapping(report.get("approaches")).items()
        if (value.get("seeds") or 0) > 1
    }
    rows = []
    for row in metric_rows():
        summaries = [as_mapping(as_mapping(value.get("metrics")).get(row.key)) for value in approaches.values()]
        if any(summaries):
            cells = tuple(TableCell(_mean_and_sd(summary, row.style)) for summary in summaries)
            unit = ", %" if row.style is Style.PERCENT else ""
            rows.append(TableRow(row.label + unit, cells, row.better, row.meaning))
    columns = tuple(f"{name}, {value['seeds']} seeds" for name, value in approaches.items())
    return ReportTable("mean +- sd over seeds", columns, tuple(rows)) if rows else None


def comparison_table(report: Report, full: bool = True) -> ReportTable | None:
    """One row a paired comparison, with the approach it speaks for, or "neither" where the interval spans 0."""
    known, rows = comparisons(), []
    meanings = {row.label: row.meaning for row in metric_rows()}
    differences = list(report.get("comparisons") or ())
    holm = any("p_value_holm" in value for value in differences)
    for value in differences:
        name = str(value.get("metric"))
        # of another version's report, a comparison may be unknown here
        compared = known.get(name)
        if not (full or compared is None or compared.short):
            continue
        label = name if compared is None else compared.label
        meaning = (compared and compared.meaning) or meanings.get(label, "")
        cells = tuple(map(TableCell, _difference_texts(value, compared, holm)))
        rows.append(TableRow(label, cells, meaning=meaning))
    columns = ("a", "b", "a - b", "95 % CI", "p (Holm)" if holm else "p", "n", "groups", "favours")
    return ReportTable("difference", columns, tuple(rows)) if rows else None


def _difference_texts(value: Report, compared: Comparison | None, holm: bool) -> list[str]:
    digits = (Style.THREE_DIGITS if compared is None else compared.style).digits
    ci95 = value.get("ci95") or (None, None)
    # what is outside the corrected family is described by its interval alone
    p_value = value.get("p_value_holm") if holm else value.get("p_value")
    texts = (
        value.get("a"),
        value.get("b"),
        number(value.get("difference"), digits, sign=True),
        interval(ci95, digits, sign=True) or NOT_ENOUGH_GROUPS,
        "" if holm and p_value is None else p_value_text(p_value),
        number(value.get("n"), 0),
        number(value.get("n_groups"), 0),
        _favoured(HIGHER if compared is None else compared.better, value),
    )
    return [NOT_DEFINED if text is None else str(text) for text in texts]


def _mean_and_sd(summary: Report, style: Style) -> str:
    if not summary:
        return NOT_DEFINED
    sd = summary.get("sd")
    spread = NOT_DEFINED if sd is None else f"{style.scale * sd:.{style.digits}f}"
    return f"{style.scale * summary['mean']:.{style.digits}f} +- {spread}"


def _favoured(better: str, value: Report) -> str:
    difference, (low, high) = value.get("difference"), value.get("ci95") or (None, None)
    if difference is None or low is None or high is None:
        return NOT_DEFINED
    # an older report does not say how many groups there are
    if low <= 0 <= high or (value.get("n_groups") or FEWEST_GROUPS) < FEWEST_GROUPS:
        return "neither"
    return "a" if (difference < 0) == (better == LOWER) else "b"


def _short_names(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Letters for names of which one is too long for a column, and the legend that explains them."""
    if all(columns_of(name) <= _LONGEST_NAME for name in names):
        return {}, []
    letters = [f"[{chr(ord('A') + i)}]" if i < 26 else f"[{i + 1}]" for i in range(len(names))]
    legend = [f"{letter} {name}" for letter, name in zip(letters, names, strict=True)]
    return dict(zip(names, letters, strict=True)), legend


def table_as_text(table: ReportTable, short: Mapping[str, str] | None = None) -> str:
    """Columns aligned, the first to the left and the others to the right; too many go on in a block below.

    `short` are letters by the names that they stand for.
    """
    short = short or {}
    first_baseline = len(table.columns) - table.baselines
    heads = [short.get(c, c) if i < first_baseline else f"({c})" for i, c in enumerate(table.columns)]
    # intervals of the baselines would cost more width than they are worth here; the page shows them
    texts = [
        [short.get(c.text, c.text) + (f" ({c.ci95})" if c.ci95 and i < first_baseline else "") for i, c in cells]
        for cells in (list(enumerate(row.cells)) for row in table.rows)
    ]
    labels = [table.corner, *_cut([row.label for row in table.rows])]
    columns = [[head, *(row[i] for row in texts)] for i, head in enumerate(heads)]
    widths = [max(map(columns_of, column)) for column in columns]
    left = max(map(columns_of, labels))
    blocks: list[list[int]] = [[]]
    for i, width in enumerate(widths):
        if blocks[-1] and left + sum(widths[j] + 2 for j in blocks[-1]) + width + 2 > WIDTH:
            blocks.append([])
        blocks[-1].append(i)
    return "\n\n".join(_block(labels, [columns[i] for i in block], [widths[i] for i in block]) for block in blocks)


def _block(labels: Sequence[str], columns: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    left = max(map(columns_of, labels))
    lines = []
    for i, label in enumerate(labels):
        cells = ("  " + to_right(column[i], width) for column, width in zip(columns, widths, strict=True))
        lines.append(to_left(label, left) + "".join(cells))
    lines.insert(1, "-" * columns_of(lines[0]))
    return "\n".join(line.rstrip() for line in lines)


def _cut(labels: Sequence[str]) -> list[str]:
    """Long labels cut off, but for those that nobody could tell apart then."""
    cut = [
        label if columns_of(label) <= _LONGEST_LABEL else f"{start_of(label, _LONGEST_LABEL - 2)}.." for label in labels
    ]
    return told_apart(cut, labels)
