"""What boxes buy: the judged runs of each number of boxed images, as rows, a table, sentences and a figure."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from data_tools.core.printable import columns_of, counted, to_left
from data_tools.files.csv_tables import csv_text
from data_tools.files.runs import DONE
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.report.cells import NOT_DEFINED, number, with_interval
from data_tools.report.table import WIDTH

METRICS = {"auc": "AUC", "ap50": "box AP50", "hit_rate": "hit rate"}
COMPARED = {"auc": "auc", "box_ap50": "ap50", "hit_rate": "hit_rate"}
"""By their names in the evaluator's comparisons the metrics whose differences have paired intervals."""

Point = Mapping[str, Any]


def point(report: Mapping[str, Any], label: str, baselines: Sequence[str]) -> dict[str, Any]:
    """The figures of one run, and its differences from each baseline, from the evaluator's report.

    Keys are those of `METRICS`, each with "value" and "ci95" (None where not known), "mean_px", "coverage" and
    "against": by baseline and metric the "difference" (positive: the run is better), its "ci95" and "n".
    """
    metrics = report["runs"][label]["metrics"]
    auc, boxes, peaks = metrics["auc"], metrics["box_map"], metrics["peak_distance"]
    against: dict[str, dict[str, Any]] = {name: {} for name in baselines}
    for row in report["comparisons"]:
        if row["a"] == label and row["b"] in against and row["metric"] in COMPARED:
            kept = {key: row[key] for key in ("difference", "ci95", "p_value", "test", "n")}
            against[row["b"]][COMPARED[row["metric"]]] = kept
    unknown = {"value": None, "ci95": None}
    return {
        "auc": unknown if auc is None else {"value": auc["value"], "ci95": auc["ci95"]},
        "ap50": unknown if boxes is None else {"value": boxes["ap50"], "ci95": boxes["ap50_ci95"]},
        "hit_rate": {"value": peaks["hit_rate"], "ci95": peaks["hit_rate_ci95"]},
        "mean_px": peaks["mean_px"],
        "coverage": peaks["coverage"],
        "against": against,
    }


def level(report: Mapping[str, Any], baseline: str) -> dict[str, Any]:
    """The figures of a baseline: of its one run with the interval, or the mean over its seeds with their range."""
    labels = report["approaches"][baseline]["runs"]
    points = [point(report, label, ()) for label in labels]
    if len(points) == 1:
        return {name: points[0][name] for name in METRICS} | {"runs": labels}
    levels: dict[str, Any] = {"runs": labels}
    for name in METRICS:
        values = [one[name]["value"] for one in points if one[name]["value"] is not None]
        mean = sum(values) / len(values) if values else None
        levels[name] = {"value": mean, "ci95": None, "range": [min(values), max(values)] if values else None}
    return levels


def overtakes(points: Sequence[Point], baseline: str, metric: str) -> tuple[Point | None, Point | None]:
    """From which number of boxed images on the detector is ahead of a baseline.

    Args:
        points: ascending by "boxed_images", each with "against".
        baseline: its name.
        metric: of `METRICS`.

    Returns:
        The first point from which on every difference is positive, and the first from which on every interval lies
        above 0; None where there is none, that is if the last point is not.
    """
    ahead: Point | None = None
    shown: Point | None = None
    for one in reversed(points):
        compared = one["against"][baseline].get(metric)
        if compared is None or compared["difference"] <= 0:
            break
        ahead = one
    for one in reversed(points):
        compared = one["against"][baseline].get(metric)
        if compared is None or compared["ci95"] is None or compared["ci95"][0] <= 0:
            break
        shown = one
    return ahead, shown


def sentence(points: Sequence[Point], baseline: str, metric: str) -> str:
    """Where the detector overtakes the baseline in one metric, claiming no more than the intervals show."""
    name = METRICS[metric]
    last = points[-1]["against"][baseline].get(metric) if points else None
    if last is None:
        return f"{name}: not compared with {baseline}"
    ahead, shown = overtakes(points, baseline, metric)
    if shown is not None:
        earlier = ""
        if ahead is not None and ahead is not shown:
            earlier = f"; ahead by point estimate from {ahead['boxed_images']}"
        return f"{name}: the detector overtakes {baseline} at {_at(shown, baseline, metric)}{earlier}"
    if ahead is not None:
        return (
            f"{name}: the detector is ahead of {baseline} by point estimate from {_at(ahead, baseline, metric)}, but "
            "the interval at the most boxes spans 0, so overtaking is not shown within the range"
        )
    at_most = _at(points[-1], baseline, metric)
    return f"{name}: not within the range; the detector does not overtake {baseline} at {at_most}"


def to_text(summary: Mapping[str, Any]) -> str:
    """The table, the sentences and what the boxes counted do not include, for a terminal."""
    names = list(summary["baselines"])
    head = ["boxed images", "boxes", *METRICS.values(), "mean px", "minutes", *(f"hit rate - {name}" for name in names)]
    lines = [head]
    for one in summary["points"]:
        if one["state"] != DONE:
            lines.append([str(one["boxed_images"]), str(one["boxes"]), one["state"]])
            continue
        compared = [_difference(one["against"][name].get("hit_rate")) for name in names]
        lines.append(
            [
                str(one["boxed_images"]),
                str(one["boxes"]),
                *(_value(one[name]) for name in METRICS),
                number(one["mean_px"], 1),
                number(one["minutes"], 1),
                *compared,
            ]
        )
    for name, levels in summary["baselines"].items():
        lines.append([name, "-", *(_value(levels[metric]) for metric in METRICS)])
    widths = [max(columns_of(line[i]) for line in lines if i < len(line)) for i in range(len(head))]
    rows = [
        "  ".join(to_left(text, width) for text, width in zip(line, widths, strict=False)).rstrip() for line in lines
    ]
    rows.insert(1, "-" * columns_of(rows[0]))
    said = [textwrap.fill(text, WIDTH) for text in (*summary["sentences"], *summary["notes"])]
    return "\n".join([*rows, "", *said])


def to_csv(summary: Mapping[str, Any]) -> str:
    """One row a number of boxed images; an empty field is undefined."""
    baselines = list(summary["baselines"])
    head = ["boxed_images", "boxes", "state", *(f"{m}{end}" for m in METRICS for end in ("", "_low", "_high"))]
    head += ["mean_px", "minutes"]
    head += [f"{m}_minus_{name}{end}" for name in baselines for m in METRICS for end in ("", "_low", "_high")]
    rows: list[list[Any]] = []
    for one in summary["points"]:
        row = [one["boxed_images"], one["boxes"], one["state"]]
        if one["state"] == DONE:
            for metric in METRICS:
                row += [one[metric]["value"], *(one[metric]["ci95"] or (None, None))]
            row += [one["mean_px"], one["minutes"]]
            for name in baselines:
                for metric in METRICS:
                    compared = one["against"][name].get(metric) or {"difference": None, "ci95": (None, None)}
                    row += [compared["difference"], *(compared["ci95"] or (None, None))]
        rows.append([*row, *[None] * (len(head) - len(row))])
    return csv_text([head, *rows])


def _at(one: Point, baseline: str, metric: str) -> str:
    compared = one["against"][baseline][metric]
    images = counted(one["boxed_images"], "boxed image")
    interval = NOT_ENOUGH_GROUPS
    if compared["ci95"] is not None:
        interval = f"paired 95 % CI {compared['ci95'][0]:+.3f}..{compared['ci95'][1]:+.3f}"
    difference = f"difference {compared['difference']:+.3f}, {interval}"
    return f"{images} ({difference}, {compared['n']} images)"


def _value(figure: Mapping[str, Any]) -> str:
    return with_interval(figure["value"], figure["ci95"] or figure.get("range"), 3)


def _difference(compared: Mapping[str, Any] | None) -> str:
    if compared is None:
        return NOT_DEFINED
    return with_interval(compared["difference"], compared["ci95"], 3, sign=True)
