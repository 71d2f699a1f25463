"""Locks on open files and folders, which the operating system takes back when their process ends, however it does."""

import os
from pathlib import Path
from typing import BinaryIO

from data_tools.core.errors import InputError
from data_tools.files.flushing import flush


def lock(handle: int) -> bool | None:
    """Whether an open file or folder is locked now: False where another process has it, None where none knows locks."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # not on this system, or not on this file system
        return None
    return True


def open_locked(path: Path, flag: str = "--out") -> BinaryIO:
    """The file, opened to read and write, made if need be with its name on disk; `flag` named it.

    Where there are no locks, nothing keeps two processes apart.

    Raises:
        InputError: another process has it.
    """
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    file = os.fdopen(handle, "r+b")
    try:
        if is_new:
            flush(path.parent)
        if lock(handle) is False:
            raise InputError(f"{path}: another process is writing there; let it end, or give another {flag}")
    except BaseException:
        file.close()
        raise
    return file
