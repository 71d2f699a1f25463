"""The detector trained on ever more boxed images, beside baselines that need none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Dataset
from data_tools.files.atomic import atomic_path, write_json, write_text
from data_tools.files.dataset_folder import data_hash, images_root_of, read_dataset, require_splits, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.run_config import plain
from data_tools.files.runs import DIVERGED, DONE, MANIFEST, read_manifest, read_run, require_tables_place
from data_tools.judging.evaluate import evaluate
from data_tools.judging.inputs import open_runs
from data_tools.judging.judged import Entry
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.coco_engines import AUTO
from data_tools.report.label_cost import METRICS, level, point, sentence, to_csv
from data_tools.report.label_cost_figure import label_cost_figure
from data_tools.splitting.label_budget import drawing_order, parse_counts, with_budget
from data_tools.training.run_series import finished_manifest, make_once, require_same
from detect.settings import Settings

log = logging.getLogger(__name__)

_FLAG = "--run"
_PICTURES = ("png", "svg")


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


@dataclass(frozen=True)
class LabelCurve:
    """What to train and to compare.

    Attributes:
        data: dataset folder with splits.
        out: folder of the runs and of the results.
        counts: numbers of training images that keep their boxes, such as "5,25,all".
        settings: of every training.
        baselines: folders of finished runs on the same data.
        resamples: of the bootstrap; at least 100.
    """

    data: Path
    out: Path
    counts: str
    settings: Settings
    baselines: tuple[Path, ...] = ()
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        if (self.out / MANIFEST).exists():
            raise InputError(f"{self.out}: is a run itself; give a folder for several runs with {_FLAG}")
        require_tables_place(self.out, [f"label_cost.{kind}" for kind in ("json", "csv", *_PICTURES)], _FLAG)
        if self.resamples < 100:
            raise InputError(f"--resamples {self.resamples}: at least 100, for a 95 % interval")


def make_label_curve(curve: LabelCurve) -> dict[str, Any]:
    """Train with ever more boxed images, judge every run, and write and return the summary.

    Raises:
        InputError: unusable data, or folders that hold other runs.
    """
    dataset = read_dataset(curve.data)
    require_splits(dataset, curve.data)
    images_root_of(dataset, curve.data)
    baselines, names = _open_baselines(curve.baselines, curve.data)
    order = drawing_order(dataset.split("train"), curve.settings.fit.seed)
    counts, left_out = parse_counts(curve.counts, len(order))
    if left_out:
        log.info("the train split has %d images with boxes, so left out: %s", len(order), left_out)
    budgets = [_plan(curve, dataset, order, count) for count in counts]
    states: dict[int, str] = {}
    for number, budget in enumerate(budgets, start=1):
        log.info("%d of %d: %d images with boxes", number, len(budgets), budget.boxed_images)
        states[budget.boxed_images] = _make(budget, curve.settings, dataset, order)
    summary = _judge(curve, dataset, budgets, states, baselines, names) | {"left_out": left_out}
    _write(curve.out, summary)
    return summary


def _open_baselines(folders: Sequence[Path], data: Path) -> tuple[tuple[Entry, ...], list[str]]:
    """The baselines' predictions and the distinct names of their approaches, checked before anything is trained."""
    if not folders:
        log.info("no --baseline: the curve stands alone")
        return (), []
    entries = open_runs([read_run(folder) for folder in folders], str(data), "test").entries
    return entries, list(dict.fromkeys(entry.approach or entry.label for entry in entries))


def _plan(curve: LabelCurve, dataset: Dataset, order: Sequence[int], count: int) -> _Budget:
    """What to train for a number of images.

    Raises:
        InputError: its folder holds another run.
    """
    kept = set(order[:count])
    boxes = sum(len(sample.boxes_xyxy) for sample in dataset.samples if sample.image_id in kept)
    folder = curve.out / f"boxes-{count}"
    identity = {
        "settings": plain(curve.settings),
        "data_hash": data_hash(dataset),
        "boxed_images": sorted(kept),
    }
    require_same(folder, identity, _FLAG)
    data = curve.data if count == len(order) else curve.out / f"data-{count}"
    return _Budget(count, boxes, folder, data, identity)


def _make(budget: _Budget, settings: Settings, dataset: Dataset, order: Sequence[int]) -> str:
    """Train with a budget unless that is done; the state afterwards."""

    def train_once(resume: bool) -> None:
        from detect.training import train

        if budget.boxed_images < len(order):
            write_dataset(budget.data, with_budget(dataset, order, budget.boxed_images))
        train(budget.data, settings, budget.folder, resume)

    try:
        if not make_once(budget.folder, budget.identity, _FLAG, train_once):
            log.info("  done before")
    except FloatingPointError as error:
        log.info("  no result: %s", error)
        return DIVERGED
    return DONE


def _judge(
    curve: LabelCurve,
    dataset: Dataset,
    budgets: Sequence[_Budget],
    states: dict[int, str],
    baselines: Sequence[Entry],
    names: Sequence[str],
) -> dict[str, Any]:
    """Judge every finished run on the test images beside the baselines."""
    metrics = ("auc", "box_map", "peak_distance")

    def judge(*entries: Entry) -> dict[str, Any]:
        return evaluate(dataset, "test", entries, metrics, curve.settings.fit.seed, curve.resamples, AUTO).to_json()

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
        "seed": curve.settings.fit.seed,
        "resamples": curve.resamples,
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
    for kind in _PICTURES:
        with atomic_path(out / f"label_cost.{kind}") as path:
            path.write_bytes(label_cost_figure(summary, kind))


def _entry(budget: _Budget) -> Entry:
    predictions, validation = (read_predictions(budget.folder / "predictions" / f"{s}.jsonl") for s in ("test", "val"))
    return Entry(budget.label, predictions, validation)


def _point(report: dict[str, Any] | None, budget: _Budget, state: str, names: Sequence[str]) -> dict[str, Any]:
    known: dict[str, Any] = {
        "boxed_images": budget.boxed_images,
        "boxes": budget.boxes,
        "state": state,
        "run": str(budget.folder),
    }
    if report is None or finished_manifest(budget.folder) is None:
        return known
    minutes = {"minutes": read_manifest(budget.folder).group("result").number("training_minutes", 0)}
    return known | minutes | point(report, budget.label, names)
