"""Outputs that appear whole or not at all: write under a temporary name, flush to disk, rename, flush the folder.

Everything temporary lies in a hidden folder `.NAME.xxxxxxxx.writing` beside the output, which its process keeps locked.
A process that is killed leaves that folder without a lock, and the next one that writes beside it removes it.
"""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.flushing import flush, make_folder
from data_tools.files.full_disk import named_if_full
from data_tools.files.locks import lock

_MARK = ".writing"
_KEPT = 40
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)
_swept: set[Path] = set()  # by this process


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed to disk and renamed to `path`.

    After an exception the temporary file is removed and whatever stood at `path` before is untouched.

    Raises:
        InputError: a folder stands at `path`, or nothing can be written there.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder, so no file can be written there")
    with _reserved(path) as place:
        temporary = place / path.name
        with _in_words(path):
            temporary.touch()
        with named_if_full(path, temporary):
            yield temporary
            flush(temporary)
            temporary.chmod(0o666 & ~_umask())
            _rename(temporary, path)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `folder`; on a clean exit it takes the place of `folder`.

    After an exception the temporary folder is removed and `folder` is untouched.

    Raises:
        InputError: nothing can be written there.
    """
    folder = Path(folder)
    with _reserved(folder) as place:
        temporary = place / folder.name
        with named_if_full(folder, temporary):
            temporary.mkdir()
            yield temporary
            for inside in (*temporary.rglob("*"), temporary):
                if not inside.is_symlink():
                    flush(inside)
            _swap_in(temporary, folder)


def write_text(path: Path, text: str) -> None:
    """Write `text` (UTF-8, newlines as given) to `path`, atomically.

    The bytes of a file's name that are no UTF-8 become escapes such as \\udcff, which JSON reads back as they were.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write strict JSON to `path`, atomically.

    Raises:
        ValueError: `value` holds NaN or an infinity, which JSON does not have.
    """
    write_text(path, json.dumps(value, indent=indent, allow_nan=False, ensure_ascii=False) + "\n")


def recover_folder(folder: Path) -> None:
    """Bring back a folder whose replacement was killed between two renames, as only some file systems need them.

    Not to be called while another process writes the same folder.
    """
    old = replaced(folder)
    if old.exists() and not folder.exists():
        _rename(old, folder)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder in the system's place for temporary files, and remove it at the end.

    What a killed process left there, the next one that asks for such a folder removes.

    Raises:
        InputError: nothing can be written there.
    """
    with _reserved(Path(tempfile.gettempdir()) / "scratch") as place:
        yield place


def sweep(parent: Path) -> None:
    """Remove what killed processes have left in a folder, if there is one; once in each process."""
    where, names = parent.resolve(), list[str]()
    if where in _swept:
        return
    with suppress(OSError):
        names = os.listdir(parent)
        _swept.add(where)
    for name in names:
        if not (name.startswith(".") and name.endswith(_MARK)):
            continue
        with suppress(OSError):
            handle = os.open(parent / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if lock(handle):
                    shutil.rmtree(parent / name, ignore_errors=True)
            finally:
                os.close(handle)


@contextmanager
def _reserved(path: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `path` that no other process takes for abandoned; it goes at the end."""
    with _in_words(path):
        make_folder(path.parent)
        sweep(path.parent)
        place, handle = _locked_folder(path)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def _locked_folder(path: Path) -> tuple[Path, int]:
    """A new folder beside `path` and the handle that locks it, where the file system knows locks."""
    while True:
        # only the start of a long name, which together with what is added would be longer than a name may be
        place = Path(tempfile.mkdtemp(_MARK, f".{path.name[:_KEPT]}.", path.parent))
        try:
            handle = os.open(place, os.O_RDONLY)
        except FileNotFoundError:
            continue  # another process took it for abandoned
        if lock(handle) is not False and place.exists():
            return place, handle
        os.close(handle)  # so it did before it was locked


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say why nothing can be written at `path`, as an error of the user's."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _swap_in(temporary: Path, folder: Path) -> None:
    """Put `temporary` at `folder` and what was there at `temporary`, in one step where the system can.

    Elsewhere the old folder stands at `folder` or at `replaced(folder)` at any moment.
    """
    if not folder.exists():
        _rename(temporary, folder)
        return
    if _exchanged(temporary, folder):
        flush(folder.parent)
        return
    old = replaced(folder)
    shutil.rmtree(old, ignore_errors=True)
    _rename(folder, old)
    try:
        _rename(temporary, folder)
    except OSError:
        _rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two names could be exchanged in one step, as Linux can on most file systems."""
    if sys.platform != "linux":
        return False
    call = getattr(ctypes.CDLL(None), "renameat2", None)
    return call is not None and call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0


def replaced(folder: Path) -> Path:
    """Where the old folder stands for a moment while a new one takes its place, on some file systems."""
    return folder.parent / f".{folder.name}.replaced"


def _rename(source: Path, target: Path) -> None:
    """Rename; the target's folder is flushed to disk, because without that a power loss undoes the rename."""
    os.replace(source, target)
    flush(target.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
