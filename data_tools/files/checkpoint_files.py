"""The files of a run's checkpoints, `last/` and `best/`: their checksums, and what can stand in for a damaged one.

Each folder holds `sha256.json` with the SHA-256 of every other file. Folders without it, of version 0.1, are taken as
they are.
"""

from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.atomic import write_json
from data_tools.files.checksums import sha256
from data_tools.files.json_object import read_object
from data_tools.files.regular import reason_against_reading
from data_tools.files.runs import MANIFEST, is_exchanged, read_manifest, require_seal

LAST, BEST = "last", "best"
STATE, WEIGHTS, AVERAGE = "state.json", "model.safetensors", "average.safetensors"
CHECKSUMS = "sha256.json"


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every other file in a folder to its sha256.json."""
    others = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS)
    write_json(folder / CHECKSUMS, {path.name: sha256(path) for path in others})


def require_whole(path: Path) -> None:
    """Refuse a file of a checkpoint that is not as it was written.

    Raises:
        InputError: missing, unreadable or changed; the message names the file and what can be used in its place.
    """
    reason = _damage(path)
    if reason is not None:
        raise InputError(f"{path}: {reason}{instead_of(path.parent)}")


def best_weights(run: Path) -> Path:
    """The weights of a run's best checkpoint: as they were written, and as the run's manifest has them.

    Raises:
        InputError: no run, missing, damaged or exchanged weights, or a manifest that was changed since.
    """
    path = run / BEST / WEIGHTS
    require_whole(path)
    if is_exchanged(run, f"{BEST}/{WEIGHTS}"):
        raise InputError(
            f"{path}: does not match its checksum in {MANIFEST}: not the weights that this run ended with"
            f"{instead_of(path.parent)}"
        )
    require_seal(run)
    return path


def instead_of(damaged: Path) -> str:
    """Where to turn if a checkpoint folder is damaged, as the end of a message; empty where there is nothing whole."""
    run, other = damaged.parent, damaged.parent / (BEST if damaged.name == LAST else LAST)
    if damaged.name not in (LAST, BEST) or not (other / CHECKSUMS).is_file() or _first_damage(other) is not None:
        return ""
    try:
        state = read_object(other / STATE)
        finished = read_manifest(run).values.get("finished")
    except InputError:
        return ""
    whole = f"; {other} (epoch {state.values.get('epoch')}) is whole"
    if damaged.name == LAST and finished:
        return f"{whole}: the run is finished, and predict and evaluate need no more"
    if damaged.name == LAST:
        return f"{whole}: a new run can start from it with --model.weights {other / WEIGHTS}"
    if is_of_best_epoch(state):
        return f"{whole} and of the same epoch: --run {run} --resume makes {damaged} anew from it"
    return f"{whole}: a new run can start from it with --model.weights {other / AVERAGE}"


def is_of_best_epoch(state: Fields) -> bool:
    """Whether the state of `last/` is that of the epoch in `best/`, so that its averaged weights are the best ones."""
    return state.values.get("step_in_epoch") == 0 and state.values.get("best_epoch") == state.values.get("epoch")


def _first_damage(folder: Path) -> str | None:
    """What is wrong with the first damaged file of a checkpoint that has checksums."""
    try:
        names = read_object(folder / CHECKSUMS).values
    except InputError as error:
        return str(error)
    return next((reason for name in names if (reason := _damage(folder / name)) is not None), None)


def _damage(path: Path) -> str | None:
    """Why a file of a checkpoint is not as it was written; None where it is, or where there are no checksums."""
    reason = reason_against_reading(path)
    checksums = path.parent / CHECKSUMS
    if reason is not None or not checksums.exists():
        return reason
    expected = read_object(checksums)
    if path.name not in expected:
        return f"is not among the files of {checksums}"
    return None if sha256(path) == expected.text(path.name) else f"does not match its checksum in {checksums}: damaged"
