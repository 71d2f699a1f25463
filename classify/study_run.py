"""The cells of a study trained once each, and their table."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classify.settings import Settings
from classify.study_grid import Cell
from classify.study_table import (
    CONSTANT,
    caption,
    constant_row,
    localizer_rows,
    measure,
    row_of,
    to_csv,
    to_markdown,
)
from classify.training import train
from data_tools.commands.settings import settings_from
from data_tools.core.errors import InputError, WeightsUnavailableError
from data_tools.core.records import Dataset
from data_tools.files.atomic import write_json, write_text
from data_tools.files.dataset_folder import data_hash, read_dataset, require_splits, split_of
from data_tools.files.runs import DIVERGED, DONE, require_tables_place
from data_tools.training.run_series import finished_manifest, make_once, require_same

log = logging.getLogger(__name__)

WAITING, NO_WEIGHTS = "not run yet", "weights not at hand"
_FLAG = "--out"
_TABLES = ("study.json", "study.csv", "study.md")


def run_study(
    data: Path, out: Path, cells: Sequence[Cell], max_minutes: float | None = None, only: str | None = None
) -> str:
    """Train each cell of a grid once and write one table; its text.

    Args:
        data: dataset folder with splits.
        out: folder of the cells' runs and of the table.
        cells: see `study_grid.make_cells`.
        max_minutes: training budget of each cell; None leaves it to the cell.
        only: regular expression; only cells whose whole name matches are trained, the table has all.

    Raises:
        InputError: unusable data, settings that do not fit, or a folder that holds other runs.
    """
    dataset = read_dataset(data)
    require_splits(dataset, data)
    split_of(dataset, data, "test")  # an empty one shall be known before hours of training
    require_tables_place(out, _TABLES, _FLAG)
    digest = data_hash(dataset)
    plans = {cell.name: _plan(cell, data, digest, out, max_minutes) for cell in cells}
    chosen = _matching(cells, only)
    table = _Table(dataset, out, cells)
    unavailable: set[tuple[str, str]] = set()
    for number, cell in enumerate(chosen, start=1):
        log.info("cell %d of %d: %s", number, len(chosen), cell.name)
        table.set_state(cell, _run(plans[cell.name], unavailable))
        table.write()
    return table.write()


def _matching(cells: Sequence[Cell], only: str | None) -> list[Cell]:
    if only is None:
        return list(cells)
    try:
        pattern = re.compile(only)
    except re.error as error:
        raise InputError(f"--only {only!r}: not a regular expression: {error}") from error
    chosen = [cell for cell in cells if pattern.fullmatch(cell.name)]
    if not chosen:
        raise InputError(f"--only {only!r} matches no cell; there are: {', '.join(cell.name for cell in cells)}")
    return chosen


@dataclass(frozen=True)
class _Plan:
    """A cell's checked settings, and what identifies it on disk."""

    folder: Path
    data: Path
    settings: Settings
    identity: dict[str, Any]


def _plan(cell: Cell, data: Path, digest: str, out: Path, max_minutes: float | None) -> _Plan:
    """How to train a cell, checked before any cell is trained.

    Raises:
        InputError: a setting that `classify.train` does not know, or a cell trained before with other ones.
    """
    folder = out / cell.name
    given = dict(cell.settings) | ({} if max_minutes is None else {"fit.max_minutes": max_minutes})
    settings = settings_from(Settings, given, f"cell {cell.name}")
    identity = {"settings": given, "data_hash": digest}
    require_same(folder, identity, _FLAG)
    return _Plan(folder, data, settings, identity)


def _run(plan: _Plan, unavailable: set[tuple[str, str]]) -> str:
    """Train a cell unless it is done; its state afterwards.

    Args:
        plan: of the cell.
        unavailable: backbones with the weights that could not be fetched for them; they are not asked for again.
    """
    asked = (plan.settings.model.backbone, plan.settings.model.weights)

    def train_cell(resume: bool) -> None:
        if asked in unavailable:
            raise WeightsUnavailableError(f"weights {asked[1]!r} for {asked[0]!r}: asked for before")
        train(plan.data, plan.settings, plan.folder, resume)

    try:
        if not make_once(plan.folder, plan.identity, _FLAG, train_cell):
            log.info("  done before")
    except WeightsUnavailableError as error:
        unavailable.add(asked)
        log.info("  no result: %s", error)
        return NO_WEIGHTS
    except InputError as error:
        log.info("  no result: %s", error)
        return f"refused: {error}"
    except FloatingPointError as error:
        log.info("  no result: %s", error)
        return DIVERGED
    return DONE


class _Table:
    """The rows of all cells, each measured once, and the files they are written to."""

    def __init__(self, dataset: Dataset, out: Path, cells: Sequence[Cell]) -> None:
        self._dataset, self._out = dataset, out
        self._rows = {cell.name: row_of(cell, WAITING, {}) for cell in cells}
        for cell in cells:
            if finished_manifest(out / cell.name) is not None:
                self.set_state(cell, DONE)
        constant = {"name": CONSTANT, "state": DONE, "minutes": None} | constant_row(dataset)
        self._trivial = [constant, *localizer_rows(dataset)]

    def set_state(self, cell: Cell, state: str) -> None:
        """Note what became of a cell, and measure it if it is done."""
        if self._rows[cell.name]["state"] == DONE:
            return
        folder = self._out / cell.name
        measures, manifest = (
            (measure(self._dataset, folder), finished_manifest(folder)) if state == DONE else ({}, None)
        )
        self._rows[cell.name] = row_of(cell, state, measures, manifest)

    def write(self) -> str:
        """Write the tables, and give the last one's text."""
        rows = [*self._rows.values(), *self._trivial]
        text = f"{to_markdown(rows)}\n\n{caption(self._dataset, rows)}"
        as_json, as_csv, as_markdown = (self._out / name for name in _TABLES)
        write_json(as_json, {"schema": 1, "rows": rows})
        write_text(as_csv, to_csv(rows))
        write_text(as_markdown, text + "\n")
        return text
