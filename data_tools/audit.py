"""Audit a dataset folder before training: what it holds, what leaks, which labels are likely wrong.

python -m data_tools.audit DATASET                                         # text; exit status 2 if training is unsafe
python -m data_tools.audit DATASET --html audit.html --review review.csv   # a page with thumbnails, and the review list
python -m data_tools.audit DATASET --apply review.csv --out DATASET2       # the corrected dataset, with its history

The first line is the verdict; `auditing.findings` says what makes a dataset unsafe. Labels are judged out of fold by
models on the packaged backbone's features, or with --scores by predictions that cover every image, each written by a
model that did not see it: for example classify.predict --split test on each fold of data_tools.splits --folds.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from data_tools.auditing.audit import LABEL_MEGAPIXELS, AuditOptions, anchors_of, audit, scores_of_files
from data_tools.auditing.review import apply_review, require_undecided, write_review
from data_tools.auditing.summary import describe
from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import files_of, read_dataset
from data_tools.files.places import require_place


def build_parser() -> Parser:
    """The command line of `python -m data_tools.audit`."""
    parser = Parser(prog="data_tools.audit", description="What a dataset holds, what leaks, which labels are doubtful.")
    parser.add_argument("dataset", type=str, help="dataset folder")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--html", type=str | None, default=None, help="also write a self-contained page here")
    parser.add_argument(
        "--review",
        type=str | None,
        default=None,
        help="also write the review list (CSV) here; one that holds decisions is not replaced",
    )
    parser.add_argument(
        "--apply",
        type=str | None,
        default=None,
        help="a review list with decisions: write the corrected dataset to --out instead of auditing",
    )
    parser.add_argument("--out", type=str | None, default=None, help="folder of the corrected dataset")
    parser.add_argument(
        "--reviewer", type=str | None, default=None, help="who decided, for the history; by default the user's name"
    )
    parser.add_argument(
        "--labels",
        choices=("auto", "yes", "no"),
        default="auto",
        help=f"whether to look for wrong labels; auto: not above {LABEL_MEGAPIXELS} megapixels, which take long",
    )
    parser.add_argument(
        "--scores",
        nargs="+",
        type=str,
        default=None,
        help="PredictionSet files that together score every image out of fold, instead of the built-in models",
    )
    parser.add_argument("--suspects", type=int, default=60, help="longest review list")
    parser.add_argument(
        "--crop", type=int | None, default=None, help="also say which boxes a central crop of so many pixels would cut"
    )
    parser.add_argument("--anchors", type=AnchorConfig, default=AnchorConfig())
    parser.add_argument(
        "--detector",
        type=str | None,
        default=None,
        help="take the anchors from this configuration of the detector (YAML)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 if training would be unsafe."""
    parser = build_parser()
    return run_command(parser, lambda arguments: _audit(parser, arguments), argv)


def _audit(parser: Parser, arguments: Namespace) -> int:
    folder = Path(arguments.dataset)
    read = [Path(name) for name in arguments.scores or ()]
    for flag in ("review", "html"):
        if arguments[flag] is not None:
            require_place(Path(arguments[flag]), [*files_of(folder), *read], flag=f"--{flag}")
    if arguments.review is not None:
        require_undecided(Path(arguments.review))
    dataset = read_dataset(folder, arguments.images)
    if arguments.apply is not None:
        if arguments.out is None:
            raise InputError("--apply needs --out FOLDER for the corrected dataset")
        reviewer = arguments.reviewer or _user()
        print(apply_review(folder, dataset, Path(arguments.apply), Path(arguments.out), reviewer))
        return 0
    if arguments.out is not None:
        raise InputError("--out is the folder of a corrected dataset; give --apply REVIEWED.csv with it")
    if arguments.suspects < 1 or (arguments.crop is not None and arguments.crop < 1):
        raise InputError("--suspects and --crop are at least 1")
    anchors = parser.instantiate(arguments).anchors
    if arguments.detector is not None:
        anchors = anchors_of(Path(arguments.detector))
    options = AuditOptions(
        anchors, arguments.crop, arguments.labels, scores_of_files(arguments.scores, dataset), arguments.suspects
    )
    report = audit(dataset, options)
    if arguments.review is not None:
        write_review(Path(arguments.review), report.suspects or ())
    if arguments.html is not None:
        from data_tools.report.audit_page import write_audit_page

        write_audit_page(Path(arguments.html), str(folder), dataset, report)
    print("\n".join(describe(str(folder), report)))
    return 2 if report.unsafe else 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


if __name__ == "__main__":
    raise SystemExit(main())
