"""The grid of a study: axes with named levels, and the combinations that are to be trained."""

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from data_tools.commands.settings import flat
from data_tools.core.errors import InputError

Settings = dict[str, Any]
Axes = Mapping[str, Mapping[str, Settings]]


@dataclass(frozen=True)
class Original:
    """What the original study reports for a cell.

    Attributes:
        cell: axis -> level; an axis not named stands at its first level.
        auc: in 0..1, on the original's own data.
        note: a remark of a few words.
    """

    cell: dict[str, str]
    auc: float
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One training run of a study.

    Attributes:
        levels: axis -> level, of every axis in order.
        named: those levels that are not the first of their axis, and always the first axis: enough to name the cell.
        settings: dotted keys of `classify.train` with their values.
        original: the original study's row, or None.
    """

    levels: dict[str, str]
    named: dict[str, str]
    settings: Settings = field(default_factory=dict)
    original: Original | None = None

    @property
    def name(self) -> str:
        """Fit for a folder: "simple_cnn--crop"."""
        return "--".join(f"{axis}-{level}" if level == "none" else level for axis, level in self.named.items())


def make_cells(
    settings: Settings, axes: Axes, rows: Sequence[Mapping[str, Any]], original: Sequence[Original]
) -> list[Cell]:
    """The product of each row's levels, each combination once, in order. Later axes override earlier settings.

    Raises:
        InputError: an unknown axis or level; the message names the nearest one.
    """
    settings = flat(settings)
    known = {_key(_complete(axes, one.cell, "original")): one for one in original}
    cells: dict[tuple[str, ...], Cell] = {}
    for number, row in enumerate(rows, start=1):
        where = f"cells, row {number}"
        choices = [[(axis, str(level)) for level in _listed(levels)] for axis, levels in row.items()]
        for picked in itertools.product(*choices):
            levels = _complete(axes, dict(picked), where)
            if _key(levels) not in cells:
                cells[_key(levels)] = _cell(settings, axes, levels, known.get(_key(levels)))
    return list(cells.values())


def _cell(settings: Settings, axes: Axes, levels: dict[str, str], original: Original | None) -> Cell:
    merged = dict(settings)
    for axis, level in levels.items():
        merged |= axes[axis][level]
    first = {axis: next(iter(names)) for axis, names in axes.items()}
    lead = next(iter(axes))
    named = {axis: level for axis, level in levels.items() if axis == lead or level != first[axis]}
    return Cell(levels, named, merged, original)


def _complete(axes: Axes, picked: Mapping[str, str], where: str) -> dict[str, str]:
    for axis, level in picked.items():
        _require_known(axis, axes, f"{where}: unknown axis")
        _require_known(str(level), axes[axis], f"{where}: unknown level of axis {axis!r}")
    return {axis: str(picked.get(axis, next(iter(levels)))) for axis, levels in axes.items()}


def _require_known(name: str, known: Iterable[str], what: str) -> None:
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.3)
        raise InputError(f"{what} {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known: {names}"))


def _listed(levels: Any) -> list[Any]:
    return list(levels) if isinstance(levels, list | tuple) else [levels]


def _key(levels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(levels.values())
