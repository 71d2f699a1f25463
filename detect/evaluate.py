"""Judge any number of approaches by the same records.

python -m detect.evaluate                                        # the newest run of each approach
python -m detect.evaluate --metric peak_distance
python -m detect.evaluate --runs RUN RUN --out report.json --html report.html
python -m detect.evaluate --predictions A.jsonl B.jsonl --data DATASET --split test
python -m detect.evaluate --predictions A.jsonl --validation A_val.jsonl --data DATASET   # thresholds from validation
python -m detect.evaluate --runs RUN --against OLD.json          # what changed since; exit status 1 if any got worse

Runs whose settings differ by the seed alone are seeds of one approach: figures are shown for each, comparisons are over
all of them. For files, or to group otherwise, name the approach of each with --approaches.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say_text
from data_tools.files.dataset_folder import files_of, require_apart
from data_tools.files.places import require_place
from data_tools.files.predictions import maps_path
from data_tools.files.run_config import CONFIG
from data_tools.files.runs import MANIFEST
from data_tools.judging.evaluate import evaluate
from data_tools.judging.inputs import JudgingInput, choose_runs, open_files, open_runs, with_companions
from data_tools.judging.old_report import read_old_report
from data_tools.judging.registry import metrics
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import AUTO, ENGINES
from data_tools.report.changes import describe_changes
from data_tools.report.class_tables import class_tables
from data_tools.report.table import side_by_side
from detect.operating_flags import add_operating_point, operating_rule

WORSE_THAN_BEFORE = 1
"""Exit status where --against shows a figure to be worse; without that flag 1 is an unexpected failure alone."""


def build_parser() -> Parser:
    """The command line of `python -m detect.evaluate`."""
    parser = Parser(prog="detect.evaluate", description="Judge approaches side by side. Opens no image but for --html.")
    parser.add_argument("--metric", choices=("all", *metrics()), default="all", help="only this one")
    parser.add_argument("--runs", nargs="+", type=str, default=None, help="run folders")
    parser.add_argument("--predictions", nargs="+", type=str, default=None, help="PredictionSet files, with --data")
    parser.add_argument(
        "--validation",
        nargs="+",
        type=str,
        default=None,
        help="their predictions for the validation split, in the same order, which choose thresholds; - for none",
    )
    parser.add_argument(
        "--proposals",
        nargs="+",
        type=str,
        default=None,
        help="region proposals for each run or file, in the same order; - for none",
    )
    parser.add_argument(
        "--approaches",
        nargs="+",
        type=str,
        default=None,
        help="a name for each run or file, in the same order; equal names are seeds of one approach",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default that of the runs")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--out", type=str | None, default=None, help="report.json to write")
    parser.add_argument(
        "--against",
        type=str | None,
        default=None,
        metavar="OLD.json",
        help="an earlier report.json on the same images: what changed since, image by image where the predictions of "
        "then are at hand, else by the intervals of the two reports; exit status 1 if any compared figure is shown to "
        "be worse (5 % level, Holm's correction over all of them), so that a CI can stop",
    )
    parser.add_argument("--full", action="store_true", help="print every row of the table")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of the bootstrap")
    parser.add_argument(
        "--box_map_engine",
        choices=ENGINES,
        default=AUTO,
        help="what computes box AP; auto: hotcoco "
        "(the extra 'fast') where its tested version is installed, else pycocotools",
    )
    add_operating_point(parser)
    parser.add_argument(
        "--html",
        type=str | None,
        default=None,
        help="page to write, with overlays; the pictures of "
        "more than 3,000 images go to a folder beside it, report.images for report.html",
    )
    parser.add_argument(
        "--thumbnail_side",
        type=int,
        default=320,
        help="limit of the page's pictures: their longest side in pixels, of strips four times that",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _evaluate, argv)


def _evaluate(arguments: Namespace) -> int:
    if arguments.resamples < 100:
        raise InputError(f"--resamples {arguments.resamples}: at least 100, for a 95 % interval")
    _require_places(arguments)
    old = read_old_report(Path(arguments.against)) if arguments.against else None
    given = _from_files(arguments) if arguments.predictions else _from_runs(arguments)
    images = Path(arguments.images) if arguments.images else given.dataset.images_root
    for flag in ("out", "html"):
        if arguments[flag]:
            require_apart(replace(given.dataset, images_root=images), Path(arguments[flag]), f"--{flag}")
    if arguments.html and images is not None and images.is_dir():
        from data_tools.report.pictures_beside import require_pictures_place

        require_pictures_place(Path(arguments.html), len(given.dataset.split(given.split)))
    report = evaluate(
        given.dataset,
        given.split,
        given.entries,
        None if arguments.metric == "all" else (arguments.metric,),
        resamples=arguments.resamples,
        box_map_engine=arguments.box_map_engine,
        rule=operating_rule(arguments),
        against=old,
    )
    # told first: what hinders a file, such as a full disk or an image that the page needs, takes no figure away
    contents = report.to_json()
    say_text(side_by_side(contents, arguments.full or arguments.metric != "all", class_tables(contents)))
    for part in describe_changes(contents):
        say_text(f"\n{part}")
    if arguments.out:
        report.save(arguments.out)
    if arguments.html:
        from data_tools.report.html import write_html

        try:
            write_html(Path(arguments.html), report, images, arguments.thumbnail_side)
        except InputError as error:
            raise InputError(f"--html {arguments.html}: no page is written: {error}") from error
    return WORSE_THAN_BEFORE if report.against is not None and report.against.regressed else 0


def _require_places(arguments: Namespace) -> None:
    """Refuse outputs that cannot be written, or that would take the place of an input, before anything is judged."""
    files = [Path(name) for flag in ("predictions", "validation", "proposals") for name in arguments[flag] or ()]
    inputs = [*files, *(maps_path(path) for path in files)]
    for folder in (*([arguments.data] if arguments.data else ()), *(arguments.runs or ())):
        inputs += files_of(Path(folder))
        inputs += [Path(folder) / name for name in (CONFIG, MANIFEST, "predictions", "best", "last")]
    inputs += [Path(arguments[flag]) for flag in ("images", "against") if arguments[flag]]
    for flag, other in (("out", "html"), ("html", "out")):
        if arguments[flag]:
            others = [Path(arguments[other])] if arguments[other] else []
            require_place(Path(arguments[flag]), [*inputs, *others], flag=f"--{flag}")


def _from_runs(arguments: Namespace) -> JudgingInput:
    if arguments.validation:
        raise InputError("--validation goes with --predictions; a run has its own")
    return _completed(open_runs(choose_runs(arguments.runs), arguments.data, arguments.split), arguments)


def _from_files(arguments: Namespace) -> JudgingInput:
    if arguments.runs:
        raise InputError("give either --runs or --predictions")
    if not arguments.data:
        raise InputError("--predictions needs --data DATASET, which holds the truth")
    given = open_files([Path(name) for name in arguments.predictions], Path(arguments.data), arguments.split)
    if given.dataset.splits is None and arguments.validation:
        raise InputError(f"{arguments.data}: has no splits, so --validation has no images to fit")
    return _completed(given, arguments)


def _completed(given: JudgingInput, arguments: Namespace) -> JudgingInput:
    entries = with_companions(given.entries, arguments.validation, arguments.proposals, arguments.approaches)
    return replace(given, entries=entries)


if __name__ == "__main__":
    raise SystemExit(main())
