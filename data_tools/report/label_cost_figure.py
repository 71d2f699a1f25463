"""The label-cost curve as a picture: what each number of boxed images reaches, beside the baselines."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from data_tools.files.runs import DONE
from data_tools.report.curve_styles import COLOURS
from data_tools.report.figures import RC, legend_below
from data_tools.report.fonts import drawn_with
from data_tools.report.label_cost import METRICS

_DASHES = ((0, (6, 2)), (0, (3, 1.5)), (0, (6, 2, 1.5, 2)), (0, (1, 1.5)))
_HATCHES = ("", "////", "\\\\\\\\", "....")
_BETWEEN_TICKS = 0.09


def label_cost_figure(summary: Mapping[str, Any], kind: str, dpi: int = 200) -> bytes:
    """One panel a metric, over the number of boxed images on a logarithmic axis; bars and bands are intervals.

    Args:
        summary: with "points" and "baselines" as `data_tools.report.label_cost` describes them.
        kind: "png" or "svg".
        dpi: pixels per inch of a PNG.
    """
    points = [point for point in summary["points"] if point["state"] == DONE]
    with drawn_with(RC):
        figure = Figure(figsize=(10.2, 3.9), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(METRICS))
        for axes, (metric, name) in zip(panels, METRICS.items(), strict=True):
            _draw(axes, points, summary["baselines"], metric)
            axes.set_title(name)
        legend_below(figure, panels[:1], 3)
        buffer = io.BytesIO()
        metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
        return buffer.getvalue()


def _draw(axes: Axes, points: list[Mapping[str, Any]], baselines: Mapping[str, Any], metric: str) -> None:
    for i, (name, levels) in enumerate(baselines.items(), start=1):
        level = levels[metric]
        if level["value"] is None:
            continue
        colour = COLOURS[i % len(COLOURS)]
        spread = "95 % CI" if level["ci95"] else f"range of {len(levels['runs'])} seeds" if "range" in level else ""
        label = name + (f" ({spread})" if spread else "")
        axes.axhline(level["value"], color=colour, linestyle=_DASHES[(i - 1) % len(_DASHES)], label=label, zorder=2)
        ends = level["ci95"] or level.get("range")
        if ends:
            axes.axhspan(
                *ends,
                facecolor=colour,
                alpha=0.13,
                hatch=_HATCHES[(i - 1) % len(_HATCHES)],
                linewidth=0,
                edgecolor=colour,
                zorder=1,
            )
    known = [point for point in points if point[metric]["value"] is not None]
    if known:
        counts = np.array([point["boxed_images"] for point in known])
        values = np.array([point[metric]["value"] for point in known])
        ends_of = [point[metric]["ci95"] or (value, value) for point, value in zip(known, values, strict=True)]
        errors = np.abs(np.array(ends_of).T - values) if any(point[metric]["ci95"] for point in known) else None
        axes.errorbar(
            counts,
            values,
            yerr=errors,
            color=COLOURS[0],
            marker="o",
            markersize=5,
            capsize=3,
            linewidth=1.6,
            elinewidth=1.1,
            label="detector (95 % CI)",
            zorder=3,
        )
    _count_axis(axes, [point["boxed_images"] for point in points])
    axes.set_ylim(*_limits(axes))


def _count_axis(axes: Axes, counts: list[int]) -> None:
    """Logarithmic, with a tick at each number; of two that stand too close the smaller one loses its text."""
    axes.set_xscale("log")
    axes.set_xlabel("training images with boxes")
    if not counts:
        return
    axes.set_xlim(min(counts) / 1.25, max(counts) * 1.25)
    width = np.log(max(counts) * 1.25) - np.log(min(counts) / 1.25)
    texts: list[str] = []
    for here, after in zip(counts, [*counts[1:], None], strict=True):
        close = after is not None and np.log(after / here) < _BETWEEN_TICKS * width
        texts.append("" if close else str(here))
    axes.xaxis.set_major_locator(FixedLocator(counts))
    axes.set_xticklabels(texts)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _limits(axes: Axes) -> tuple[float, float]:
    """The drawn range within 0..1, so that a metric is not magnified beyond what it can be."""
    low, high = axes.get_ylim()
    return max(low, -0.02), min(max(high, low + 0.1), 1.02)
