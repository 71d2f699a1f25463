"""The report's curves as small SVG files: ROC, precision-recall, distance-recall, FROC.

Drawn with matplotlib's object interface, never with pyplot, so that no global state changes. Text stays text, so that
it is sharp and can be searched; the same input gives the same bytes.
"""

import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from data_tools.judging.curves import Dot, Points
from data_tools.metrics.froc import Froc
from data_tools.metrics.peak_distance import DistanceRecall
from data_tools.report.curve_styles import curve_styles, literal
from data_tools.report.fonts import drawn_with

Floats = NDArray[np.float64]
Curve = TypeVar("Curve")
Names = Mapping[str, str]
ALONE: Names = MappingProxyType({})  # each run is an approach of its own
_BASELINE_DASHES = ((0, (1, 1.5)), (0, (4, 2)), (0, (4, 1.5, 1, 1.5)), (0, (8, 2)))
_HEIGHT_IN = 3.7  # without the legend below
_MOST_POINTS = 600
_FAINT = "#9aa1a8"
_FALSE_BOX_TICKS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2", 1.0: "1", 2.0: "2", 4.0: "4", 8.0: "8"}
_MOST_FALSE_BOXES = 8.0
RC: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e7ea",
    "axes.edgecolor": "#5c6268",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "legend.frameon": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
}


def roc(curves: Mapping[str, Points | None], dots: Mapping[str, Dot], approaches: Names = ALONE) -> bytes | None:
    """SVG of the ROC curves, whole and as the corner that matters: escapes against overkills, both from 0.

    Args:
        curves: by run; None where good or defective images are missing.
        dots: by run; each marks a threshold.
        approaches: the approach of each run, see `curve_styles`.

    Returns:
        None where a curve is missing.
    """
    defined = _all_of(curves)
    if defined is None:
        return None
    reach, most_escapes = 0.02, 0.0
    styles = curve_styles(list(defined), approaches)
    with drawn_with(RC):
        figure, (whole, corner) = _axes(8.1, 2)
        for label, curve in defined.items():
            style = styles[label]
            fpr, tpr = _thin_out(*curve)
            whole.plot(fpr, tpr, drawstyle="steps-post", **style.line)
            corner.plot(fpr, 1 - tpr, drawstyle="steps-post", **style.line)
            reach = max(reach, float(fpr[np.argmax(tpr >= 0.98)]))
            dot = dots.get(label)
            if dot is not None and dot.fpr is not None and dot.tpr is not None:
                whole.plot(dot.fpr, dot.tpr, **style.dot)
                corner.plot(dot.fpr, 1 - dot.tpr, **style.dot)
                reach, most_escapes = max(reach, dot.fpr), max(most_escapes, 1 - dot.tpr)
        whole.plot([0, 1], [0, 1], color=_FAINT, linewidth=1, linestyle=(0, (1, 2)), label="chance")
        overkills = "overkill: good images flagged (FPR)"
        _percent(whole, (-0.01, 1.01), (-0.01, 1.01), overkills, "defects caught (TPR)")
        whole.set_title("ROC")
        right, highest = min(1.0, 1.3 * reach), min(1.0, max(0.1, 1.15 * most_escapes))
        _percent(corner, (-0.01 * right, right), (-0.01 * highest, highest), overkills, "escapes: defects passed")
        for escape in (0.02, 0.003):
            corner.axhline(escape, color=_FAINT, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        corner.set_title("Its corner (dotted: 2 %, 0.3 % escapes)")
        legend_below(figure, [whole], 3)
        return _svg(figure)


def precision_recall(
    curves: Mapping[str, Points | None], dots: Mapping[str, Dot], defect_share: float, approaches: Names = ALONE
) -> bytes | None:
    """SVG of precision over recall with the share of defects as the level of chance; arguments as for `roc`."""
    defined = _all_of(curves)
    if defined is None or defect_share >= 1:
        return None
    styles = curve_styles(list(defined), approaches)
    with drawn_with(RC):
        figure, (axes,) = _axes(4.05, 1)
        for label, (recall, precision) in defined.items():
            # precision k holds for the step of recall that ends at k, as average precision counts it
            steps = _thin_out(np.append(0.0, recall), np.append(precision[0], precision))
            axes.plot(*steps, drawstyle="steps-pre", **styles[label].line)
            dot = dots.get(label)
            if dot is not None and dot.tpr is not None and dot.precision is not None:
                axes.plot(dot.tpr, dot.precision, **styles[label].dot)
        chance = f"chance ({defect_share:.0%} defects)"
        axes.axhline(defect_share, color=_FAINT, linewidth=1, linestyle=(0, (1, 2)), label=chance)
        _percent(axes, (-0.01, 1.01), (-0.01, 1.02), "recall: defects caught", "precision: flagged that are defects")
        axes.set_title("Precision-recall")
        legend_below(figure, [axes], 2)
        return _svg(figure)


def distance_recall(
    curves: Mapping[str, DistanceRecall | None],
    baselines: Mapping[str, DistanceRecall],
    approaches: Names = ALONE,
) -> bytes | None:
    """SVG of the share of boxed images whose peak lies within tau pixels of a true box, over tau.

    Args:
        curves: by run; None without boxed images.
        baselines: the same of the trivial localizers, drawn gray.
        approaches: the approach of each run, see `curve_styles`.

    Returns:
        None where a curve is missing.
    """
    defined = _all_of(curves)
    if defined is None:
        return None
    limit = max([30.0, *(curve.p95_px for curve in defined.values() if curve.p95_px is not None)]) * 1.05
    styles = curve_styles(list(defined), approaches)
    lines = [styles[label].line for label in defined] + [_baseline_line(i, name) for i, name in enumerate(baselines)]
    with drawn_with(RC):
        figure, (axes,) = _axes(5.5, 1)
        for line, curve in zip(lines, [*defined.values(), *baselines.values()], strict=True):
            tau, share = curve.within_px, curve.share
            tau, share = _thin_out(np.append(tau, max(limit, tau[-1])), np.append(share, share[-1]))
            axes.plot(tau, share, drawstyle="steps-post", **line)
            axes.plot(0, share[0], marker="o", markersize=5, color=line["color"], clip_on=False, zorder=5)
        axes.set_xlim(0, limit)
        axes.set_ylim(0, 1.01)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("distance from the peak to the nearest true box, px")
        axes.set_ylabel("boxed images within it")
        axes.set_title("Distance-recall (dots: peak inside a box)")
        legend_below(figure, figure.axes, 2)
        return _svg(figure)


def froc(curves: Mapping[str, Mapping[str, Froc]], approaches: Names = ALONE) -> bytes | None:
    """SVG of the true boxes found over the false boxes an image, one plot a rule of what a hit is.

    Args:
        curves: by rule, then by run.
        approaches: the approach of each run, see `curve_styles`.

    Returns:
        None where no rule has a curve.
    """
    if not any(curves.values()):
        return None
    with drawn_with(RC):
        figure, grid = _axes(3.3 * len(curves), len(curves))
        for axes, (rule, by_label) in zip(grid, curves.items(), strict=True):
            styles = curve_styles(list(by_label), approaches)
            for label, curve in by_label.items():
                # from no false box on, and level after the last one
                x = np.concatenate([[0.0], curve.false_per_image, [_MOST_FALSE_BOXES]])
                y = np.concatenate([[0.0], curve.lesion_fraction, curve.lesion_fraction[-1:] if len(x) > 2 else [0.0]])
                axes.plot(*_thin_out(x, y), drawstyle="steps-post", **styles[label].line)
            axes.set_xscale("symlog", base=2, linthresh=0.125)
            axes.set_xticks([0, *_FALSE_BOX_TICKS], ["0", *_FALSE_BOX_TICKS.values()])
            axes.set_xlim(0, _MOST_FALSE_BOXES)
            axes.set_ylim(0, 1.01)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.set_xlabel("false boxes an image")
            axes.set_ylabel("true boxes found")
            axes.set_title(f"FROC, hit: {rule}")
        legend_below(figure, figure.axes, 2)
        return _svg(figure)


def _all_of(curves: Mapping[str, Curve | None]) -> dict[str, Curve] | None:
    """The curves; None without any, or where one of them is missing."""
    defined = {label: curve for label, curve in curves.items() if curve is not None}
    return defined if curves and len(defined) == len(curves) else None


def _baseline_line(i: int, name: str) -> dict[str, Any]:
    dashes = _BASELINE_DASHES[i % len(_BASELINE_DASHES)]
    return {"color": "#6b7278", "linestyle": dashes, "linewidth": 1.3, "label": literal(f"{name} (baseline)")}


def _axes(width: float, columns: int) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, _HEIGHT_IN), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])


def _percent(
    axes: Axes, x_limits: tuple[float, float], y_limits: tuple[float, float], x_label: str, y_label: str
) -> None:
    for axis, limits in ((axes.xaxis, x_limits), (axes.yaxis, y_limits)):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0 if limits[1] > 0.05 else 1))
    axes.set_xlim(*x_limits)
    axes.set_ylim(*y_limits)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def legend_below(figure: Figure, plots: Sequence[Axes], columns: int) -> None:
    """Every line of some of a figure's plots once, under them, where it hides no curve.

    The figure grows by the legend's height, so that the plots keep their size however many lines there are.

    Args:
        figure: with constrained layout.
        plots: whose lines are named.
        columns: of the legend, at most; fewer where the names would not fit into the figure's width.
    """
    legends = [axes.get_legend_handles_labels() for axes in plots]
    by_label = {label: handle for handles, labels in legends for handle, label in zip(handles, labels, strict=True)}
    for ncols in range(min(len(by_label), columns), 0, -1):
        legend = figure.legend(by_label.values(), by_label.keys(), loc="outside lower center", ncols=ncols)
        for text in legend.get_texts():
            text.set_parse_math(False)
        extent = legend.get_window_extent()
        if ncols == 1 or extent.width <= figure.bbox.width:
            figure.set_figheight(figure.get_figheight() + extent.height / figure.dpi)
            return
        legend.remove()


def _thin_out(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The points at which a step curve turns, of which at most about 600 are kept; the ends always are."""
    moves = np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))  # a corner that stands twice would be no turn
    x, y = x[moves], y[moves]
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
