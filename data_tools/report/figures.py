"""The report's plots as small SVG files: ROC, distance-recall, score histograms.

Drawn with matplotlib's object interface, never with pyplot, so that no global state changes. Text stays text, so that
it is sharp and can be searched; the same input gives the same bytes.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike, NDArray

from data_tools.records import BOXED, GOOD, STATUSES, UNBOXED

Floats = NDArray[np.float64]
Style = dict[str, Any]
RUN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito
STATUS_COLOURS = {GOOD: "#8a9299", BOXED: "#D55E00", UNBOXED: "#0072B2"}
_STATUS_NAMES = {GOOD: "good", BOXED: "defect with boxes", UNBOXED: "defect without boxes"}
_RUN_DASHES = ("-", (0, (6, 2)), (0, (3, 1.5)), (0, (6, 2, 1.5, 2)))
_BASELINE_DASHES = ((0, (1, 1.5)), (0, (4, 2)), (0, (4, 1.5, 1, 1.5)), (0, (8, 2)))
_MOST_POINTS = 600
_RC: Any = {
    "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e4e7ea",
    "axes.edgecolor": "#5c6268", "axes.axisbelow": True, "svg.fonttype": "none", "svg.hashsalt": "report",
    "font.family": ["DejaVu Sans"], "legend.frameon": False, "axes.titlesize": 10.5, "axes.titlelocation": "left",
}  # fmt: skip


def roc_points(scores: ArrayLike, positive: Sequence[bool] | NDArray[np.bool_]) -> tuple[Floats, Floats] | None:
    """False- and true-positive rates, one point a distinct score from (0, 0) on; None where a class is missing."""
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if flags.all() or not flags.any():
        return None
    order = np.argsort(-values, kind="stable")
    last = np.append(np.diff(values[order]) != 0, True)
    hits, falses = np.cumsum(flags[order])[last], np.cumsum(~flags[order])[last]
    return np.append(0.0, falses / falses[-1]), np.append(0.0, hits / hits[-1])


def recall_curve(distances_px: ArrayLike) -> tuple[Floats, Floats] | None:
    """Distinct finite distances from 0 on, and the share of images within each; an infinite one is never reached.

    Between two distances the share stays what it was at the smaller one. None of no images.
    """
    values = np.asarray(distances_px, dtype=np.float64)
    if not len(values):
        return None
    steps = np.unique(np.append(values[np.isfinite(values)], 0.0))
    return steps, np.searchsorted(np.sort(values), steps, side="right") / len(values)


def roc(
    scores: Mapping[str, ArrayLike], positive: Sequence[bool] | NDArray[np.bool_],
    thresholds: Mapping[str, float] | None = None,
) -> bytes | None:  # fmt: skip
    """SVG of the ROC curves, whole and as the corner that matters: escapes against overkills, both from 0.

    Args:
        scores: by approach, (n,) image scores.
        positive: (n,) whether the image shows a defect.
        thresholds: by approach; each leaves a dot.

    Returns:
        None where good or defective images are missing, so that there is no curve.
    """
    curves = {label: roc_points(values, positive) for label, values in scores.items()}
    if not curves or any(curve is None for curve in curves.values()):
        return None
    flags = np.asarray(positive, dtype=bool)
    with rc_context(_RC):
        figure, (whole, corner) = _axes(9.4, 4.0, 2)
        reach, most_escapes = 0.02, 0.0
        for i, (label, curve) in enumerate(curves.items()):
            fpr, tpr = _thin_out(*curve) if curve is not None else (np.zeros(0), np.zeros(0))
            style: Style = {"color": RUN_COLOURS[i % 6], "linestyle": _RUN_DASHES[i % 4], "linewidth": 1.8}
            whole.plot(fpr, tpr, drawstyle="steps-post", **style, label=_literal(label))
            corner.plot(fpr, 1 - tpr, drawstyle="steps-post", **style)
            reach = max(reach, float(fpr[np.argmax(tpr >= 0.98)]))
            if thresholds and label in thresholds:
                flagged = np.asarray(scores[label], dtype=np.float64) >= thresholds[label]
                at = (flagged[~flags].mean(), flagged[flags].mean())
                dot: Style = {
                    "color": RUN_COLOURS[i % 6],
                    "marker": "o",
                    "markersize": 7,
                    "clip_on": False,
                    "zorder": 5,
                }
                dot |= {"markeredgecolor": "white", "linestyle": "none"}
                whole.plot(at[0], at[1], **dot)
                reach, most_escapes = max(reach, float(at[0])), max(most_escapes, float(1 - at[1]))
                corner.plot(at[0], 1 - at[1], **dot)
        whole.plot([0, 1], [0, 1], color="#9aa1a8", linewidth=1, linestyle=(0, (1, 2)), label="chance")
        _percent(whole, (-0.01, 1.01), (-0.01, 1.01), "overkill: good images flagged (FPR)", "defects caught (TPR)")
        whole.set_title("ROC")
        _legend(whole, loc="lower right")
        highest = max(0.1, 1.15 * most_escapes)
        x_limits = (-0.01 * min(1.0, 1.3 * reach), min(1.0, 1.3 * reach))
        _percent(
            corner,
            x_limits,
            (-0.01 * highest, min(1.0, highest)),
            "overkill: good images flagged (FPR)",
            "escapes: defects passed (1 - TPR)",
        )
        for escape in (0.02, 0.003):
            corner.axhline(escape, color="#9aa1a8", linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        corner.set_title("Escapes against overkill (dotted: 2 % and 0.3 % escapes)")
        return _svg(figure)


def distance_recall(distances: Mapping[str, ArrayLike], baselines: Mapping[str, ArrayLike]) -> bytes | None:
    """SVG of the share of boxed images whose peak lies within tau pixels of a true box, over tau.

    Args:
        distances: by approach, (n,) pixels; infinite for an abstention, which no tau reaches.
        baselines: the same of the trivial localizers, drawn gray.

    Returns:
        None without boxed images.
    """
    everything = {**distances, **baselines}
    curves = {label: recall_curve(values) for label, values in everything.items()}
    if not curves or any(curve is None for curve in curves.values()):
        return None
    finite = [values[np.isfinite(values)] for values in (np.asarray(v, dtype=np.float64) for v in distances.values())]
    limit = max([30.0, *(float(np.percentile(values, 95)) for values in finite if len(values))]) * 1.05
    with rc_context(_RC):
        figure, (axes,) = _axes(7.6, 4.0, 1)
        for i, (label, curve) in enumerate(curves.items()):
            tau, share = curve if curve is not None else (np.zeros(0), np.zeros(0))
            tau, share = _thin_out(np.append(tau, max(limit, tau[-1])), np.append(share, share[-1]))
            if i < len(distances):
                style: Style = {"color": RUN_COLOURS[i % 6], "linestyle": _RUN_DASHES[i % 4], "linewidth": 2.0}
            else:
                dashes = _BASELINE_DASHES[(i - len(distances)) % 4]
                style = {"color": "#6b7278", "linestyle": dashes, "linewidth": 1.3}
            name = label if i < len(distances) else f"{label} (baseline)"
            axes.plot(tau, share, drawstyle="steps-post", **style, label=_literal(name))
            axes.plot(0, share[0], marker="o", markersize=5, color=style["color"], clip_on=False, zorder=5)
        axes.set_xlim(0, limit)
        axes.set_ylim(0, 1.01)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("distance from the peak to the nearest true box, px")
        axes.set_ylabel("boxed images within that distance")
        axes.set_title("Distance-recall (dot: peak inside the box; an image without a peak never counts)")
        _legend(axes, loc="center left", bbox_to_anchor=(1.01, 0.5))
        return _svg(figure)


def score_histograms(
    scores: Mapping[str, ArrayLike], statuses: Sequence[str], thresholds: Mapping[str, float] | None = None
) -> bytes | None:
    """SVG of the scores by status, one plot an approach; each status is scaled to its own number of images.

    Args:
        scores: by approach, (n,) image scores.
        statuses: (n,) "good", "boxed" or "unboxed".
        thresholds: by approach; drawn as a line.

    Returns:
        None without images or approaches.
    """
    if not scores or not len(statuses):
        return None
    with rc_context(_RC):
        columns = min(2, len(scores))
        rows = -(-len(scores) // columns)
        figure, grid = _axes(4.7 * columns, 3.0 * rows + 0.4, columns, rows)
        for axes in grid[len(scores) :]:
            axes.set_axis_off()
        for axes, (label, values) in zip(grid, scores.items(), strict=False):
            _histogram(axes, np.asarray(values, dtype=np.float64), np.asarray(statuses))
            title = axes.set_title(label)
            title.set_parse_math(False)
            if thresholds and label in thresholds:
                axes.axvline(thresholds[label], color="#14181c", linewidth=1.2, linestyle=(0, (4, 2)))
        handles, names = grid[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(names))
        return _svg(figure)


def _histogram(axes: Axes, values: Floats, statuses: NDArray[np.str_]) -> None:
    edges = np.histogram_bin_edges(values, bins=30).tolist()
    for status in STATUSES:
        own = values[statuses == status]
        if len(own):
            style: Style = {"color": STATUS_COLOURS[status], "linewidth": 1.6, "histtype": "step"}
            weights = np.full(len(own), 1 / len(own))
            axes.hist(own, edges, weights=weights, **style, label=f"{_STATUS_NAMES[status]} ({len(own)})")
            axes.hist(own, edges, weights=weights, **style | {"histtype": "stepfilled", "linewidth": 0, "alpha": 0.18})
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set_xlabel("score")
    axes.set_ylabel("share of the status")


def _axes(width: float, height: float, columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [axes for row in grid for axes in row]


def _percent(
    axes: Axes, x_limits: tuple[float, float], y_limits: tuple[float, float], x_label: str, y_label: str
) -> None:  # fmt: skip
    for axis, limits in ((axes.xaxis, x_limits), (axes.yaxis, y_limits)):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0 if limits[1] > 0.05 else 1))
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _legend(axes: Axes, **place: Any) -> None:
    for text in axes.legend(**place).get_texts():
        text.set_parse_math(False)


def _literal(label: str) -> str:
    """The label so that matplotlib shows it: one that starts with "_" would be left out of the legend."""
    return f" {label}" if label.startswith("_") else label


def _thin_out(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The points at which a step curve turns, of which at most about 600 are kept; the ends always are."""
    turns = np.ones(len(x), dtype=bool)
    if len(x) > 2:
        same_x, same_y = np.diff(x) == 0, np.diff(y) == 0
        turns[1:-1] = ~((same_x[:-1] & same_x[1:]) | (same_y[:-1] & same_y[1:]))
    kept = np.flatnonzero(turns)
    if len(kept) > _MOST_POINTS:
        kept = kept[np.unique(np.linspace(0, len(kept) - 1, _MOST_POINTS).round().astype(int))]
    return x[kept], y[kept]


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
