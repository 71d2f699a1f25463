"""Reading whole files of unknown origin: regular files alone, since a pipe or a device never ends."""

import os
import stat
from pathlib import Path

from data_tools.core.errors import InputError

_POINTERS = {
    b"version https://git-lfs.github.com/spec/": "Git LFS",
    b"/annex/objects/": "git-annex",
    b"../.git/annex/objects/": "git-annex",
    b".git/annex/objects/": "git-annex",
}
_LONGEST_POINTER = 1 << 10


def reason_against_reading(path: Path) -> str | None:
    """Why a file is not opened: absent, a link to nowhere, a folder, a pipe, a device; None for a regular file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if path.is_symlink():
            return "a link that leads nowhere; fetch what it stands for"
        return f"cannot be read: {error.strerror or error}"
    except ValueError as error:
        return f"cannot be read: {error}"
    if stat.S_ISDIR(mode):
        return "a folder, not a file"
    return None if stat.S_ISREG(mode) else "not a regular file"


def require_regular(path: Path) -> None:
    """Raise an `InputError` that says why a file is not opened, see `reason_against_reading`."""
    reason = reason_against_reading(path)
    if reason is not None:
        raise InputError(f"{path}: {reason}")


def read_regular(path: Path, largest: int | None = None) -> bytes:
    """The content of a regular file of at most `largest` bytes, if that is given.

    Raises:
        InputError: no regular file, too large, unreadable, or what Git LFS or git-annex puts in the place of one not
            yet fetched.
    """
    require_regular(path)
    if largest is not None and path.stat().st_size > largest:
        raise InputError(f"{path}: larger than such a file can be ({largest:,} bytes)")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) <= _LONGEST_POINTER:
        tool = next((tool for mark, tool in _POINTERS.items() if content.startswith(mark)), None)
        if tool is not None:
            raise InputError(f"{path}: stands for a file of {tool} that is not fetched; fetch it")
    return content


def leaves(path: Path, folder: Path) -> bool:
    """Whether a link leads out of a folder: a source is converted without what lies elsewhere."""
    return path.is_symlink() and not real_path(path).is_relative_to(real_path(folder))


def real_path(path: Path) -> Path:
    """The path with its links followed as far as they lead; one that leads around in a circle raises nothing."""
    return Path(os.path.realpath(path))
