"""The course of a run as a picture: losses, validation, learning rate, and the epoch that is kept."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data_tools.files.atomic import atomic_path
from data_tools.training.metrics_file import read_lines

CURVES = "curves.png"
_ERROR = "_error"


def draw_curves(metrics: Path, monitor: str, kept: int, out: Path) -> None:
    """Draw `metrics.jsonl`.

    Args:
        metrics: one line an epoch, as the fit loop writes it.
        monitor: the validation that picks the epoch; a band of one standard error where `monitor` + "_error" is known.
        kept: number of the kept epoch, from 1; 0 for none.
        out: PNG to write, whole or not at all.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    lines = read_lines(metrics)
    if not lines:
        return
    steps = [line["step"] for line in lines]
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    losses, validation, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
    _draw_losses(losses, steps, lines)
    _draw_validation(validation, steps, lines, monitor)
    rate.plot(steps, [line["lr"] for line in lines], color="black", marker=".", linewidth=1)
    rate.set_ylabel("learning rate")
    rate.set_xlabel("optimizer steps")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    rate.xaxis.set_major_locator(MaxNLocator(integer=True))
    at = [line["step"] for line in lines if line["epoch"] == kept]
    for axes in (losses, validation, rate):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        for step in at:
            axes.axvline(step, color="black", linestyle=":", linewidth=1)
    if at:
        losses.annotate(
            f"kept: epoch {kept}",
            (at[0], 1),
            (0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8,
        )
    with atomic_path(out) as path:
        figure.savefig(path, format="png", dpi=110, pil_kwargs={"compress_level": 1})  # drawn anew after each epoch


def _draw_losses(axes: Any, steps: Sequence[int], lines: Sequence[Mapping[str, Any]]) -> None:
    axes.plot(steps, [sum(line["losses"].values()) for line in lines], color="black", marker=".", label="sum")
    for name in lines[0]["losses"]:
        _draw_thin(axes, steps, [line["losses"].get(name, float("nan")) for line in lines], name)
    axes.set_ylabel("training loss")
    axes.set_ylim(bottom=0)
    _name_beside(axes)


def _draw_validation(axes: Any, steps: Sequence[int], lines: Sequence[Mapping[str, Any]], monitor: str) -> None:
    for name in lines[0]["validation"]:
        values = _values(lines, name)
        if name != monitor and not name.endswith(_ERROR) and not all(map(math.isnan, values)):
            _draw_thin(axes, steps, values, name)
    picked = _values(lines, monitor)
    axes.plot(steps, picked, color="black", marker=".", label=f"{monitor} (picks the epoch)")
    errors = _values(lines, f"{monitor}{_ERROR}")
    low = [value - error for value, error in zip(picked, errors, strict=True)]
    high = [value + error for value, error in zip(picked, errors, strict=True)]
    if not all(map(math.isnan, low)):
        axes.fill_between(steps, low, high, color="black", alpha=0.12, linewidth=0, label="± one standard error")
    axes.set_ylabel("validation")
    _name_beside(axes)


def _draw_thin(axes: Any, steps: Sequence[int], values: Sequence[float], name: str) -> None:
    """A line with its points, because one epoch alone makes no line."""
    axes.plot(steps, values, linewidth=1, marker=".", markersize=3, label=name)


def _name_beside(axes: Any) -> None:
    """Names to the right of the curves, where they hide none."""
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _values(lines: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    """One a line; NaN, which leaves a gap, where it is not known."""
    values = [line["validation"].get(name) for line in lines]
    return [float("nan") if value is None else float(value) for value in values]
