"""What is to be judged, from run folders or from files of predictions."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.printable import printable
from data_tools.core.records import Dataset, PredictionSet
from data_tools.files.checksums import mark
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.runs import (
    APPROACHES,
    Run,
    approaches_of,
    newest_runs,
    read_run,
    require_data,
    require_predictions_of,
    require_seal,
)
from data_tools.judging.judged import Entry

log = logging.getLogger(__name__)

NONE = "-"
"""Stands in a list of files for one that there is not."""


@dataclass(frozen=True)
class JudgingInput:
    """What is to be judged: the runs, the truth and the split."""

    entries: tuple[Entry, ...]
    dataset: Dataset
    split: str


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


def open_runs(runs: Sequence[Run], data: str | None, split: str) -> JudgingInput:
    """Read the runs' predictions and their common dataset.

    Raises:
        InputError: runs on different data, data that has changed since, or missing or damaged predictions.
    """
    folder = Path(data) if data else require_data(runs[0].data, runs[0].folder)
    dataset = read_dataset(folder)
    current = data_hash(dataset)
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
        require_seal(run.folder)
        for name in dict.fromkeys((split, "val")):
            require_predictions_of(run, name)
    labels = _unique([run.folder.resolve() for run in runs])
    entries = []
    for run, label, approach in zip(runs, labels, approaches_of(runs, labels), strict=True):
        entry = entry_of(label, run.predictions(split), run.predictions("val"), approach)
        proposals, milliseconds = _read_if_there(run.proposals(split)), run.milliseconds.get(split)
        entries.append(replace(entry, proposals=proposals, ms_per_image=milliseconds))
    return JudgingInput(tuple(entries), dataset, split)


def open_files(paths: Sequence[Path], data: Path, split: str) -> JudgingInput:
    """Read PredictionSets and the dataset that holds the truth.

    Raises:
        InputError: a file that is missing or malformed, or a split that the dataset does not have.
    """
    dataset = read_dataset(data)
    if dataset.splits is None and split != "all":
        raise InputError(f"{data}: has no splits; judge it with --split all")
    labels = _unique([path.resolve().with_suffix("") for path in paths])
    entries = tuple(entry_of(label, path) for path, label in zip(paths, labels, strict=True))
    return JudgingInput(entries, dataset, split)


def entry_of(label: str, path: Path, validation: Path | None = None, approach: str | None = None) -> Entry:
    """The entry of a file of predictions, with those for validation where there is such a file.

    Raises:
        InputError: a file that is missing or malformed.
    """
    entry = Entry(label, read_predictions(path), approach=approach, source={"predictions": mark(path)})
    return _with_validation(entry, validation) if validation is not None and validation.is_file() else entry


def _with_validation(entry: Entry, path: Path) -> Entry:
    return replace(entry, validation=read_predictions(path), source={**entry.source, "validation": mark(path)})


def with_companions(
    entries: Sequence[Entry],
    validation: Sequence[str] | None = None,
    proposals: Sequence[str] | None = None,
    approaches: Sequence[str] | None = None,
) -> tuple[Entry, ...]:
    """The entries with what goes with each, in the same order; nothing changes where a list is not given.

    Args:
        entries: runs or files.
        validation: files of their predictions for the validation split, or `NONE`.
        proposals: files of their region proposals, or `NONE`.
        approaches: a name for each; equal names are seeds of one approach.

    Raises:
        InputError: not as many as there are entries, or a file that is missing or malformed.
    """
    given = {"validation": validation, "proposals": proposals, "approaches": approaches}
    for flag, values in given.items():
        if values and len(values) != len(entries):
            raise InputError(f"--{flag}: {len(values)} given for {len(entries)} runs or files; give one for each")
    changed = list(entries)
    for i, entry in enumerate(changed):
        if validation and validation[i] != NONE:
            entry = _with_validation(entry, Path(validation[i]))
        if proposals and proposals[i] != NONE:
            entry = replace(entry, proposals=read_predictions(Path(proposals[i])))
        changed[i] = replace(entry, approach=approaches[i]) if approaches else entry
    return tuple(changed)


def _read_if_there(path: Path) -> PredictionSet | None:
    return read_predictions(path) if path.is_file() else None


def _unique(paths: Sequence[Path]) -> list[str]:
    """The shortest trailing parts of the paths that tell them apart; a number where the paths are equal."""
    for depth in range(1, 5):
        labels = [printable("/".join(path.parts[-depth:])) for path in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{printable(path.name)} ({number})" for number, path in enumerate(paths, start=1)]
