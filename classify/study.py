"""The original study's grid on any dataset: trains each cell once, and writes one table.

python -m classify.study                                              # the installed grid, synthetic set
python -m classify.study --config study --data DATASET --out runs/study --max_minutes 5
python -m classify.study --only 'simple_cnn.*'
python -m classify.study --max_minutes 2 --settings.input.size_hw "[160, 160]"      # an hour or less on two cores

A second call skips finished cells and takes up an interrupted one; cells whose weights could not be fetched are tried
again. Without a network set HF_HUB_OFFLINE=1, which spares the wait for an answer. Writes OUT/<cell>/ (a run folder
each), OUT/study.md, OUT/study.csv and OUT/study.json.
"""

import json
import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from classify.study_grid import Cell, Original, make_cells
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
from classify.train import build_parser as training_parser
from classify.train import train
from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError, WeightsUnavailableError
from data_tools.core.records import Dataset
from data_tools.files.atomic import write_json, write_text
from data_tools.files.dataset_folder import data_hash, read_dataset, split_of
from data_tools.training.experiment import default_data, with_default_config
from data_tools.training.run_series import DIVERGED, DONE, finished_manifest, make_once, require_same

log = logging.getLogger(__name__)

WAITING, NO_WEIGHTS = "not run yet", "weights not at hand"
_FLAG = "--out"


def build_parser() -> Parser:
    """The command line of `python -m classify.study`."""
    parser = Parser(prog="classify.study", description="Train the grid of the original study and write one table.")
    parser.add_argument("--config", action="config", help="YAML file, or the name of an installed one; default 'study'")
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--out", type=str, default="runs/study", help="folder of the cells' runs and of the table")
    parser.add_argument("--max_minutes", type=float | None, default=None, help="training budget of each cell")
    parser.add_argument(
        "--only",
        type=str | None,
        default=None,
        help="regular expression: train only cells whose whole name matches; the table has all",
    )
    parser.add_argument(
        "--settings",
        type=dict[str, Any],
        default={},
        help="keys of classify.train for all cells; one key on the command line: --settings.fit.epochs 8",
    )
    parser.add_argument(
        "--axes",
        type=dict[str, dict[str, dict[str, Any]]],
        default={},
        help="axis -> level -> keys of classify.train; the first level is the default",
    )
    parser.add_argument("--cells", type=list[dict[str, Any]], default=[], help="rows of axis -> level or levels")
    parser.add_argument("--original", type=list[Original], default=[], help="the original study's numbers")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not any(word.split("=")[0] in ("--config", "--help", "-h") for word in words):
        words = ["--config", "study", *words]
    parser = build_parser()
    return run_command(parser, lambda arguments: _study(parser, arguments), with_default_config("classify", words))


def _study(parser: Parser, arguments: Namespace) -> int:
    options = parser.instantiate(arguments)
    data = default_data() if options.data is None else Path(options.data)
    out = Path(options.out)
    cells = make_cells(options.settings, options.axes, options.cells, options.original)
    dataset = read_dataset(data)
    if dataset.splits is None:
        raise InputError(f"{data}: has no splits.json; convert it with --split 0.7,0.15,0.15")
    split_of(dataset, data, "test")  # an empty one shall be known before hours of training
    plans = {cell.name: _plan(cell, data, out, options.max_minutes) for cell in cells}
    chosen = _matching(cells, options.only)
    table = _Table(dataset, out, cells)
    unavailable: set[tuple[str, str]] = set()
    for number, cell in enumerate(chosen, start=1):
        log.info("cell %d of %d: %s", number, len(chosen), cell.name)
        table.set_state(cell, _run(plans[cell.name], unavailable))
        table.write()
    print(table.write())
    return 0


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
    """A cell's checked training arguments, and what identifies it on disk."""

    folder: Path
    arguments: Namespace
    identity: dict[str, Any]


def _plan(cell: Cell, data: Path, out: Path, max_minutes: float | None) -> _Plan:
    """How to train a cell, checked before any cell is trained.

    Raises:
        InputError: a setting that `classify.train` does not know, or a cell trained before with other ones.
    """
    folder = out / cell.name
    settings = dict(cell.settings) | ({} if max_minutes is None else {"fit.max_minutes": max_minutes})
    settings |= {"data": str(data), "run": str(folder)}
    words = [f"--{key}={json.dumps(value) if not isinstance(value, str) else value}" for key, value in settings.items()]
    try:
        arguments: Namespace = training_parser().parse_args(words)
    except SystemExit as error:
        raise InputError(f"cell {cell.name}: not settings of classify.train; see the message above") from error
    identity = {"settings": settings | {"data": str(data.resolve()), "run": None}, "data_hash": data_hash(data)}
    require_same(folder, identity, _FLAG)
    return _Plan(folder, arguments, identity)


def _run(plan: _Plan, unavailable: set[tuple[str, str]]) -> str:
    """Train a cell unless it is done; its state afterwards.

    Args:
        plan: of the cell.
        unavailable: backbones with the weights that could not be fetched for them; they are not asked for again.
    """
    asked = (plan.arguments.model.backbone, plan.arguments.model.weights)

    def train_cell(resume: bool) -> None:
        if asked in unavailable:
            raise WeightsUnavailableError(f"weights {asked[1]!r} for {asked[0]!r}: asked for before")
        plan.arguments.resume = resume
        train(training_parser(), plan.arguments)

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
        """Write study.json, study.csv and study.md, and give the last one's text."""
        rows = [*self._rows.values(), *self._trivial]
        text = f"{to_markdown(rows)}\n\n{caption(self._dataset, rows)}"
        write_json(self._out / "study.json", {"schema": 1, "rows": rows})
        write_text(self._out / "study.csv", to_csv(rows))
        write_text(self._out / "study.md", text + "\n")
        return text


if __name__ == "__main__":
    raise SystemExit(main())
