"""Runs that belong to one command, each made once: what is finished is skipped, what was interrupted is taken up."""

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import read_json
from data_tools.files.runs import MANIFEST, SERIES_MARK, read_manifest


def require_same(folder: Path, identity: dict[str, Any], flag: str) -> None:
    """Refuse a folder that holds something else than this run; to be called for all runs before any is made.

    Args:
        folder: of the run, which may not exist yet.
        identity: what makes two runs the same, in JSON values.
        flag: of the command, that names another folder.

    Raises:
        InputError: the run there was made with another identity, or the folder holds no run of this series.
    """
    path = folder / SERIES_MARK
    if not path.is_file():
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: holds something else; give another folder with {flag}")
    elif read_json(path) != json.loads(json.dumps(identity)):
        raise InputError(f"{folder}: was trained with other settings or data; give another folder with {flag}")


def finished_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a finished run; None where there is none.

    Raises:
        InputError: a damaged manifest.
    """
    if not (folder / MANIFEST).is_file():
        return None
    manifest = read_manifest(folder)
    return manifest if manifest.get("finished") else None


def make_once(folder: Path, identity: dict[str, Any], flag: str, train: Callable[[bool], object]) -> bool:
    """Make a run unless it is finished, and say whether that was needed.

    Args:
        folder: of the run. A run of this series that stopped before its first checkpoint is removed.
        identity: see `require_same`.
        flag: likewise.
        train: makes the run; its argument says whether to go on from the last checkpoint. What it prints goes to
            stderr, because the result of the series is what the command prints.

    Raises:
        InputError: see `require_same`.
    """
    require_same(folder, identity, flag)
    if finished_manifest(folder) is not None:
        return False
    resume = (folder / "last").is_dir()
    if folder.exists() and not resume:
        shutil.rmtree(folder)
    write_json(folder / SERIES_MARK, identity)
    with redirect_stdout(sys.stderr):
        train(resume)
    return True
