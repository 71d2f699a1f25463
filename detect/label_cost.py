"""How many boxes buy what: the detector trained on ever more boxed images, beside a baseline that needs none.

python -m detect.label_cost --data DATASET --run runs/label_cost --baseline runs/classify
python -m detect.label_cost --label_cost 5,25,all --data DATASET --run DIR --config light --fit.max_minutes 10

A budget of n leaves n training images their boxes; every other defect of the train split stays a known defect without
an area, which still teaches the detector's image score. The n images are spread over groups, and larger budgets hold
smaller ones. Validation and test keep their boxes. A second call skips finished runs and takes up an interrupted one.
Writes DIR/boxes-<n>/ (a run folder each, its data in DIR/data-<n>/), DIR/label_cost.json, .csv, .png and .svg.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Dataset
from data_tools.files.atomic import atomic_path, write_json, write_text
from data_tools.files.dataset_folder import data_hash, images_root_of, read_dataset, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import MANIFEST, read_run
from data_tools.judging.evaluate import Entry, evaluate
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import AUTO
from data_tools.report.label_cost import METRICS, level, point, sentence, to_csv, to_text
from data_tools.report.label_cost_figure import label_cost_figure
from data_tools.splitting.label_budget import drawing_order, parse_counts, with_budget
from data_tools.training.experiment import default_data, with_default_config
from data_tools.training.run_series import DIVERGED, DONE, finished_manifest, make_once, require_same
from detect.evaluate import open_runs
from detect.train import add_settings, train
from detect.train import build_parser as training_parser

log = logging.getLogger(__name__)

_FLAG = "--run"
_OWN = ("config", "label_cost", "baseline", "resamples")


@dataclass(frozen=True)
class _Budget:
    """One number of boxed images: where it is trained, on what, and what identifies it.

    Attributes:
        boxed_images: training images that keep their boxes.
        boxes: on them.
        folder: of the run.
        data: dataset folder that it is trained on; that of the command where all images keep their boxes.
        identity: settings and data, in JSON values.
    """

    boxed_images: int
    boxes: int
    folder: Path
    data: Path
    identity: dict[str, Any]

    @property
    def label(self) -> str:
        """As the evaluator calls the run."""
        return f"detector, {self.boxed_images} boxed images"


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
    add_settings(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _label_cost, with_default_config("detect", argv))


def _label_cost(arguments: Namespace) -> int:
    out, data = Path(arguments.run), Path(arguments.data) if arguments.data else default_data()
    if (out / MANIFEST).exists():
        raise InputError(f"{out}: is a run itself; give a folder for several runs with {_FLAG}")
    if arguments.resamples < 100:
        raise InputError(f"--resamples {arguments.resamples}: at least 100, for a 95 % interval")
    dataset = read_dataset(data)
    if dataset.splits is None:
        raise InputError(f"{data}: has no splits.json; convert it with --split 0.7,0.15,0.15")
    images_root_of(dataset, data)
    baselines, names = _open_baselines(arguments.baseline, data)
    order = drawing_order(dataset.split("train"), arguments.fit.seed)
    counts, left_out = parse_counts(arguments.label_cost, len(order))
    if left_out:
        log.info("the train split has %d images with boxes, so left out: %s", len(order), left_out)
    budgets = [_plan(arguments, dataset, data, out, order, count) for count in counts]
    states: dict[int, str] = {}
    for number, budget in enumerate(budgets, start=1):
        log.info("%d of %d: %d images with boxes", number, len(budgets), budget.boxed_images)
        states[budget.boxed_images] = _make(budget, arguments, dataset, order)
    summary = _judge(arguments, dataset, budgets, states, baselines, names) | {"left_out": left_out}
    _write(out, summary)
    print(to_text(summary))
    return 0


def _open_baselines(folders: Sequence[str], data: Path) -> tuple[tuple[Entry, ...], list[str]]:
    """The baselines' predictions and the distinct names of their approaches, checked before anything is trained."""
    if not folders:
        log.info("no --baseline: the curve stands alone")
        return (), []
    entries = open_runs([read_run(Path(folder)) for folder in folders], str(data), "test").entries
    return entries, list(dict.fromkeys(entry.approach or entry.label for entry in entries))


def _plan(arguments: Namespace, dataset: Dataset, data: Path, out: Path, order: Sequence[int], count: int) -> _Budget:
    """What to train for a number of images.

    Raises:
        InputError: its folder holds another run.
    """
    kept = set(order[:count])
    boxes = sum(len(sample.boxes_xyxy) for sample in dataset.samples if sample.image_id in kept)
    settings = yaml.safe_load(training_parser().dump(_training_arguments(arguments, None, None)))
    folder = out / f"boxes-{count}"
    identity = {"settings": settings, "data_hash": data_hash(data), "boxed_images": sorted(kept)}
    require_same(folder, identity, _FLAG)
    return _Budget(count, boxes, folder, data if count == len(order) else out / f"data-{count}", identity)


def _training_arguments(arguments: Namespace, data: Path | None, run: Path | None) -> Namespace:
    """The arguments of `detect.train`."""
    own: Namespace = arguments.clone()
    for name in _OWN:
        own.pop(name, None)
    own.data, own.run, own.resume = (None if data is None else str(data)), (None if run is None else str(run)), False
    return own


def _make(budget: _Budget, arguments: Namespace, dataset: Dataset, order: Sequence[int]) -> str:
    """Train with a budget unless that is done; the state afterwards."""

    def train_once(resume: bool) -> None:
        if budget.boxed_images < len(order):
            write_dataset(budget.data, with_budget(dataset, order, budget.boxed_images))
        own = _training_arguments(arguments, budget.data, budget.folder)
        own.resume = resume
        train(training_parser(), own)

    try:
        if not make_once(budget.folder, budget.identity, _FLAG, train_once):
            log.info("  done before")
    except FloatingPointError as error:
        log.info("  no result: %s", error)
        return DIVERGED
    return DONE


def _judge(
    arguments: Namespace,
    dataset: Dataset,
    budgets: Sequence[_Budget],
    states: dict[int, str],
    baselines: Sequence[Entry],
    names: Sequence[str],
) -> dict[str, Any]:
    """Judge every finished run on the test images beside the baselines."""
    metrics = ("auc", "box_map", "peak_distance")

    def judge(*entries: Entry) -> dict[str, Any]:
        return evaluate(dataset, "test", entries, metrics, arguments.fit.seed, arguments.resamples, AUTO)

    reports = {b.boxed_images: judge(_entry(b), *baselines) for b in budgets if states[b.boxed_images] == DONE}
    points = [_point(reports.get(b.boxed_images), b, states[b.boxed_images], names) for b in budgets]
    done = [one for one in points if one["state"] == DONE]
    report = next(iter(reports.values())) if reports else judge(*baselines)
    validation = [sample for sample in dataset.split("val") if sample.status == BOXED]
    boxes = sum(len(sample.boxes_xyxy) for sample in validation)
    return {
        "schema": 1,
        "data": report["data"],
        "points": points,
        "baselines": {name: level(report, name) for name in names},
        "sentences": [sentence(done, name, metric) for name in names for metric in METRICS],
        "validation_boxed_images": len(validation),
        "validation_boxes": boxes,
        "seed": arguments.fit.seed,
        "resamples": arguments.resamples,
        "engines": report["engines"],
        "notes": [
            f"Cost beside these: checkpoint and thresholds are chosen on validation, whose {len(validation)} images "
            f"with {boxes} boxes stay boxed at every budget.",
            "Every other defect image of the train split is known as defective, without a box. One seed; intervals are "
            "over test images and point by point, without a correction for their number.",
        ],
    }


def _write(out: Path, summary: dict[str, Any]) -> None:
    write_json(out / "label_cost.json", summary)
    write_text(out / "label_cost.csv", to_csv(summary))
    for kind in ("png", "svg"):
        with atomic_path(out / f"label_cost.{kind}") as path:
            path.write_bytes(label_cost_figure(summary, kind))


def _entry(budget: _Budget) -> Entry:
    found, validation = (read_predictions(budget.folder / "predictions" / f"{s}.jsonl") for s in ("test", "val"))
    return Entry(budget.label, found, validation)


def _point(report: dict[str, Any] | None, budget: _Budget, state: str, names: Sequence[str]) -> dict[str, Any]:
    known: dict[str, Any] = {
        "boxed_images": budget.boxed_images,
        "boxes": budget.boxes,
        "state": state,
        "run": str(budget.folder),
    }
    manifest = finished_manifest(budget.folder)
    if report is None or manifest is None:
        return known
    minutes = {"minutes": manifest["result"]["training_minutes"]}
    return known | minutes | point(report, budget.label, names)


if __name__ == "__main__":
    raise SystemExit(main())
