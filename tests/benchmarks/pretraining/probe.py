"""Detectors from ImageNet's weights and from those of a run on drawn flaws, at equal settings and steps, in pairs.

python -m detect.train --config quickstart --data CORPUS --run PRETRAINED ...
python -m tests.benchmarks.pretraining.probe --weights PRETRAINED --data FOLD --out runs/probe --steps 100,200,400

Finished runs are not made again; others are taken up where they stopped.
"""

import argparse
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from data_tools import evaluate
from data_tools.commands.configurations import merged
from data_tools.commands.planned import planned_values
from data_tools.commands.settings import nested, settings_from
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.training.run_series import make_once
from detect.recipe import plan
from detect.settings import Settings
from detect.training import train
from tests.benchmarks.pretraining.start import started_from

FIGURES = {"auc": ("auc", "value"), "ap50": ("box_map", "ap50"), "hit_rate": ("peak_distance", "hit_rate")}


def train_once(data: Dataset, run: Path, changes: dict[str, Any], weights: Path | None) -> None:
    """One run of the quick recipe."""
    values = merged(planned_values(plan(data, "quick"), "detect"), nested(changes))
    settings = settings_from(Settings, values, "the quick recipe")
    assert data.folder is not None
    identity = {"settings": asdict(settings), "data": data_hash(data.folder), "start": str(weights)}
    with started_from(weights):
        make_once(run, identity, "--out", lambda resume: train(data, settings, run, resume))


def compare(data: Dataset, pair: tuple[Path, Path]) -> None:
    """Print a pair's figures, and the differences that the evaluator tests, on all images that neither learned from.

    Nothing is chosen on validation but how an image is scored, so its images count with those of the test.
    """
    assert data.splits is not None
    held = replace(data, splits=replace(data.splits, val=(), test=data.splits.val + data.splits.test))
    files = {run.name: [run / "predictions" / f"{split}.jsonl" for split in ("val", "test")] for run in pair}
    given = {
        name: [one for path in paths for one in read_predictions(path).predictions] for name, paths in files.items()
    }
    report = evaluate(held, given)
    without, with_it = (report.runs[run.name].metrics for run in pair)
    print(f"{pair[1].name} against {pair[0].name}")
    for name, path in FIGURES.items():
        before, after = ((one.get(path[0]) or {}).get(path[1]) for one in (without, with_it))
        print(f"  {name:<16} {before:.3f} -> {after:.3f}")
    for one in report.comparisons:
        sign = 1 if one.a == pair[1].name else -1
        interval = "no interval" if one.ci95 is None else "{:+.3f}..{:+.3f}".format(*sorted(sign * e for e in one.ci95))
        print(f"  {one.metric:<16} {sign * one.difference:+.3f} ({interval}, p {one.p_value}, {one.n_groups} groups)")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with splits")
    parser.add_argument("--weights", type=Path, help="finished run to start from; without it ImageNet's alone")
    parser.add_argument("--name", default="flaws", help="what runs from --weights are called")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs")
    parser.add_argument("--steps", default="100,200,400", help="optimizer steps, with commas")
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    data = read_dataset(words.data)
    for steps in (int(one) for one in words.steps.split(",")):
        changes = {"fit.steps": steps, "fit.epoch_steps": steps, "fit.seed": words.seed}
        stem = f"{words.data.name}-{words.seed}-{steps}"
        runs = words.out / f"{stem}-imagenet", words.out / f"{stem}-{words.name}"
        train_once(data, runs[0], changes, None)
        if words.weights is not None:
            train_once(data, runs[1], changes, words.weights)
            compare(data, runs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
