"""Seeded, stratified splits that never divide a group: train, val and test; k folds; later lots left out.

python -m data_tools.splits DATASET --split 0.7,0.15,0.15 --group-by auto --replace   # group and split anew, in place
python -m data_tools.splits DATASET --folds 5 --out datasets/folds                    # datasets/folds/fold_1 ... fold_5
python -m data_tools.splits DATASET --leave_later_lots_out 0.2 --out datasets/later   # the last lots are the test

Every result is a dataset folder that training and evaluation take as it is; a new folder shares the images of DATASET.
A dataset's splits are made once and then used by every run, so another split in its place needs --replace. In fold i of
n, part i is the test and part i + 1 (after n comes 1) is the validation, so that each image is tested exactly once.

The order of the lots in time is the lexical order of their codes, such as WEE939001B0A, in which year and week come
first. --order REGEX takes it from the file names instead: the pattern's first group (or whole match). Where
all are whole numbers they are compared as such. Lots of the same moment stay together.
"""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.printable import say_text
from data_tools.splitting.deal import FRACTIONS, parse_shares
from data_tools.splitting.resplit import SplitRequest, resplit


def build_parser() -> Parser:
    """The command line of `python -m data_tools.splits`."""
    parser = Parser(prog="data_tools.splits", description="Split a dataset folder without dividing a group.")
    parser.add_argument("dataset", type=str, help="dataset folder")
    parser.add_argument(
        "--split",
        type=str | None,
        default=None,
        help=f"shares of train,val,test; {','.join(map(str, FRACTIONS))} by default",
    )
    parser.add_argument(
        "--folds",
        type=int | None,
        default=None,
        help="cross-validation: so many dataset folders fold_1, fold_2, ... in --out",
    )
    parser.add_argument(
        "--leave_later_lots_out",
        type=float | None,
        default=None,
        help="test on the last lots, which make up this share (0..1) of the images",
    )
    parser.add_argument(
        "--order",
        type=str | None,
        default=None,
        help="regular expression on file names whose first "
        "group is the lot's date or number; by default lots follow each other by code",
    )
    parser.add_argument(
        "--group-by",
        type=str,
        default="keep",
        help="keep the dataset's groups, or make them anew: auto, none, or a regular expression on file names",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order among equal groups")
    parser.add_argument("--out", type=str | None, default=None, help="new folder to write; by default DATASET itself")
    parser.add_argument("--replace", action="store_true", help="put the new split in place of another one")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _split, argv)


def _split(arguments: Namespace) -> int:
    shares = None if arguments.split is None else parse_shares(arguments.split)
    request = SplitRequest(
        shares=shares,
        folds=arguments.folds,
        later_share=arguments.leave_later_lots_out,
        order=arguments.order,
        group_by=arguments.group_by,
        seed=arguments.seed,
        replace=arguments.replace,
    )
    say_text(resplit(Path(arguments.dataset), None if arguments.out is None else Path(arguments.out), request))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
