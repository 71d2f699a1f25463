"""The original study's grid on any dataset: trains each cell once, and writes one table.

python -m classify.study                                              # the installed grid, synthetic set
python -m classify.study --config study --data DATASET --out runs/study --max_minutes 5
python -m classify.study --only 'simple_cnn.*'

A second call skips finished cells and takes up an interrupted one; cells whose weights could not be fetched are tried
again. Writes OUT/<cell>/ (a run folder each), OUT/study.json and OUT/study.md.
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
from classify.study_table import CONSTANT, constant_row, measure, row_of, to_markdown
from classify.train import build_parser as training_parser
from classify.train import train
from data_tools.atomic import write_json, write_text
from data_tools.command import Parser, run_command
from data_tools.dataset_folder import data_hash, read_dataset
from data_tools.errors import InputError, WeightsUnavailableError
from data_tools.experiment import default_data, with_default_config
from data_tools.records import Dataset
from data_tools.run_series import finished_manifest, make_once, require_same

log = logging.getLogger(__name__)

DONE, WAITING = "done", "not run yet"
_FLAG = "--out"


def build_parser() -> Parser:
    """The command line of `python -m classify.study`."""
    parser = Parser(prog="classify.study", description="Train the grid of the original study and write one table.")
    parser.add_argument("--config", action="config", help="YAML file, or the name of an installed one; default 'study'")
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--out", type=str, default="runs/study", help="folder of the cells' runs and of the table")
    parser.add_argument("--max_minutes", type=float | None, default=None, help="training budget of each cell")
    parser.add_argument("--only", type=str | None, default=None, help="regular expression: train only cells whose "
                        "whole name matches; the table has all")  # fmt: skip
    parser.add_argument("--settings", type=dict[str, Any], default={}, help="dotted keys of classify.train, for all")
    parser.add_argument("--axes", type=dict[str, dict[str, dict[str, Any]]], default={}, help="axis -> level -> keys "
                        "of classify.train; the first level is the default")  # fmt: skip
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
    plans = {cell.name: _plan(cell, data, out, options.max_minutes) for cell in cells}
    chosen = _matching(cells, options.only)
    states: dict[str, str] = {}
    for number, cell in enumerate(chosen, start=1):
        log.info("cell %d of %d: %s", number, len(chosen), cell.name)
        states[cell.name] = _run(plans[cell.name])
        _write_table(dataset, out, cells, states)
    print(_write_table(dataset, out, cells, states))
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


def _run(plan: _Plan) -> str:
    """Train a cell unless it is done; its state afterwards."""

    def train_cell(resume: bool) -> None:
        plan.arguments.resume = resume
        train(training_parser(), plan.arguments)

    try:
        if not make_once(plan.folder, plan.identity, _FLAG, train_cell):
            log.info("  done before")
    except InputError as error:
        log.info("  no result: %s", error)
        return "weights not at hand" if isinstance(error, WeightsUnavailableError) else f"refused: {error}"
    except FloatingPointError as error:
        log.info("  no result: %s", error)
        return "diverged: a loss was not finite"
    return DONE


def _write_table(dataset: Dataset, out: Path, cells: Sequence[Cell], states: dict[str, str]) -> str:
    """Write study.json and study.md, and give the table."""
    rows = []
    for cell in cells:
        manifest = finished_manifest(out / cell.name)
        if manifest is not None:
            rows.append(row_of(cell, DONE, measure(dataset, out / cell.name), manifest["result"]["training_minutes"]))
        else:
            rows.append(row_of(cell, states.get(cell.name, WAITING), {}, None))
    rows.append({"name": CONSTANT, "state": DONE, "minutes": None} | constant_row(dataset))
    table = to_markdown(rows)
    write_json(out / "study.json", {"schema": 1, "rows": rows})
    write_text(out / "study.md", table + "\n")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
