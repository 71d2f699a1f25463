"""The cells of the comparison: one training each of an approach with a seed, in a folder of its own."""

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import data_hash, read_json
from data_tools.files.runs import SERIES_MARK, read_manifest
from data_tools.training.interrupt import Stopped
from data_tools.training.metrics_file import METRICS, read_lines
from data_tools.training.run_series import finished_manifest, is_other, make_once
from detect.compare_detectors.budget import budget_of, environment, settings_of

log = logging.getLogger(__name__)

OURS = {"ours": "detect", "squeezed": "detect", "baseline": "classify"}
SQUEEZED = {"squeezed": "ours"}
"""Approaches that are another one with large images squeezed whole instead of seen in windows and slices, too."""
SINGLE_STAGE = ("single_stage", "single_stage_pretrained")
PEERS = ("torchvision", "torchvision_224", *SINGLE_STAGE)
APPROACHES = (*OURS, *PEERS)
DEFAULT_APPROACHES = tuple(name for name in APPROACHES if name not in SQUEEZED)
_WHOLE = ("--input.slices.side_px", "null")
_running: set[subprocess.Popen[bytes]] = set()


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        approach: of `APPROACHES`.
        data: dataset folder with splits.
        seed: of weights, order and augmentation.
        folder: a run folder, as `detect.evaluate --runs` takes it too.
        command: what trains it, without the interpreter.
        identity: what it was asked for; a finished cell counts only for the same.
    """

    approach: str
    data: Path
    seed: int
    folder: Path
    command: tuple[str, ...]
    identity: Mapping[str, Any]

    @property
    def fold(self) -> str:
        """Name of the dataset."""
        return _name_of(self.data)

    def __str__(self) -> str:
        return f"{self.approach} seed {self.seed} on {self.fold}"


def plan(
    approaches: Sequence[str],
    seeds: Sequence[int],
    datasets: Mapping[Path, Dataset],
    megapixels: float | None,
    out: Path,
    settings: Mapping[str, Sequence[str]],
) -> list[Cell]:
    """Every cell, all approaches of a seed and dataset before the next, so that a comparison cut short is even.

    Args:
        approaches: of `APPROACHES`.
        seeds: one training of each approach for each.
        datasets: with splits, by their folder: one, or the folds of a cross-validation.
        megapixels: that each training's network sees; None takes what ours would by its own settings.
        out: folder of the cells; of several datasets each has a folder of its name in it.
        settings: for "ours" and "baseline" the flags that say which, such as ("--recipe", "standard").

    Raises:
        InputError: an unknown approach, settings that are refused, or two datasets of one name.
    """
    unknown = sorted(set(approaches) - set(APPROACHES))
    if unknown:
        raise InputError(f"--approaches: {', '.join(unknown)}: not of {', '.join(APPROACHES)}")
    if len({_name_of(one) for one in datasets}) < len(datasets):
        raise InputError("--data: two of the folders have one name, which their cells' folders would share")
    kinds = {one: _kinds(approaches, one, dataset, megapixels, settings) for one, dataset in datasets.items()}
    cells = []
    for seed in seeds:
        for one, of_approach in kinds.items():
            folder = out if len(datasets) == 1 else out / _name_of(one)
            cells += [
                _cell(kind, one, seed, folder / approach / f"seed{seed}") for approach, kind in of_approach.items()
            ]
    return cells


def _name_of(data: Path) -> str:
    return data.resolve().name


@dataclass(frozen=True)
class _Kind:
    """What the seeds of an approach on a dataset share: the training's words, and what it is asked for."""

    approach: str
    words: tuple[str, ...]
    seed_flag: str
    identity: Mapping[str, Any]


def _kinds(
    approaches: Sequence[str],
    data: Path,
    dataset: Dataset,
    megapixels: float | None,
    settings: Mapping[str, Sequence[str]],
) -> dict[str, _Kind]:
    samples, digest = dataset.split("train"), data_hash(dataset)
    asked = {name for name in approaches if name in OURS} | ({"ours"} if megapixels is None else set())
    asked |= {SQUEEZED[name] for name in asked & SQUEEZED.keys()}
    words = {name: (f"{OURS[name]}.train", *_words(name, settings), "--data", str(data)) for name in sorted(asked)}
    values = {name: settings_of(of_name) for name, of_name in words.items()}
    for name in asked & SQUEEZED.keys():
        if values[SQUEEZED[name]]["input"]["slices"]["side_px"] is None:
            raise InputError(f"--approaches {name}: {SQUEEZED[name]} sees the images of {data} whole anyway")
    budgets = {name: budget_of(of_name, samples) for name, of_name in values.items()}
    shared = round(budgets["ours"].megapixels if megapixels is None else megapixels, 3)
    kinds = {}
    for approach in approaches:
        identity = {"approach": approach, "megapixels": shared, "data_hash": digest}
        if approach in OURS:
            identity |= {"settings": settings_hash(values[approach])}
            kind = _Kind(approach, (*words[approach], *budgets[approach].flags(shared)), "--fit.seed", identity)
        else:
            peer = ("--approach", approach, "--megapixels", str(shared), "--data", str(data))
            kind = _Kind(approach, ("detect.compare_detectors.peer", *peer), "--seed", identity)
        kinds[approach] = kind
    return kinds


def _words(approach: str, settings: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The flags of one of ours that say which settings."""
    if approach in SQUEEZED:
        return (*settings[SQUEEZED[approach]], *_WHOLE)
    return tuple(settings[approach])


def _cell(kind: _Kind, data: Path, seed: int, folder: Path) -> Cell:
    words = (*kind.words, "--run", str(folder), kind.seed_flag, str(seed))
    return Cell(kind.approach, data, seed, folder, words, {**kind.identity, "seed": seed})


def is_finished(cell: Cell) -> bool:
    """Whether the cell has been trained, as it is asked for now.

    Raises:
        InputError: it was trained, or begun, with other data, budget or settings.
    """
    path = cell.folder / SERIES_MARK
    if path.is_file() and is_other(read_json(path), cell.identity):
        raise InputError(f"{cell.folder}: was trained with other data, budget or settings; give another --out")
    return finished_manifest(cell.folder) is not None


def run(cell: Cell, threads: int | None = None) -> None:
    """Train a cell. One of ours that was interrupted after a checkpoint goes on; any other begins again.

    Args:
        cell: which one.
        threads: of the training; None takes what it takes by itself.

    Raises:
        InputError: the training refused its input; its message stands on stderr.
        Stopped: the training was asked to stop.
        CalledProcessError: it failed otherwise.
    """
    make_once(cell.folder, dict(cell.identity), "--out", lambda resume: _train(cell, threads, resume))
    if not is_finished(cell):  # a training that is stopped on request leaves with status 0
        raise Stopped(f"{cell}: stopped before its end; the same command goes on")


def _train(cell: Cell, threads: int | None, resume: bool) -> None:
    command = [sys.executable, "-m", *cell.command, *(["--resume"] if resume else [])]
    told = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    status = _status_of(command, environment() | told)
    if status == 2:
        raise InputError(f"{cell}: refused; see the message above")
    if status:
        raise subprocess.CalledProcessError(status, command)


def _status_of(command: Sequence[str], environment_: Mapping[str, str]) -> int:
    """Run a training; what ends this process lets the training save its state, and waits for that."""
    with subprocess.Popen(command, stdout=sys.stderr, env=environment_) as training:
        _running.add(training)
        try:
            return training.wait()
        except BaseException:
            training.terminate()
            training.wait()
            raise
        finally:
            _running.discard(training)


def ask_to_stop() -> None:
    """Ask the trainings that other threads wait for to save their state and end."""
    for training in tuple(_running):
        training.terminate()


def spent(cell: Cell) -> dict[str, float | None]:
    """What a finished cell's training took: megapixels seen, optimizer steps, minutes."""
    result = read_manifest(cell.folder).group("result")
    steps = result.optional_number("steps", 0) if "steps" in result else None
    lines = read_lines(cell.folder / METRICS) if steps is None and (cell.folder / METRICS).is_file() else []
    return {
        "megapixels": cell.identity["megapixels"],
        "steps": lines[-1]["step"] if lines else steps,
        "minutes": result.number("training_minutes", 0),
    }


def settings_hash(settings: Mapping[str, Any]) -> str:
    """What tells two trainings' settings apart in a cell's identity; where their data and run lie does not."""
    told = {name: value for name, value in settings.items() if name not in ("data", "run", "resume", "images")}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:12]
