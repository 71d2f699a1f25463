"""Detectors from ImageNet's weights and from weights that know drawn flaws, at equal settings and steps, in pairs.

python -m tests.benchmarks.pretraining.probe --data FOLDS/fold_* --steps 100,200,400 --seeds 0 --out runs/probe

Several datasets must be folds of one, as `data_tools.splits --folds` makes them; figures are of the test images, after
the last step. Finished runs are not made again; others are taken up where they stopped.
"""

import argparse
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from data_tools.commands.planned import planned_values
from data_tools.commands.settings import settings_from
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.training.run_series import make_once
from detect.compare_detectors.cells import Cell
from detect.compare_detectors.table import REFERENCE, compare, judged_cells, pipes, require_disjoint, shown
from detect.recipe import plan
from detect.settings import Settings
from detect.training import train

FIGURES = {"auc": "AUC", "ap50": "box AP50", "hit_rate": "hit rate"}
SHIPPED = "defects"
PLAIN = "package"


def settings_of(data: Dataset, weights: str, steps: int, seed: int) -> Settings:
    """Of the quick recipe, all steps in one epoch, so that validation chooses no state of the network."""
    settings = settings_from(Settings, planned_values(plan(data, "quick"), "detect"), "the quick recipe")
    fit = replace(settings.fit, steps=steps, epoch_steps=steps, seed=seed)
    return replace(settings, fit=fit, model=replace(settings.model, weights=weights))


def train_once(data: Dataset, folder: Path, settings: Settings) -> None:
    """One run."""
    identity = {"settings": asdict(settings), "data": data_hash(data), "start": "None"}  # as in marks of earlier runs
    make_once(folder, identity, "--out", lambda resume: train(data, settings, folder, resume))


def made_cells(datasets: Mapping[Path, Dataset], steps: int, seeds: list[int], out: Path) -> Iterator[Cell]:
    """The runs of both starts on each dataset, made if they are missing."""
    for seed in seeds:
        for place, data in datasets.items():
            for approach, weights in {PLAIN: PLAIN, REFERENCE: SHIPPED}.items():
                cell = Cell(approach, place, seed, out / f"{place.name}-{seed}-{steps}-{approach}", (), {})
                train_once(data, cell.folder, settings_of(data, weights, steps, seed))
                yield cell


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="dataset folder with splits, or folds")
    parser.add_argument("--out", type=Path, required=True, help="folder for runs")
    parser.add_argument("--steps", default="100,200,400", help="optimizer steps, with commas")
    parser.add_argument("--seeds", default="0")
    words = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    datasets = {folder: read_dataset(folder) for folder in words.data}
    require_disjoint({str(folder): data.split("test") for folder, data in datasets.items()})
    seeds = [int(one) for one in words.seeds.split(",")]
    rows = [["steps", "runs", "", "ImageNet", "drawn defects", "difference"]]
    for steps in (int(one) for one in words.steps.split(",")):
        cells = list(made_cells(datasets, steps, seeds, words.out))
        found = compare(judged_cells(datasets, cells), resamples=2000)
        for name, heading in FIGURES.items():
            before, after = (shown(found["approaches"][one].get(name)) for one in (PLAIN, REFERENCE))
            gain = shown(found["against_ours"][PLAIN][name], key="difference")
            rows.append([str(steps), str(len(cells) // 2), heading, before, after, gain])
    print(pipes(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
