"""The original study's grid on any dataset: trains each cell once, and writes one table.

python -m classify.study                                              # the installed grid, synthetic set
python -m classify.study --config study --data DATASET --out runs/study --max_minutes 5
python -m classify.study --only 'simple_cnn.*'
python -m classify.study --max_minutes 2 --settings.input.size_hw "[160, 160]"      # an hour or less on two cores

A second call skips finished cells and takes up an interrupted one; cells whose weights could not be fetched are tried
again. Without a network set HF_HUB_OFFLINE=1, which spares the wait for an answer. Writes OUT/<cell>/ (a run folder
each), OUT/study.md, OUT/study.csv and OUT/study.json.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from classify.study_grid import Original, make_cells
from data_tools.commands.parser import Parser, run_command, with_whole_flags
from data_tools.commands.training import default_data, with_default_config
from data_tools.core.printable import say_text


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
    parser = build_parser()
    return run_command(
        parser,
        lambda arguments: _study(parser, arguments),
        lambda: with_default_config("classify", with_whole_flags(parser, argv), default="study"),
    )


def _study(parser: Parser, arguments: Namespace) -> int:
    from classify.study_run import run_study

    options = parser.instantiate(arguments)
    data = default_data() if options.data is None else Path(options.data)
    cells = make_cells(options.settings, options.axes, options.cells, options.original)
    say_text(run_study(data, Path(options.out), cells, options.max_minutes, options.only))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
