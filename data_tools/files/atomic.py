"""Outputs that appear whole or not at all: write under a temporary name, flush to disk, rename, flush the folder."""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError

_KEPT, _KEPT_SUFFIX = 40, 16


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed to disk and renamed to `path`.

    After an exception the temporary file is removed and whatever stood at `path` before is untouched.

    Raises:
        InputError: a folder stands at `path`, or nothing can be written there.
    """
    path = Path(path)
    with _in_words(path):
        if path.is_dir():
            raise InputError(f"{path}: is a folder, so no file can be written there")
        path.parent.mkdir(parents=True, exist_ok=True)
        # only the start of a long name, which together with what is added would be longer than a name may be
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name[:_KEPT]}.", suffix=path.suffix[:_KEPT_SUFFIX]
        )
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())
        _rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `folder`; on a clean exit it takes the place of `folder`.

    After an exception the temporary folder is removed and `folder` is untouched.

    Raises:
        InputError: nothing can be written there.
    """
    folder = Path(folder)
    with _in_words(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        yield temporary
        for inside in (*temporary.rglob("*"), temporary):
            if not inside.is_symlink():
                _flush(inside)
        temporary.chmod(0o777 & ~_umask())
        _swap_in(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8, newlines as given) to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write strict JSON to `path`, atomically.

    Raises:
        ValueError: `value` holds NaN or an infinity, which JSON does not have.
    """
    write_text(path, json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False) + "\n")


def recover_folder(folder: Path) -> None:
    """Put right what a process that was killed inside `atomic_folder(folder)` left behind.

    A folder that was just being replaced comes back as it was before, and temporary folders beside it are removed. Not
    to be called while another process writes the same folder.
    """
    old = _old(folder)
    if old.exists() and not folder.exists():
        _rename(old, folder)
    for rest in _rests(folder):
        shutil.rmtree(rest, ignore_errors=True)


def recover_file(path: Path) -> None:
    """Remove what a process that was killed inside `atomic_path(path)` left behind.

    Not to be called while another process writes the same file.
    """
    for rest in _rests(path):
        rest.unlink(missing_ok=True)


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say why nothing can be written at `path`, as an error of the user's."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _swap_in(temporary: Path, folder: Path) -> None:
    """Rename `temporary` to `folder`; at any moment the old folder stands at `folder` or at `_old(folder)`."""
    if not folder.exists():
        _rename(temporary, folder)
        return
    old = _old(folder)
    shutil.rmtree(old, ignore_errors=True)
    _rename(folder, old)
    try:
        _rename(temporary, folder)
    except OSError:
        _rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _rests(path: Path) -> list[Path]:
    return list(path.parent.glob(f".{glob.escape(path.name)}.*"))


def _old(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.old"


def _rename(source: Path, target: Path) -> None:
    """Rename within a folder; the folder is flushed to disk, because without that a power loss undoes the rename."""
    os.replace(source, target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
