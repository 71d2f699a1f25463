"""One process at a time in a run folder: a lock that the operating system takes back when its process ends, however."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from data_tools.core.errors import InputError
from data_tools.files.flushing import make_folder

log = logging.getLogger(__name__)

LOCK = ".lock"
_LOCKS_UNKNOWN = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


@contextmanager
def sole_process(folder: Path) -> Iterator[None]:
    """Be the only process that writes into a run folder, which is made if need be, and then removed if it stays empty.

    The number of the process stands in the lock file. That file goes with the lock; a crash leaves it, without a lock.
    A file system without locks is warned about.

    Raises:
        InputError: another process is in there, or the folder cannot be written.
    """
    path, was_there = folder / LOCK, folder.is_dir()
    try:
        make_folder(folder)
        lock = FileLock(path, on_acquired=_sign, fallback_to_soft=False)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise InputError(f"{folder}: in use by {_holder(path)}") from error
    except OSError as error:
        if error.errno not in _LOCKS_UNKNOWN:
            raise InputError(f"{folder}: cannot be written: {error.strerror or error}") from error
        log.warning("%s: this file system knows no locks; let no other process write there", folder)
        lock = None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: whoever has it open sees that it is gone, and opens it anew
        if lock is not None:
            lock.release()
        if not was_there:
            with suppress(OSError):
                folder.rmdir()  # only if nothing came of it


def refuse_if_in_use(folder: Path) -> None:
    """Refuse a folder that another process is in.

    Raises:
        InputError: its number.
    """
    if (folder / LOCK).exists():
        with sole_process(folder):
            pass


def _sign(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())


def _holder(path: Path) -> str:
    try:
        return f"process {int(path.read_text(encoding='ascii'))}"
    except (OSError, ValueError):
        return "another process"
