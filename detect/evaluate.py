"""Judge any number of approaches by the same records.

python -m detect.evaluate                                        # the newest run of each approach
python -m detect.evaluate --metric peak_distance
python -m detect.evaluate --runs RUN RUN --out report.json --html report.html
python -m detect.evaluate --predictions A.jsonl B.jsonl --data DATASET --split test
python -m detect.evaluate --predictions A.jsonl --validation A_val.jsonl --data DATASET   # thresholds from validation

Runs whose settings differ by the seed alone are seeds of one approach: figures are shown for each, comparisons are over
all of them. For files, or to group otherwise, name the approach of each with --approaches.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, PredictionSet
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import APPROACHES, Run, approaches_of, newest_runs, read_run
from data_tools.judging.evaluate import METRICS, Entry, evaluate
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import AUTO, ENGINES
from data_tools.report.table import side_by_side

log = logging.getLogger(__name__)

_NONE = "-"


@dataclass(frozen=True)
class Case:
    """What is to be judged: the approaches, the truth and the split."""

    entries: tuple[Entry, ...]
    dataset: Dataset
    split: str


def build_parser() -> Parser:
    """The command line of `python -m detect.evaluate`."""
    parser = Parser(prog="detect.evaluate", description="Judge approaches side by side. Opens no image but for --html.")
    parser.add_argument("--metric", choices=("all", *METRICS), default="all", help="only this one")
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
    parser.add_argument("--split", choices=("train", "val", "test", "all"), default="test")
    parser.add_argument("--out", type=str | None, default=None, help="report.json to write")
    parser.add_argument("--full", action="store_true", help="print every row of the table")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="of the bootstrap")
    parser.add_argument(
        "--box_map_engine",
        choices=ENGINES,
        default=AUTO,
        help="what computes box AP; auto: hotcoco "
        "(the extra 'fast') where its tested version is installed, else pycocotools",
    )
    parser.add_argument("--html", type=str | None, default=None, help="page to write, with overlays")
    parser.add_argument(
        "--thumbnail_side", type=int, default=320, help="limit of the page's pictures: their longest side in pixels"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _evaluate, argv)


def _evaluate(arguments: Namespace) -> int:
    if arguments.resamples < 100:
        raise InputError(f"--resamples {arguments.resamples}: at least 100, for a 95 % interval")
    case = _from_files(arguments) if arguments.predictions else _from_runs(arguments)
    metrics = METRICS if arguments.metric == "all" else (arguments.metric,)
    report = evaluate(
        case.dataset,
        case.split,
        case.entries,
        metrics,
        resamples=arguments.resamples,
        box_map_engine=arguments.box_map_engine,
    )
    if arguments.out:
        write_json(Path(arguments.out), report)
    if arguments.html:
        from data_tools.report.html import write_html

        predictions = {entry.label: entry.predictions for entry in case.entries}
        write_html(Path(arguments.html), report, case.dataset, predictions, case.split, arguments.thumbnail_side)
    print(side_by_side(report, full=arguments.full or arguments.metric != "all"))
    return 0


def choose_runs(folders: Sequence[str] | None) -> list[Run]:
    """The runs in the folders, or the newest run of each approach; says on stderr which and what is missing.

    Raises:
        InputError: a folder holds no finished run, or there is no run at all.
    """
    if folders:
        return [read_run(Path(folder)) for folder in folders]
    runs = newest_runs(Path("runs"))
    for run in runs:
        log.info("newest %s run: %s", run.approach, run.folder)
    for approach in APPROACHES:
        if approach not in {run.approach for run in runs}:
            log.info(
                "no %s run on the same data; make one with: python -m %s.train --data %s",
                approach,
                approach,
                runs[0].data,
            )
    return runs


def open_runs(runs: Sequence[Run], data: str | None, split: str) -> Case:
    """Read the runs' predictions and their common dataset.

    Raises:
        InputError: runs on different data, data that has changed since, or missing predictions.
    """
    folder = Path(data) if data else runs[0].data
    dataset = read_dataset(folder)
    current = data_hash(folder)
    for run in runs:
        if run.data_hash != current:
            raise InputError(
                f"{run.folder}: was trained on other annotations or splits than {folder} holds now; "
                "judge runs on the same data, or name the right dataset with --data"
            )
        if not run.predictions(split).is_file():
            raise InputError(
                f"{run.folder}: has no predictions for {split!r}; write them with python -m {run.approach}.predict "
                "and judge them with --predictions"
            )
    labels = _unique([run.folder.resolve() for run in runs])
    entries = []
    for run, label, approach in zip(runs, labels, approaches_of(runs, labels), strict=True):
        validation, proposals = (_read_if_there(path) for path in (run.predictions("val"), run.proposals(split)))
        entries.append(Entry(label, read_predictions(run.predictions(split)), validation, proposals, approach))
    return Case(tuple(entries), dataset, split)


def _from_runs(arguments: Namespace) -> Case:
    if arguments.validation:
        raise InputError("--validation goes with --predictions; a run has its own")
    case = open_runs(choose_runs(arguments.runs), arguments.data, arguments.split)
    return replace(case, entries=_with_flags(case.entries, arguments))


def _from_files(arguments: Namespace) -> Case:
    if arguments.runs:
        raise InputError("give either --runs or --predictions")
    if not arguments.data:
        raise InputError("--predictions needs --data DATASET, which holds the truth")
    dataset = read_dataset(Path(arguments.data))
    if dataset.splits is None and arguments.split != "all":
        raise InputError(f"{arguments.data}: has no splits; judge it with --split all")
    if dataset.splits is None and arguments.validation:
        raise InputError(f"{arguments.data}: has no splits, so --validation has no images to fit")
    paths = [Path(name) for name in arguments.predictions]
    labels = _unique([path.resolve().with_suffix("") for path in paths])
    entries = tuple(Entry(label, read_predictions(path)) for path, label in zip(paths, labels, strict=True))
    return Case(_with_flags(entries, arguments), dataset, arguments.split)


def _with_flags(entries: Sequence[Entry], arguments: Namespace) -> tuple[Entry, ...]:
    """The entries with what --validation, --proposals and --approaches say of each."""
    changed = list(entries)
    for flag in ("validation", "proposals", "approaches"):
        values = getattr(arguments, flag)
        if not values:
            continue
        if len(values) != len(changed):
            raise InputError(f"--{flag}: {len(values)} given for {len(changed)} runs or files; give one for each")
        for i, value in enumerate(values):
            if flag == "approaches":
                changed[i] = replace(changed[i], approach=value)
            elif value != _NONE and flag == "validation":
                changed[i] = replace(changed[i], validation=read_predictions(Path(value)))
            elif value != _NONE:
                changed[i] = replace(changed[i], proposals=read_predictions(Path(value)))
    return tuple(changed)


def _read_if_there(path: Path) -> PredictionSet | None:
    return read_predictions(path) if path.is_file() else None


def _unique(paths: Sequence[Path]) -> list[str]:
    """The shortest trailing parts of the paths that tell them apart; a number where the paths are equal."""
    for depth in range(1, 5):
        labels = ["/".join(path.parts[-depth:]) for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{path.name} ({number})" for number, path in enumerate(paths, start=1)]


if __name__ == "__main__":
    raise SystemExit(main())
