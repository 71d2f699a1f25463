"""How the curves of the report's runs look: one colour and dash an approach, so that its seeds are seen as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_tools.core.printable import columns_of, start_of, told_apart

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito
_DASHES = ("-", (0, (6, 2)), (0, (3, 1.5)), (0, (6, 2, 1.5, 2)))
_ALONE, _AMONG_SEEDS = 1.9, 1.2  # points
_NOT_IN_LEGEND = "_nolegend_"
_END = 15
"""Columns that a long name keeps at either end; a longer legend would cover the axes, or leave them no room."""


@dataclass(frozen=True)
class CurveStyle:
    """The look of one run's curve, as keyword arguments of matplotlib's `plot`.

    Attributes:
        line: colour, dash, width, and the name in the legend, where only an approach's first run stands.
        dot: of the mark at its threshold.
    """

    line: dict[str, Any]
    dot: dict[str, Any]


def curve_styles(labels: Sequence[str], approaches: Mapping[str, str]) -> dict[str, CurveStyle]:
    """A style for each label of a run.

    Args:
        labels: in the order in which the runs are drawn.
        approaches: the approach of each label; runs of one approach differ by their seed alone. A label that is not
            among them is an approach of its own.
    """
    runs: dict[str, list[str]] = {}
    for label in labels:
        runs.setdefault(approaches.get(label, label), []).append(label)
    shown = _shortened(list(runs))
    return {
        label: _style(i, label == members[0], shown[i], len(members))
        for i, members in enumerate(runs.values())
        for label in members
    }


def _style(i: int, is_first: bool, name: str, seeds: int) -> CurveStyle:
    colour = COLOURS[i % len(COLOURS)]
    shown = literal(name if seeds == 1 else f"{name}, {seeds} seeds")
    line = {
        "color": colour,
        "linestyle": _DASHES[i % len(_DASHES)],
        "linewidth": _ALONE if seeds == 1 else _AMONG_SEEDS,
        "label": shown if is_first else _NOT_IN_LEGEND,
    }
    dot = {
        "color": colour,
        "marker": "o",
        "markersize": 7,
        "clip_on": False,
        "zorder": 5,
        "linestyle": "none",
        "markeredgecolor": "white",
    }
    return CurveStyle(line, dot)


def literal(label: str) -> str:
    """The label so that matplotlib shows it: one that starts with "_" would be left out of the legend."""
    return f" {label}" if label.startswith("_") else label


def _shortened(names: Sequence[str]) -> list[str]:
    """Long names without their middle, but for those that nobody could tell apart then."""
    cut = [
        name if columns_of(name) <= 2 * _END + 1 else f"{start_of(name, _END)}…{start_of(name[::-1], _END)[::-1]}"
        for name in names
    ]
    return told_apart(cut, names)
