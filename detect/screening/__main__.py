"""Which settings of the detector help? Several at once, on train and validation images alone.

python -m detect.screening --data DATASET --levers levers.yaml --jobs 2 --out runs/screening
python -m detect.screening ... --table                                     # only judge what is finished

levers.yaml names each change and the settings it consists of, of detect.train on top of --config:

    small batches: {fit.batch_size: 4, fit.lr: 0.0007}
    more pasted defects: {paste.share: 0.9}

The images of the train and validation splits are dealt anew into parts, whole groups each; the test split is left out.
A model is trained on all parts but one and judged on that one, by which its epoch is chosen too, so all models' figures
are somewhat too good alike. For each part there are two models, or a multiple of two: what one has, the other has not
(see `design.py`), and a lever's effect is the mean difference between the two, with its standard error over pairs.
Groups differ more than settings do, so an effect within two standard errors says nothing.

Every model sees --megapixels of images at its own input size, by default as many as --config itself takes, so a lever
that enlarges images or batches has fewer steps. --jobs models train at the same time. A second call skips finished
models. Writes OUT/screening.json and OUT/screening.md.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from data_tools.commands.configurations import find_configuration
from data_tools.commands.parser import run_command
from data_tools.core.errors import InputError
from data_tools.core.printable import say_text
from data_tools.core.records import Dataset, Splits
from data_tools.files.atomic import write_json, write_text
from data_tools.files.dataset_folder import data_hash, read_dataset, require_splits, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import require_tables_place
from data_tools.judging.alignment import align
from data_tools.report.cells import number
from data_tools.report.markdown import pipes
from data_tools.splitting.deal import deal
from data_tools.training.selection import localization_scores
from detect.compare_detectors.budget import budget_of, settings_of
from detect.compare_detectors.cells import Cell, is_finished, settings_hash, spent
from detect.screening.design import Pair, effects, pairs_of
from detect.screening.levers import Lever, flags_of, read_levers
from detect.screening.training import train

HEADINGS = {"ap50": "box AP50", "auc": "AUC", "hit_rate": "hit rate", "ap": "box AP"}


@dataclass(frozen=True)
class Model:
    """One training of the design: its part, its levers and its cell."""

    part: int
    levers: tuple[str, ...]
    cell: Cell


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="detect.screening", description=__doc__, formatter_class=layout)
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with splits")
    parser.add_argument("--levers", type=Path, required=True, help="YAML file, see above")
    parser.add_argument("--config", default="standard", help="of detect.train: installed name or file")
    parser.add_argument("--megapixels", type=float, help="of training for each model; default: what --config takes")
    parser.add_argument("--jobs", type=int, default=1, help="models that train at the same time")
    parser.add_argument("--parts", type=int, default=4, help="of the images: 2, 4 or 8")
    parser.add_argument("--seed", type=int, default=0, help="of the parts and of every model")
    parser.add_argument("--out", type=Path, required=True, help="folder of the parts, the models and the table")
    parser.add_argument("--table", action="store_true", help="train nothing")
    return run_command(parser, _screen, argv)


def _screen(arguments: argparse.Namespace) -> int:
    if arguments.jobs < 1:
        raise InputError(f"--jobs {arguments.jobs}: at least 1")
    require_tables_place(arguments.out, ("screening.json", "screening.md"), "--out")
    config = find_configuration(arguments.config, "detect")
    levers = {lever.name: lever for lever in read_levers(arguments.levers, config)}
    design = pairs_of(len(levers), arguments.parts)
    parts = write_parts(read_dataset(arguments.data), arguments.data, arguments.parts, arguments.seed, arguments.out)
    models = plan(design, parts, levers, config, arguments.megapixels, arguments.seed, arguments.out)
    waiting = [model.cell for model in models if not is_finished(model.cell)]
    if not arguments.table:
        train(waiting, arguments.jobs)
    finished = [model for model in models if is_finished(model.cell)]
    if not finished:
        raise InputError(f"{arguments.out}: no finished model to judge")
    report = judge(models, design, tuple(levers))
    report |= {
        "megapixels": models[0].cell.identity["megapixels"],
        "levers": {name: lever.flags for name, lever in levers.items()},
    }
    table = to_markdown(report)
    say_text(table)
    write_json(arguments.out / "screening.json", report)
    write_text(arguments.out / "screening.md", table + "\n")
    return 1 if len(finished) < len(models) and not arguments.table else 0


def write_parts(dataset: Dataset, source: Path, parts: int, seed: int, out: Path) -> tuple[Path, ...]:
    """A dataset folder for each part, whose validation split it is, and whose train split the other parts are.

    Raises:
        InputError: no splits, too few groups, or other parts are there already.
    """
    group_by = require_splits(dataset, source).group_by
    samples = tuple(sorted((*dataset.split("train"), *dataset.split("val")), key=lambda sample: sample.image_id))
    groups = len({sample.group for sample in samples})
    if groups < parts:
        raise InputError(f"{source}: {groups} groups in train and val; --parts {parts} needs as many at least")
    dealt = deal(samples, (1 / parts,) * parts, seed)
    folders = []
    for place, val in enumerate(dealt):
        train = tuple(sorted(i for other, ids in enumerate(dealt) if other != place for i in ids))
        splits = Splits(seed, group_by, train, val, ())
        folder = out / "parts" / f"part_{place + 1}"
        if folder.exists():
            if read_dataset(folder).splits != splits:
                raise InputError(f"{folder}: made of other images or with another seed; give another --out")
        else:
            write_dataset(folder, replace(dataset, samples=samples, splits=splits))
        folders.append(folder)
    return tuple(folders)


def plan(
    design: Sequence[Pair],
    parts: Sequence[Path],
    levers: Mapping[str, Lever],
    config: Path,
    megapixels: float | None,
    seed: int,
    out: Path,
) -> tuple[Model, ...]:
    """Every model, the two of a pair one after the other."""
    models: list[Model] = []
    datasets = {part: read_dataset(part) for part in parts}
    hashes = {part: data_hash(one) for part, one in datasets.items()}
    plain = ("detect.train", "--config", str(config), "--data", str(parts[0]))
    if megapixels is None:
        megapixels = round(budget_of(settings_of(plain), datasets[parts[0]].split("train")).megapixels, 3)
    for pair in design:
        for on in pair.levers(tuple(levers)):
            data, folder = parts[pair.part], out / f"model_{len(models) + 1:02d}"
            flags = flags_of(levers, on)
            command = ("detect.train", "--config", str(config), "--data", str(data), *flags)
            settings = settings_of(command)
            identity = {"seed": seed, "megapixels": megapixels, "data_hash": hashes[data]}
            identity |= {"settings": settings_hash(settings)}
            command += ("--run", str(folder), "--fit.seed", str(seed))
            command += budget_of(settings, datasets[data].split("train")).flags(megapixels)
            label = f"{folder.name} ({', '.join(on) or 'no lever'})"
            cell = Cell(label, data, seed, folder, command, identity)
            models.append(Model(pair.part, on, cell))
    return tuple(models)


def judge(models: Sequence[Model], design: Sequence[Pair], levers: Sequence[str]) -> dict[str, Any]:
    """Each model's figures on its part, and each lever's effects; the effects are None until all models are there."""
    figures = [_figures(model.cell) if is_finished(model.cell) else None for model in models]
    effects_by_lever: dict[str, dict[str, Any]] = {name: {} for name in levers}
    for key in HEADINGS:
        values = [None if figure is None else figure[key] for figure in figures]
        of_key = effects(design, list(zip(values[::2], values[1::2], strict=True)), levers)
        for name, effect in of_key.items():
            effects_by_lever[name][key] = effect and asdict(effect)
    rows = [
        {"model": model.cell.folder.name, "part": model.part + 1, "levers": list(model.levers), "figures": figure}
        | {"steps": spent(model.cell)["steps"] if figure else None}
        for model, figure in zip(models, figures, strict=True)
    ]
    return {"schema": 1, "models": rows, "effects": effects_by_lever}


def _figures(cell: Cell) -> dict[str, float | None]:
    dataset = read_dataset(cell.data)
    samples = dataset.split("val")
    path, classes = cell.folder / "predictions" / "val.jsonl", len(dataset.categories)
    return localization_scores(samples, align(samples, read_predictions(path), str(path), classes), classes)


def to_markdown(report: Mapping[str, Any]) -> str:
    """The effects with their standard errors, and the models."""
    effects_of = [["lever", *HEADINGS.values()]]
    for name, figures in report["effects"].items():
        effects_of.append([name, *(_effect(figures[key]) for key in HEADINGS)])
    models = [["model", "part", "levers", "steps", *HEADINGS.values()]]
    for row in report["models"]:
        values = row["figures"] or dict.fromkeys(HEADINGS)
        about = [row["model"], str(row["part"]), ", ".join(row["levers"]) or "none", str(row["steps"] or "not trained")]
        models.append([*about, *(number(values[key], 3) for key in HEADINGS)])
    note = "Effects: with the lever minus without, mean over pairs of models ± standard error."
    return "\n\n".join([pipes(effects_of), note, pipes(models)])


def _effect(effect: Mapping[str, float] | None) -> str:
    return "n/a" if effect is None else f"{effect['mean']:+.3f} ± {effect['standard_error']:.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
