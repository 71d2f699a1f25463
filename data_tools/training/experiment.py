"""One training run: the data it opens, and the run folder it fills."""

import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from data_tools.core.errors import InputError
from data_tools.core.records import SPLIT_NAMES, Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.files.atomic import recover_folder, replaced, write_json
from data_tools.files.checkpoint_files import BEST, LAST, WEIGHTS
from data_tools.files.checksums import sha256
from data_tools.files.dataset_folder import data_hash, images_root_of, read_dataset, require_splits
from data_tools.files.predictions import write_predictions
from data_tools.files.run_config import CONFIG, write_settings
from data_tools.files.run_lock import refuse_if_in_use, sole_process
from data_tools.files.runs import (
    CHECKSUMS,
    MANIFEST,
    PREDICTING,
    TEMPLATES,
    is_unfinished,
    read_manifest,
    require_seal,
    sealed,
)
from data_tools.files.templates import PairReader, Templates, templates_of
from data_tools.loading import learned_sizes
from data_tools.loading.image_inputs import PixelReader, reader_of
from data_tools.loading.readable import require_readable
from data_tools.splitting.deal import take_share
from data_tools.training import processes
from data_tools.training.fit import FitResult, require_fit, seed_everything
from data_tools.training.fit_config import FitConfig
from data_tools.training.metrics_file import METRICS
from data_tools.training.recipe import Plan

_PACKAGES = ("torch", "torchvision", "timm", "accelerate", "albumentations", "numpy")


@dataclass(frozen=True)
class Experiment:
    """One training run: what it reads and where it writes.

    Attributes:
        approach: "detect" or "classify".
        folder: the run folder.
        data: the dataset folder, with its content in `dataset` and its images under `root`.
        manifest: what is known at the start; `finish` adds the rest.
        is_resumed: whether it goes on with a run that had begun.
        templates: of its images; None where it has none.
    """

    approach: str
    folder: Path
    data: Path
    dataset: Dataset
    root: Path
    manifest: dict[str, Any] = field(default_factory=dict)
    is_resumed: bool = False
    templates: Templates | None = None

    @property
    def pixels(self) -> Path | PixelReader:
        """Where samples are read from: the folder of the images, or what reads them with their templates."""
        return self.root if self.templates is None else PairReader(reader_of(self.root), self.templates.read)

    def learned_from(self, fit: FitConfig) -> list[Sample]:
        """The images of the train split that are learned from."""
        return list(take_share(self.dataset.split("train"), fit.train_share, fit.seed))


@contextmanager
def open_experiment(
    approach: str,
    given: Dataset | Path | str,
    folder: Path | None,
    fit: FitConfig,
    require: Callable[[Dataset], None],
    resume: bool = False,
    templates: Path | None = None,
) -> Iterator[Experiment]:
    """Open data and run folder as the only process in there, and seed everything.

    Nothing but a lock is written: a new run's files come with `begin`, after everything that may be refused. So what is
    refused, ended by Ctrl-C or killed until then leaves no run, and the same command may be given again. A resumed
    run's config.yaml and manifest stay as they are.

    Args:
        approach: "detect" or "classify".
        given: a dataset that was read from a folder, or that folder; it needs splits.
        folder: run folder; None makes runs/<approach>-<time>.
        fit: settings of the fit loop.
        require: raises `InputError` where the approach cannot learn from the dataset, whose splits are there.
        resume: go on with the run in `folder`, with its settings.
        templates: folder of a template for each image; None for none.

    Raises:
        InputError: unusable data, images or templates, a run folder that is in use, a batch that the processes cannot
            share, or settings that this machine cannot follow.
    """
    require_fit(fit)
    if fit.batch_size % processes.count():
        raise InputError(
            f"fit.batch_size {fit.batch_size} is what all {processes.count()} processes share a step: "
            f"give a multiple of {processes.count()}"
        )
    place = processes.on_main(lambda: run_folder(approach, folder, resume))
    dataset = opened(given)
    assert dataset.folder is not None
    data = dataset.folder
    root = images_root_of(dataset, data)
    require_splits(dataset, data)
    require(dataset)
    processes.on_main(lambda: require_readable(dataset, root))
    pairs = None
    if templates is not None:
        pairs = processes.on_main(partial(templates_of, dataset, root, templates.resolve()))
    with ExitStack() as held:

        def enter() -> dict[str, Any]:
            held.enter_context(sole_process(place))
            _require_fitting(place, resume)  # again, now that nobody else can change the answer
            known = data, data_hash(dataset)
            begun = _taken_up(approach, place, *known) if resume else _manifest(approach, *known, fit.seed)
            return begun if pairs is None else begun | {TEMPLATES: str(pairs.folder)}

        manifest = processes.on_main(enter)
        seed_everything(fit.seed)
        yield Experiment(approach, place, data, dataset, root, manifest, resume, pairs)


def begin(experiment: Experiment, settings: Any, decided: Plan | None = None) -> None:
    """Write a new run's config.yaml and manifest, after everything that may be refused; the main process does.

    Args:
        experiment: opened; where it is resumed nothing is written.
        settings: a dataclass with all settings.
        decided: what they come from, whose reasons are noted above them.
    """
    if not experiment.is_resumed:
        processes.on_main(lambda: _write_first_files(experiment, settings, decided))


def save_predictions(
    experiment: Experiment, config: dict[str, Any], split: str, predictions: Sequence[Prediction]
) -> None:
    """Write the best checkpoint's predictions of a split into the run folder; the main process does."""
    if not processes.is_main():
        return
    header = PredictionHeader(f"{experiment.approach}: {experiment.folder.name}", config, "best", split)
    path = experiment.folder / "predictions" / f"{split}.jsonl"
    write_predictions(path, PredictionSet(header, tuple(predictions)))


@contextmanager
def timed(experiment: Experiment, split: str) -> Iterator[None]:
    """Note in the manifest how long the images of a split take, reading and decoding included."""
    began = time.perf_counter()
    yield
    taken = {"seconds": round(time.perf_counter() - began, 3), "images": len(experiment.dataset.split(split))}
    experiment.manifest.setdefault(PREDICTING, {})[split] = taken


def finish(experiment: Experiment, result: FitResult, extra: dict[str, Any]) -> None:
    """Complete the manifest, which marks the run as finished; the main process does."""
    if not processes.is_main():
        return
    outcome = {
        "epochs": result.epochs,
        "top_epoch": result.top_epoch,
        "best_epoch": result.best_epoch,
        "best": dict(result.best),
        "training_minutes": round(result.minutes, 2),
        "boxes_lost_in_augmentation": result.boxes_lost,
    }
    finished = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "resumed": sorted({*experiment.manifest.get("resumed", ()), *result.resumed}),
        "result": outcome,
        learned_sizes.KEY: learned_sizes.sizes_of(experiment.dataset.split("train")).to_json(),
        CHECKSUMS: experiment.manifest.get(CHECKSUMS, {}) | _checksums(experiment.folder, *_made(experiment.folder)),
    }
    write_json(experiment.folder / MANIFEST, sealed(experiment.manifest | finished | extra))


def opened(data: Dataset | Path | str) -> Dataset:
    """The dataset that a training function was given.

    Raises:
        InputError: a folder that holds none, or a dataset that was made in memory.
    """
    dataset = data if isinstance(data, Dataset) else read_dataset(data)
    if dataset.folder is None:
        raise InputError("the dataset was made in memory; write it with data_tools.write_dataset and read it again")
    return dataset


def run_folder(approach: str, folder: Path | None, resume: bool) -> Path:
    """The folder to fill, checked before any data is touched.

    Raises:
        InputError: it holds a run already, or none that could be resumed, or another process's.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    place = folder or Path(f"runs/{approach}-{stamp}")
    refuse_if_in_use(place)
    _require_fitting(place, resume)
    return place


def _require_fitting(place: Path, resume: bool) -> None:
    """Refuse a folder that holds a run already, or none that could be resumed."""
    if resume and not (place / MANIFEST).is_file():
        raise InputError(
            f"{place}: nothing to resume, as no run has begun there; leave out --resume, or give the run folder of a "
            "started run with --run"
        )
    if not resume and (place / MANIFEST).exists() and not _is_only_begun(place):
        raise InputError(f"{place}: holds a run already; add --resume, or give another folder with --run")


def _is_only_begun(place: Path) -> bool:
    """Whether the run there ended before its first checkpoint, for want of memory or by a learning rate too high.

    It can be resumed, and has nothing to lose if another begins in its place, with settings that do better.
    """
    last, best = place / LAST, place / BEST
    made = (last, best, replaced(last), replaced(best), place / METRICS)
    return not any(path.exists() for path in made) and is_unfinished(place)


def _write_first_files(experiment: Experiment, settings: Any, decided: Plan | None) -> None:
    """The manifest comes last, because it makes the folder a run, of which config.yaml is a part."""
    place = experiment.folder
    (place / MANIFEST).unlink(missing_ok=True)  # of a run that had only begun
    templates = None if experiment.templates is None else experiment.templates.folder
    write_settings(place, settings, experiment.data, templates, "" if decided is None else decided.describe())
    experiment.manifest[CHECKSUMS] = _checksums(place, CONFIG)
    write_json(place / MANIFEST, experiment.manifest)


def _checksums(place: Path, *names: str) -> dict[str, str]:
    return {name: sha256(place / name) for name in names}


def _made(place: Path) -> list[str]:
    """The files of a finished run that the manifest vouches for; heat maps are bound to their predictions."""
    predictions = (f"predictions/{split}.jsonl" for split in SPLIT_NAMES[1:])
    return [f"{BEST}/{WEIGHTS}", *(name for name in predictions if (place / name).is_file())]


def _taken_up(approach: str, place: Path, data: Path, digest: str) -> dict[str, Any]:
    """The manifest of a run that goes on, and its folder as a killed process should have left it.

    Raises:
        InputError: a damaged manifest, a run of another approach or on other data, or a finished run without `last/`.
    """
    manifest = read_manifest(place)
    manifest.choice("approach", (approach,))
    if manifest.text("data_hash") != digest:
        raise InputError(f"{place}: was started on other annotations or splits than {data} holds now")
    require_seal(place)
    for name in (LAST, BEST):
        recover_folder(place / name)
    if manifest.values.get("finished") and not (place / LAST).is_dir():
        raise InputError(f"{place}: is finished, and without {LAST}/ it cannot be taken up; predict and evaluate work")
    return dict(manifest.values) | {"data": str(data.resolve())}


def _manifest(approach: str, data: Path, digest: str, seed: int) -> dict[str, Any]:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "schema": 1,
        "approach": approach,
        "data": str(data.resolve()),
        "data_hash": digest,
        "seed": seed,
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "finished": None,
        "device": device,
        "threads": torch.get_num_threads(),
        "processes": processes.count(),
        "versions": {name: _version(name) for name in _PACKAGES} | {"python": platform.python_version()},
        "git": _git_commit(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the working tree this package runs from, if it runs from one."""
    here = Path(__file__).resolve().parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
