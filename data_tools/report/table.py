"""The report as tables: the same rows for the terminal (`side_by_side`) and for the page.

A value that a report does not hold leaves no row; one that it holds as null is shown as n/a.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]
NOT_DEFINED = "n/a"
WIDTH = 110
_LONGEST_NAME = 18
_LONGEST_LABEL = 28
_MISSING: Any = object()


@dataclass(frozen=True)
class Cell:
    """A value as text, and its 95 % confidence interval as text where it is known ("" else)."""

    text: str = ""
    ci95: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table; `better` is "higher", "lower" or "" and says which way is good."""

    label: str
    cells: tuple[Cell, ...]
    better: str = ""


@dataclass(frozen=True)
class Table:
    """Named columns, the last `baselines` of which are trivial baselines, and rows of as many cells."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    baselines: int = 0


@dataclass(frozen=True)
class _Metric:
    """Where a row finds its value in `metrics`, and how it is written: digits, or "%" for a rate, or "n" for counts.

    A `key` row is shown on a terminal without being asked for.
    """

    label: str
    path: tuple[str, ...]
    style: str = "3"
    better: str = "higher"
    ci95_path: tuple[str, ...] = ()
    key: bool = False


def _with_interval(label: str, section: str, name: str, style: str = "3", better: str = "higher") -> _Metric:
    return _Metric(label, (section, name), style, better, (section, f"{name}_ci95"), key=True)


_METRICS = (
    _Metric("AUC", ("auc", "value"), ci95_path=("auc", "ci95"), key=True),
    _Metric("average precision", ("average_precision", "value"), ci95_path=("average_precision", "ci95"), key=True),
    _Metric("FPR at TPR 98 %", ("fpr_at_tpr", "0.98", "fpr"), "%", "lower", key=True),
    _Metric("FPR at TPR 99.1 %", ("fpr_at_tpr", "0.991", "fpr"), "%", "lower"),
    _Metric("FPR at TPR 99.3 %", ("fpr_at_tpr", "0.993", "fpr"), "%", "lower"),
    _Metric("FPR at TPR 99.5 %", ("fpr_at_tpr", "0.995", "fpr"), "%", "lower"),
    _Metric("FPR at TPR 99.7 %", ("fpr_at_tpr", "0.997", "fpr"), "%", "lower", key=True),
    _Metric("FPR at TPR 100 %", ("fpr_at_tpr", "1.0", "fpr"), "%", "lower"),
    _Metric("TPR, validation threshold", ("operating_point", "tpr"), "%"),
    _Metric("FPR, validation threshold", ("operating_point", "fpr"), "%", "lower"),
    _Metric("escapes (defects passed)", ("operating_point", "escapes"), "n", "lower", key=True),
    _Metric("overkills (good flagged)", ("operating_point", "overkills"), "n", "lower", key=True),
    _Metric("Brier score", ("calibration", "brier"), "3", "lower"),
    _Metric("expected calibration error", ("calibration", "ece"), "3", "lower"),
    _Metric("box AP", ("box_map", "ap"), key=True),
    _Metric("box AP50", ("box_map", "ap50"), ci95_path=("box_map", "ap50_ci95"), key=True),
    _Metric("box AP75", ("box_map", "ap75")),
    _Metric("box AP, smallest third", ("box_map", "ap_smallest_third")),
    _Metric("box AP, middle third", ("box_map", "ap_middle_third")),
    _Metric("box AP, largest third", ("box_map", "ap_largest_third")),
    _Metric("true boxes missed", ("error_types", "missed"), "n", "lower"),
    _Metric("boxes badly placed", ("error_types", "localisation"), "n", "lower"),
    _Metric("boxes twice", ("error_types", "duplicate"), "n", "lower"),
    _Metric("boxes on background", ("error_types", "background"), "n", "lower"),
    _with_interval("peak distance mean, px", "peak_distance", "mean_px", "1", "lower"),
    _Metric("peak distance median, px", ("peak_distance", "median_px"), "1", "lower", key=True),
    _Metric("peak distance p90, px", ("peak_distance", "p90_px"), "1", "lower"),
    _Metric("mean / image diagonal", ("peak_distance", "mean_diagonal"), "3", "lower"),
    _Metric("to box centre mean, px", ("peak_distance", "mean_centre_px"), "1", "lower"),
    _Metric("signed mean dx, px", ("peak_distance", "mean_dx_px"), "1", ""),
    _Metric("signed mean dy, px", ("peak_distance", "mean_dy_px"), "1", ""),
    _with_interval("hit rate (0 px)", "peak_distance", "hit_rate"),
    _with_interval("hit rate (15 px)", "peak_distance", "hit_rate_15px"),
    _Metric("DRA (to 20 px)", ("peak_distance", "dra_20px"), ci95_path=("peak_distance", "dra_20px_ci95")),
    _Metric("coverage (has a peak)", ("peak_distance", "coverage"), key=True),
    _Metric(
        "flagged and within 15 px",
        ("end_to_end", "hit_rate_15px"),
        ci95_path=("end_to_end", "hit_rate_15px_ci95"),
        key=True,
    ),
    _Metric("FPR, located TPR 99.7 %", ("located", "15px", "fpr"), "%", "lower"),
    _Metric("located TPR at most", ("located", "15px", "ceiling"), "%"),
    _Metric("box in 15 px of 1 peak", ("peak_recall", "1", "recall_15px")),
    _Metric("box in 15 px of 3 peaks", ("peak_recall", "3", "recall_15px")),
    _Metric("box in 15 px of 5 peaks", ("peak_recall", "5", "recall_15px")),
    _Metric("map energy in boxes", ("energy_pointing", "value"), key=True),
    _Metric("energy lift over chance", ("energy_pointing", "lift"), "1"),
    _Metric("boxed images, n", ("peak_distance", "n"), "n", "", key=True),
    _Metric("FROC mean, IoU 0.5", ("froc", "iou_0.5", "mean"), key=True),
    _Metric("FROC mean, within 15 px", ("froc", "centre_within_15px", "mean")),
    _Metric("FROC mean, good images", ("froc", "iou_0.5_false_on_good_only", "mean")),
    _Metric("MaxBoxAcc, validation cut", ("max_box_acc", "validation", "max_box_acc"), key=True),
    _Metric("MaxBoxAcc, oracle cut", ("max_box_acc", "oracle", "max_box_acc")),
    _Metric("MaxBoxAccV2, validation", ("max_box_acc", "validation", "max_box_acc_v2")),
    _Metric("MaxBoxAccV2, oracle", ("max_box_acc", "oracle", "max_box_acc_v2")),
    _Metric("RPN proposals AR@100", ("proposal_recall", "proposals", "100")),
    _Metric("predicted boxes AR@10", ("proposal_recall", "predicted_boxes", "10")),
    _Metric("predicted boxes AR@100", ("proposal_recall", "predicted_boxes", "100")),
    _Metric("sliding window AR@10", ("proposal_recall", "sliding_window", "10")),
    _Metric("sliding window AR@100", ("proposal_recall", "sliding_window", "100")),
)
_LOWER_IS_BETTER = ("peak_distance", "peak_distance_median")


def side_by_side(report: Report, full: bool = True) -> str:
    """The report for a terminal, at most 110 characters wide as long as names of types and runs are of usual length.

    Approaches are columns and trivial baselines, in parentheses, follow; a table that is too wide goes on below. Names
    longer than 18 characters become letters that a legend explains.

    Args:
        report: as `detect.evaluate` writes it; every key may be absent or null.
        full: every metric; otherwise those that most people look at first.
    """
    short, legend = _short_names(list(_mapping(report.get("runs"))))
    parts = [*textwrap.wrap(describe_data(report), WIDTH), "\n".join(legend)]
    tables = [metric_table(report, full), seed_table(report), type_table(report), comparison_table(report, full)]
    for table in tables:
        if table is not None:
            parts.append(_as_text(table, short))
    parts += textwrap.wrap(describe_engines(report), WIDTH)
    if report.get("verdict"):
        parts.append("\n".join(textwrap.wrap(f"verdict: {report['verdict']}", WIDTH)))
    return "\n\n".join(part for part in parts if part)


def describe_data(report: Report) -> str:
    """One line on the images judged: the split, how many images, and how many of each status."""
    data = _mapping(report.get("data"))
    kinds = (("n_good", "good"), ("n_boxed", "defects with boxes"), ("n_unboxed", "defects without boxes"))
    counts = [f"{data[key]} {name}" for key, name in kinds if data.get(key) is not None]
    if data.get("n_groups") is not None:
        counts.append(f"{data['n_groups']} groups")
    images = "" if data.get("n_images") is None else f"{data['n_images']} images"
    head = " ".join(text for text in (f"{data['split']} split:" if data.get("split") else "", images) if text)
    return head + (f" ({', '.join(counts)})" if counts else "")


def describe_engines(report: Report) -> str:
    """A few words on what computed the box AP, "" where the report does not say; versions of it may differ."""
    engine = _mapping(report.get("engines")).get("box_map")
    return f"box AP computed by {engine}" if engine else ""


def metric_table(report: Report, full: bool = True) -> Table | None:
    """One row a metric, one column a run and then a baseline; None without any row. `full` is all of the metrics."""
    runs = {name: _mapping(_mapping(run).get("metrics")) for name, run in _mapping(report.get("runs")).items()}
    baselines = {name: _mapping(value) for name, value in _mapping(report.get("baselines")).items()}
    everyone = [*runs.values(), *baselines.values()]
    rows = []
    for metric in _METRICS:
        values = [_look_up(metrics, metric.path) for metrics in everyone]
        known = any(value is not None and value is not _MISSING for value in values)
        if known or (metric.key and any(value is None for value in values)):
            if not (full or metric.key):
                continue
            cells = (_metric_cell(metric, m, value) for m, value in zip(everyone, values, strict=True))
            rows.append(Row(metric.label, tuple(cells), metric.better))
    return Table("metric", (*runs, *baselines), tuple(rows), len(baselines)) if rows else None


def type_table(report: Report) -> Table | None:
    """One row a defect type: n, then hit rate and mean peak distance of each approach and baseline; None without."""
    found = {name: _mapping(_mapping(run).get("metrics")) for name, run in _mapping(report.get("runs")).items()}
    baselines = _mapping(report.get("baselines"))
    everyone = [*found.values(), *(_mapping(value) for value in baselines.values())]
    by_type = [_mapping(_mapping(metrics.get("peak_distance")).get("by_type")) for metrics in everyone]
    rows = []
    for name in sorted({name for types in by_type for name in types}):
        values = [_mapping(types.get(name)) for types in by_type]
        n = next((value["n"] for value in values if value.get("n") is not None), None)
        texts = [f"{number(v.get('hit_rate'), 2)} / {number(v.get('mean_px'), 1)}" if v else "" for v in values]
        rows.append(Row(name, (Cell(number(n, 0)), *(Cell(text) for text in texts))))
    columns = ("n", *found, *baselines)
    return Table("hit rate / mean px", columns, tuple(rows), len(baselines)) if rows else None


def seed_table(report: Report) -> Table | None:
    """Means and standard deviations over the seeds, one column an approach; None where none has several."""
    approaches = {
        name: _mapping(value)
        for name, value in _mapping(report.get("approaches")).items()
        if (value.get("seeds") or 0) > 1
    }
    rows = []
    for metric in _METRICS:
        found = [_mapping(_mapping(value.get("metrics")).get(".".join(metric.path))) for value in approaches.values()]
        if any(found):
            scale, digits = (100, 1) if metric.style == "%" else (1, int(metric.style) if metric.style != "n" else 0)
            cells = tuple(Cell(_mean_and_sd(value, scale, digits)) for value in found)
            rows.append(Row(metric.label + (", %" if metric.style == "%" else ""), cells, metric.better))
    columns = tuple(f"{name}, {value['seeds']} seeds" for name, value in approaches.items())
    return Table("mean +- sd over seeds", columns, tuple(rows)) if rows else None


def comparison_table(report: Report, full: bool = True) -> Table | None:
    """One row a paired comparison, with the approach it speaks for, or "neither" where the interval spans 0."""
    rows = []
    every = list(report.get("comparisons") or ())
    comparisons = [value for value in every if full or value.get("metric") not in _NOT_AT_FIRST]
    holm = any("p_value_holm" in value for value in comparisons)
    for value in comparisons:
        name, ci95 = str(value.get("metric")), value.get("ci95") or (None, None)
        digits = 1 if name in _LOWER_IS_BETTER else 3
        # what is outside the corrected family is described by its interval alone
        p_value = value.get("p_value_holm") if holm else value.get("p_value")
        texts = (
            value.get("a"),
            value.get("b"),
            number(value.get("difference"), digits, sign=True),
            _interval(ci95, digits, sign=True) or NOT_DEFINED,
            "" if holm and p_value is None else _p_value(p_value),
            number(value.get("n"), 0),
            _favoured(name, value.get("difference"), ci95),
        )
        label = _COMPARED.get(name, name)
        rows.append(Row(label, tuple(Cell(NOT_DEFINED if text is None else str(text)) for text in texts)))
    columns = ("a", "b", "a - b", "95 % CI", "p (Holm)" if holm else "p", "n", "favours")
    return Table("difference", columns, tuple(rows)) if rows else None


_COMPARED = {
    "auc": "AUC",
    "average_precision": "average precision",
    "box_ap50": "box AP50",
    "peak_distance": "peak distance mean, px",
    "peak_distance_median": "peak distance median, px",
    "hit_rate": "hit rate (0 px)",
    "hit_rate_15px": "hit rate (15 px)",
    "dra_20px": "DRA (to 20 px)",
    "end_to_end.hit_rate": "flagged and hit",
    "end_to_end.hit_rate_15px": "flagged and within 15 px",
    "end_to_end.dra_20px": "flagged, DRA (to 20 px)",
}
_NOT_AT_FIRST = ("hit_rate_15px", "end_to_end.hit_rate", "end_to_end.dra_20px")


def _p_value(value: float | None) -> str:
    return "< 0.001" if value is not None and value < 0.001 else number(value, 3)


def _mean_and_sd(value: Report, scale: int, digits: int) -> str:
    if not value:
        return NOT_DEFINED
    sd = value.get("sd")
    spread = NOT_DEFINED if sd is None else f"{scale * sd:.{digits}f}"
    return f"{scale * value['mean']:.{digits}f} +- {spread}"


def number(value: float | None, digits: int, sign: bool = False) -> str:
    """A number with so many decimals, or n/a."""
    return NOT_DEFINED if value is None else f"{value:{'+' if sign else ''}.{digits}f}"


def _metric_cell(metric: _Metric, metrics: Report, value: Any) -> Cell:
    if value is _MISSING:
        return Cell(NOT_DEFINED if metric.path[0] in metrics else "")
    if value is None:
        return Cell(NOT_DEFINED)
    if metric.style == "%":
        return Cell(f"{100 * value:.1f} %")
    digits = 0 if metric.style == "n" else int(metric.style)
    interval = _look_up(metrics, metric.ci95_path) if metric.ci95_path else None
    return Cell(number(value, digits), "" if interval is _MISSING else _interval(interval, digits))


def _interval(ci95: Any, digits: int, sign: bool = False) -> str:
    if not ci95 or any(end is None for end in ci95):
        return ""
    return f"{number(ci95[0], digits, sign)}..{number(ci95[1], digits, sign)}"


def _favoured(metric: str, difference: float | None, ci95: Sequence[float | None]) -> str:
    low, high = ci95
    if difference is None or low is None or high is None:
        return NOT_DEFINED
    if low <= 0 <= high:
        return "neither"
    return "a" if (difference < 0) == (metric in _LOWER_IS_BETTER) else "b"


def _look_up(metrics: Report, path: Sequence[str]) -> Any:
    """The value at the path; None where a parent is null, `_MISSING` where a key is absent."""
    value: Any = metrics
    for key in path:
        if value is None:
            return None
        if not isinstance(value, Mapping) or key not in value:
            return _MISSING
        value = value[key]
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _short_names(names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Letters for names of which one is too long for a column, and the legend that explains them."""
    if all(len(name) <= _LONGEST_NAME for name in names):
        return {}, []
    letters = [f"[{chr(ord('A') + i)}]" if i < 26 else f"[{i + 1}]" for i in range(len(names))]
    legend = [f"{letter} {name}" for letter, name in zip(letters, names, strict=True)]
    return dict(zip(names, letters, strict=True)), legend


def _as_text(table: Table, short: Mapping[str, str]) -> str:
    """Columns aligned, the first to the left and the others to the right; too many go on in a block below."""
    first_baseline = len(table.columns) - table.baselines
    heads = [short.get(c, c) if i < first_baseline else f"({c})" for i, c in enumerate(table.columns)]
    # intervals of the baselines would cost more width than they are worth here; the page shows them
    texts = [
        [short.get(c.text, c.text) + (f" ({c.ci95})" if c.ci95 and i < first_baseline else "") for i, c in cells]
        for cells in (list(enumerate(row.cells)) for row in table.rows)
    ]
    labels = [table.corner, *(_cut(row.label) for row in table.rows)]
    columns = [[head, *(row[i] for row in texts)] for i, head in enumerate(heads)]
    widths = [max(map(len, column)) for column in columns]
    left = max(map(len, labels))
    blocks: list[list[int]] = [[]]
    for i, width in enumerate(widths):
        if blocks[-1] and left + sum(widths[j] + 2 for j in blocks[-1]) + width + 2 > WIDTH:
            blocks.append([])
        blocks[-1].append(i)
    return "\n\n".join(_block(labels, [columns[i] for i in block], [widths[i] for i in block]) for block in blocks)


def _block(labels: Sequence[str], columns: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    left = max(map(len, labels))
    lines = []
    for i, label in enumerate(labels):
        lines.append(label.ljust(left) + "".join("  " + c[i].rjust(w) for c, w in zip(columns, widths, strict=True)))
    lines.insert(1, "-" * len(lines[0]))
    return "\n".join(line.rstrip() for line in lines)


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 2] + ".."
