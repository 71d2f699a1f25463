"""The cells of the comparison: one training each of an approach with a seed, in a folder of its own."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.commands.configurations import find_configuration, resolve
from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import data_hash
from data_tools.files.runs import SERIES_MARK, read_manifest
from data_tools.training.metrics_file import METRICS, read_lines
from data_tools.training.run_series import finished_manifest, make_once

log = logging.getLogger(__name__)

OURS = {"ours": "detect", "baseline": "classify"}
SINGLE_STAGE = ("single_stage", "single_stage_pretrained")
PEERS = ("torchvision", "torchvision_224", *SINGLE_STAGE)
APPROACHES = (*OURS, *PEERS)
ROOT = Path(__file__).resolve().parents[2]  # where our packages lie, in a checkout or installed
_ENDLESS = 100_000


@dataclass(frozen=True)
class TimedRun:
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
    data: Sequence[Path],
    minutes: Mapping[str, float],
    out: Path,
    configs: Mapping[str, str],
) -> list[TimedRun]:
    """Every cell, all approaches of a seed and dataset before the next, so that a comparison cut short is even.

    Args:
        approaches: of `APPROACHES`.
        seeds: one training of each approach for each.
        data: dataset folders with splits: one, or the folds of a cross-validation.
        minutes: of each approach's training, validation included and the final predictions not.
        out: folder of the cells; of several datasets each has a folder of its name in it.
        configs: for "ours" and "baseline" the name of an installed configuration or a file.

    Raises:
        InputError: an unknown approach or configuration, or two datasets of one name.
    """
    unknown = sorted(set(approaches) - set(APPROACHES))
    if unknown:
        raise InputError(f"--approaches: {', '.join(unknown)}: not of {', '.join(APPROACHES)}")
    if len({_name_of(one) for one in data}) < len(data):
        raise InputError("--data: two of the folders have one name, which their cells' folders would share")
    cells = []
    for seed in seeds:
        for one in data:
            folder = out if len(data) == 1 else out / _name_of(one)
            cells += [
                _cell(approach, one, seed, minutes[approach], folder / approach / f"seed{seed}", configs)
                for approach in approaches
            ]
    return cells


def _name_of(data: Path) -> str:
    return data.resolve().name


def _cell(approach: str, data: Path, seed: int, minutes: float, folder: Path, configs: Mapping[str, str]) -> TimedRun:
    identity = {"approach": approach, "seed": seed, "minutes": minutes, "data_hash": data_hash(data)}
    common = ("--data", str(data), "--run", str(folder))
    if approach in OURS:
        package, config = OURS[approach], find_configuration(configs[approach], OURS[approach])
        identity |= {"config": config_hash(package, config)}
        command = (f"{package}.train", "--config", str(config), *common, *budget_flags(minutes, seed))
    else:
        peer = ("--approach", approach, "--minutes", str(minutes), "--seed", str(seed))
        command = ("detect.compare_detectors.peer", *peer, *common)
    return TimedRun(approach, data, seed, folder, command, identity)


def is_finished(cell: TimedRun) -> bool:
    """Whether the cell has been trained, as it is asked for now.

    Raises:
        InputError: it was trained, or begun, with other data, minutes or configuration.
    """
    path = cell.folder / SERIES_MARK
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != cell.identity:
        raise InputError(f"{cell.folder}: was trained with other data, minutes or configuration; give another --out")
    return finished_manifest(cell.folder) is not None


def run(cell: TimedRun) -> None:
    """Train a cell. One of ours that was interrupted after a checkpoint goes on; any other begins again.

    Raises:
        InputError: the training refused its input; its message stands on stderr.
        CalledProcessError: it failed otherwise.
    """
    make_once(cell.folder, dict(cell.identity), "--out", lambda resume: _train(cell, resume))
    if not is_finished(cell):  # a training that is stopped on request leaves with status 0
        raise InputError(f"{cell}: stopped before its end; the same command goes on")


def _train(cell: TimedRun, resume: bool) -> None:
    command = [sys.executable, "-m", *cell.command, *(["--resume"] if resume else [])]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(command, stdout=sys.stderr, env=os.environ | {"PYTHONPATH": paths}, check=False)
    if done.returncode == 2:
        raise InputError(f"{cell}: refused; see the message above")
    done.check_returncode()


def spent(folder: Path) -> dict[str, float | None]:
    """What a finished cell did with its time: minutes of training, and optimizer steps."""
    result = read_manifest(folder).group("result")
    steps = result.optional_number("steps", 0) if "steps" in result else None
    lines = read_lines(folder / METRICS) if steps is None and (folder / METRICS).is_file() else []
    return {"minutes": result.number("training_minutes", 0), "steps": lines[-1]["step"] if lines else steps}


def budget_flags(minutes: float, seed: int) -> tuple[str, ...]:
    """Flags of a training of ours that the time alone ends, whether the budget is short or long."""
    return ("--fit.max_minutes", str(minutes), "--fit.epochs", str(_ENDLESS), "--fit.seed", str(seed))


def config_hash(package: str, config: Path) -> str:
    """What tells two configurations, with their bases, apart in a cell's identity."""
    return hashlib.sha256(json.dumps(resolve(str(config), package), sort_keys=True).encode()).hexdigest()[:12]
