"""How many boxes buy what: the detector trained on ever more boxed images, beside a baseline that needs none.

python -m detect.label_cost --data DATASET --run runs/label_cost --baseline runs/classify
python -m detect.label_cost --label_cost 5,25,all --data DATASET --run DIR --config standard --fit.max_minutes 10

A budget of n leaves n training images their boxes; every other defect of the train split stays a known defect without
an area, which still teaches the detector's image score. The n images are spread over groups, and larger budgets hold
smaller ones. Validation and test keep their boxes. A second call skips finished runs and takes up an interrupted one.
Writes DIR/boxes-<n>/ (a run folder each, its data in DIR/data-<n>/), DIR/label_cost.json, .csv, .png and .svg.
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command, with_whole_flags
from data_tools.commands.settings import add_settings, settings_of
from data_tools.commands.training import default_data, with_default_config
from data_tools.core.printable import say_text
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.report.label_cost import to_text
from detect.label_curve import LabelCurve, make_label_curve
from detect.settings import Settings


def build_parser() -> Parser:
    """The command line of `python -m detect.label_cost`."""
    parser = Parser(prog="detect.label_cost", description="Train the detector on ever more boxed images, and judge it.")
    parser.add_argument("--config", action="config", help="of detect.train: YAML file, or the name of an installed one")
    parser.add_argument(
        "--label_cost",
        type=str,
        default="5,10,25,50,100,all",
        help="numbers of training images that "
        "keep their boxes, and 'all'; those beyond what there is are left out and named",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--run", type=str, default="runs/label_cost", help="folder of the runs and of the results")
    parser.add_argument(
        "--baseline",
        nargs="+",
        type=str,
        default=[],
        help="finished runs on the same data to compare with; those that differ by the seed alone are one baseline",
    )
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of the bootstrap")
    add_settings(parser, Settings)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = build_parser()
    return run_command(
        parser,
        lambda arguments: _label_cost(parser, arguments),
        lambda: with_default_config("detect", with_whole_flags(parser, argv)),
    )


def _label_cost(parser: Parser, arguments: Namespace) -> int:
    curve = LabelCurve(
        data=Path(arguments.data) if arguments.data else default_data(),
        out=Path(arguments.run),
        counts=arguments.label_cost,
        settings=settings_of(parser, arguments, Settings),
        baselines=tuple(Path(folder) for folder in arguments.baseline),
        resamples=arguments.resamples,
    )
    say_text(to_text(make_label_curve(curve)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
