"""Audit a dataset folder before training: what it holds, what leaks, which labels are likely wrong.

python -m data_tools.audit DATASET                                         # text; exit status 2 if training is unsafe
python -m data_tools.audit DATASET --html audit.html --review review.csv   # a page with thumbnails, and the review list
python -m data_tools.audit NEW --against DATASET                           # are new images, also unlabelled, alike?
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
from data_tools.auditing.findings import LEVELS, WARNING, Finding
from data_tools.auditing.new_images import Images, Scores, compare, images_in, images_of
from data_tools.auditing.review import apply_review, require_undecided, write_review
from data_tools.auditing.summary import describe, describe_findings
from data_tools.commands.configurations import resolve
from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.commands.settings import close_groups
from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.core.printable import say, say_text
from data_tools.files.dataset_folder import ANNOTATIONS, files_of, read_dataset, require_apart
from data_tools.files.places import require_place
from data_tools.files.predictions import read_predictions
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS

_LABELS, _SUSPECTS = "auto", 60
_OF_AUDITS = ("html", "review", "scores", "crop", "detector", "labels", "suspects")
_ASKS_NOTHING = {"labels": (_LABELS, "no"), "suspects": (_SUSPECTS,)}  # values beside None that ask for no audit


def build_parser() -> Parser:
    """The command line of `python -m data_tools.audit`."""
    parser = Parser(prog="data_tools.audit", description="What a dataset holds, what leaks, which labels are doubtful.")
    parser.add_argument(
        "dataset", type=str, help="dataset folder; with --against also a plain folder of images without labels"
    )
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
        default=_LABELS,
        help=f"whether to look for wrong labels; auto: not above {LABEL_MEGAPIXELS} megapixels, which take long",
    )
    parser.add_argument(
        "--scores",
        nargs="+",
        type=str,
        default=None,
        help="PredictionSet files that together score every image out of fold, instead of the built-in models",
    )
    parser.add_argument(
        "--against",
        type=str | None,
        default=None,
        metavar="OTHER",
        help="a reference, such as the dataset that a model learned from: are the images here like its images? Told by "
        "lot, at most 5 % false alarms; lots are groups, or of a plain folder those in the file names or its folders. "
        "A difference is a warning and changes no exit status",
    )
    parser.add_argument(
        "--predictions",
        type=str | None,
        default=None,
        help="with --against: a model's PredictionSet for the images here",
    )
    parser.add_argument(
        "--validation",
        type=str | None,
        default=None,
        help="with --predictions: the same model's for the validation split of OTHER, whose scores are the reference",
    )
    parser.add_argument("--suspects", type=int, default=_SUSPECTS, help="longest review list")
    parser.add_argument(
        "--crop", type=int | None, default=None, help="also say which boxes a central crop of so many pixels would cut"
    )
    parser.add_argument("--anchors", type=AnchorConfig, default=AnchorConfig())
    close_groups(parser, {"anchors"})
    parser.add_argument(
        "--detector",
        type=str | None,
        default=None,
        help="take the anchors from this configuration of detect.train: installed name or file",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status, 2 if training would be unsafe."""
    parser = build_parser()
    return run_command(parser, lambda arguments: _audit(parser, arguments), argv)


def _audit(parser: Parser, arguments: Namespace) -> int:
    folder = Path(arguments.dataset)
    _require_places(folder, arguments)
    if arguments.against is not None and not (folder / ANNOTATIONS).exists():
        return _compare_folder(folder, arguments)
    if arguments.review is not None:
        require_undecided(Path(arguments.review))
    dataset = read_dataset(folder, arguments.images)
    if arguments.html is not None:
        require_apart(dataset, Path(arguments.html), "--html")
    if arguments.apply is not None:
        if arguments.out is None:
            raise InputError("--apply needs --out FOLDER for the corrected dataset")
        reviewer = arguments.reviewer or _user()
        say_text(apply_review(folder, dataset, Path(arguments.apply), Path(arguments.out), reviewer))
        return 0
    if arguments.out is not None:
        raise InputError("--out is the folder of a corrected dataset; give --apply REVIEWED.csv with it")
    if arguments.suspects < 1 or (arguments.crop is not None and arguments.crop < 1):
        raise InputError("--suspects and --crop are at least 1")
    anchors = parser.instantiate(arguments).anchors
    if arguments.detector is not None and anchors != AnchorConfig():
        raise InputError("give --anchors or --detector, which names the configuration that has them, not both")
    if arguments.detector is not None:
        anchors = _anchors_named(arguments.detector)
    options = AuditOptions(
        anchors, arguments.crop, arguments.labels, scores_of_files(arguments.scores, dataset), arguments.suspects
    )
    report = audit(dataset, options, _compared(images_of(str(folder), dataset), arguments))
    say(*describe(str(folder), report))
    if arguments.review is not None:
        write_review(Path(arguments.review), report.suspects or ())
    if arguments.html is not None:
        from data_tools.report.audit_page import write_audit_page

        write_audit_page(Path(arguments.html), str(folder), dataset, report)
    return 2 if report.unsafe else 0


def _require_places(folder: Path, arguments: Namespace) -> None:
    """Refuse flags that do not go together, and outputs in the place of an input."""
    if (arguments.predictions is None) != (arguments.validation is None):
        raise InputError("--predictions and --validation go together: the scores of one are compared with the other's")
    if arguments.against is None and arguments.predictions is not None:
        raise InputError("--predictions needs --against OTHER, whose validation images are the reference")
    if arguments.against is not None and arguments.apply is not None:
        raise InputError("--apply corrects a dataset and compares none; give it without --against")
    if arguments.apply is None and arguments.reviewer is not None:
        raise InputError("--reviewer says who decided; give --apply REVIEWED.csv with it")
    asked = _asked(arguments, *_OF_AUDITS)
    if arguments.apply is not None and asked:
        raise InputError(f"--apply corrects a dataset and audits none; give it without --{asked[0]}")
    read = [Path(name) for name in (*(arguments.scores or ()), arguments.predictions, arguments.validation) if name]
    datasets = [folder, *([Path(arguments.against)] if arguments.against is not None else [])]
    read += [path for one in datasets for path in files_of(one)]
    for flag in ("review", "html"):
        if arguments[flag] is not None:
            require_place(Path(arguments[flag]), read, flag=f"--{flag}")


def _asked(arguments: Namespace, *flags: str) -> list[str]:
    """Those of the flags that ask for something."""
    return [flag for flag in flags if arguments[flag] not in (None, *_ASKS_NOTHING.get(flag, ()))]


def _compare_folder(folder: Path, arguments: Namespace) -> int:
    """A plain folder of images: nothing but the comparison can be made."""
    asked = _asked(arguments, *_OF_AUDITS, "images", "out")
    if asked:
        raise InputError(f"{folder}: no dataset folder (no {ANNOTATIONS}), so --{asked[0]} has nothing to go by")
    images, notes = images_in(folder)
    findings = [*notes, *_compared(images, arguments)]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    warnings = sum(finding.level == WARNING for finding in findings)
    few = any(finding.lacks_groups for finding in findings)
    said = "no difference shown" + (f"; {NOT_ENOUGH_GROUPS} to show some kinds of difference, see the notes" * few)
    head = f"{folder}: {len(images.paths)} images beside {arguments.against}: "
    say(head + (f"{warnings} warnings" if warnings else said), "", *describe_findings(findings))
    return 0


def _compared(images: Images, arguments: Namespace) -> list[Finding]:
    if arguments.against is None:
        return []
    scores = None
    if arguments.predictions is not None:
        scores = Scores(*(read_predictions(Path(arguments[flag])) for flag in ("predictions", "validation")))
    return compare(arguments.against, read_dataset(Path(arguments.against)), images, scores)


def _anchors_named(configuration: str) -> AnchorConfig:
    """Of a configuration of the detector, with those of its bases underneath."""
    try:
        return anchors_of(resolve(configuration, "detect"))
    except InputError as error:
        raise InputError(f"--detector {configuration}: {error}") from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


if __name__ == "__main__":
    raise SystemExit(main())
