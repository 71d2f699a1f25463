"""Does it pay to show the networks how far each image is from good ones? Pairs of runs with it and without.

python -m tests.benchmarks.reference_channel --out runs/reference_channel --steps 100,200,400

Renders a set of synthetic devices for each seed, trains detector and baseline for each number of steps, and prints what
the reference adds on the same test images, with intervals over whole lots. Runs that are finished are not made again,
so the same command goes on after an interruption; others are taken up where they stopped.
"""

import argparse
import importlib
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.commands.configurations import merged, resolve
from data_tools.commands.settings import nested, settings_from
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.runs import read_run
from data_tools.judging.evaluate import evaluate
from data_tools.judging.inputs import open_runs, with_companions
from data_tools.judging.metric import look_up
from data_tools.report.cells import number
from data_tools.synthetic.render import make_synthetic
from data_tools.training.run_series import make_once

APPROACHES = ("classify", "detect")
FIGURES = {"auc": ("auc", "value"), "fpr at tpr 98 %": ("fpr_at_tpr", "0.98", "fpr"), "ap50": ("box_map", "ap50")}
VALIDATIONS = 4


def dataset_of(out: Path, seed: int, good: int, defect: int) -> Dataset:
    """Rendered once; an interruption leaves nothing there."""
    folder = out / f"data_{seed}"
    if not folder.exists():
        make_synthetic(folder, good, defect, seed)
    return read_dataset(folder)


def train_once(
    data: Dataset,
    run: Path,
    approach: str,
    steps: int,
    seed: int,
    changes: Mapping[str, Any],
    templates: Path | None = None,
) -> None:
    """One run of the quickstart configuration with changes by dotted key."""
    budget = {"fit.steps": steps, "fit.epoch_steps": -(-steps // VALIDATIONS), "fit.seed": seed}
    values = merged(resolve("quickstart", approach), nested(budget | changes))
    settings = settings_from(importlib.import_module(approach).Settings, values, "the quickstart configuration")
    assert data.folder is not None
    identity = {"settings": asdict(settings), "data": data_hash(data)}
    train = importlib.import_module(f"{approach}.training").train
    make_once(run, identity, "--out", lambda resume: train(data, settings, run, resume, templates))


def compared(folder: Path, data: Dataset, pair: tuple[Path, Path]) -> dict[str, float]:
    """Print a pair's figures and the differences that the evaluator tests; each figure's difference."""
    runs = [read_run(run) for run in pair]
    given = open_runs(runs, str(data.folder), "test")
    entries = with_companions(given.entries, approaches=[run.folder.name for run in runs])
    report = evaluate(given.dataset, "test", entries, ("auc", "box_map"))
    without, with_it = (report.runs[entry.label].metrics for entry in entries)
    gained = {}
    for name, path in FIGURES.items():
        before, after = look_up(without, path), look_up(with_it, path)
        if before is not None and after is not None:
            gained[name] = after - before
            print(f"{folder.name:<28} {name:<16} {before:.4f} -> {after:.4f}")
    for one in report.comparisons:
        sign = 1 if one.a == pair[1].name else -1
        low, high = (None, None) if one.ci95 is None else sorted(sign * end for end in one.ci95)
        interval = "not enough groups" if low is None else f"95 % CI {low:+.4f}..{high:+.4f}"
        gain = f"{sign * one.difference + 0.0:+.4f} ({interval}, p {number(one.p_value, 3)}, {one.n_groups} lots)"
        print(f"{folder.name:<28} {one.metric:<16} {gain}")
    return gained


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--steps", default="100,200,400", help="optimizer steps, with commas")
    parser.add_argument("--seeds", default="0,1,2", help="of data and training, with commas")
    parser.add_argument("--approaches", default=",".join(APPROACHES), help="of classify,detect")
    parser.add_argument("--good", type=int, default=1000)
    parser.add_argument("--defect", type=int, default=500)
    words = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    seeds, budgets = ([int(one) for one in text.split(",")] for text in (words.seeds, words.steps))
    for approach in words.approaches.split(","):
        for steps in budgets:
            gains: dict[str, list[float]] = {}
            for seed in seeds:
                data = dataset_of(words.out, seed, words.good, words.defect)
                folder = words.out / f"{approach}_{steps}_steps_seed_{seed}"
                pair = (folder / "off", folder / "on")
                for run in pair:
                    train_once(data, run, approach, steps, seed, {"input.reference": run.name})
                for name, gain in compared(folder, data, pair).items():
                    gains.setdefault(name, []).append(gain)
            for name, of_seeds in gains.items():
                each = ", ".join(f"{one:+.4f}" for one in of_seeds)
                print(f"{approach}, {steps} steps: {name} {np.mean(of_seeds):+.4f} with the reference (seeds: {each})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
