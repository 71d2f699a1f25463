"""Runs that belong to one command, each made once: what is finished is skipped, what was interrupted is taken up."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.atomic import recover_folder, write_json
from data_tools.files.checkpoint_files import BEST, LAST
from data_tools.files.dataset_folder import read_json
from data_tools.files.run_lock import LOCK, sole_process
from data_tools.files.runs import MANIFEST, SERIES_MARK, read_manifest
from data_tools.training.interrupt import Stopped

_REFUSED: dict[str, Any] = {}  # the mark of a folder in which no run has begun


def require_same(folder: Path, identity: dict[str, Any], flag: str) -> None:
    """Refuse a folder that holds something else than this run; to be called for all runs before any is made.

    Args:
        folder: of the run, which may not exist yet.
        identity: what makes two runs the same, in JSON values; where its data lie does not, they may be moved.
        flag: of the command, that names another folder.

    Raises:
        InputError: the run there was made with another identity, or the folder holds no run of this series.
    """
    path = folder / SERIES_MARK
    if not path.is_file():
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: holds something else; give another folder with {flag}")
        return
    if is_other(read_json(path), identity):
        raise InputError(f"{folder}: was trained with other settings or data; give another folder with {flag}")


def finished_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished run; None where there is none.

    Raises:
        InputError: a damaged manifest.
    """
    if not (folder / MANIFEST).is_file():
        return None
    manifest = dict(read_manifest(folder).values)
    return manifest if manifest.get("finished") else None


def make_once(folder: Path, identity: dict[str, Any], flag: str, train: Callable[[bool], object]) -> bool:
    """Make a run unless it is finished, and say whether that was needed.

    Args:
        folder: of the run. A run of this series that stopped before its first checkpoint is removed; where one
            was refused before it began, other settings may follow.
        identity: see `require_same`.
        flag: likewise.
        train: makes the run; its argument says whether to go on from the last checkpoint. What it prints goes to
            stderr, because the result of the series is what the command prints.

    Raises:
        InputError: see `require_same`, or another process makes this run.
        Stopped: it was asked to stop, and its state is saved; the message says how the series goes on.
    """
    require_same(folder, identity, flag)
    is_first = not (folder / SERIES_MARK).is_file() or read_json(folder / SERIES_MARK) == _REFUSED
    if finished_manifest(folder) is not None:
        return False
    with sole_process(folder):
        for name in (LAST, BEST):
            recover_folder(folder / name)
        resume = (folder / LAST).is_dir()
        if not resume:
            _clear(folder)
        write_json(folder / SERIES_MARK, identity)
    try:
        with redirect_stdout(sys.stderr):
            train(resume)
    except Stopped as stopped:
        raise Stopped(f"{folder}: stopped before its end; the same command goes on") from stopped
    except InputError:
        if is_first and not (folder / MANIFEST).exists():
            write_json(folder / SERIES_MARK, _REFUSED)
        raise
    return True


def is_other(mark: Any, identity: Mapping[str, Any]) -> bool:
    """Whether a folder's mark is of another run than this one, wherever the data of either lie."""
    return bool(mark != _REFUSED and _without_places(mark) != _without_places(json.loads(json.dumps(identity))))


def _without_places(identity: Any) -> Any:
    """An identity without the folders that its settings name, as a study's mark does."""
    settings = identity.get("settings") if isinstance(identity, dict) else None
    if not isinstance(settings, dict):
        return identity
    return identity | {"settings": {key: value for key, value in settings.items() if key not in ("data", "run")}}


def _clear(folder: Path) -> None:
    """Remove what lies in a folder; the lock under which that is done stays."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
