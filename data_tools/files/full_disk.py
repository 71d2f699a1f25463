"""What a disk has no room for, by its name: an error of writing to an open file names none."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def named_if_full(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Let an error of a full disk, a quota or a limit on the size of files name what could not be written.

    Args:
        path: what is written.
        temporary: where it is written until it is whole; a file in there is named as it would be called then.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            error.filename = str(_final(error.filename, path, temporary))
        raise


def _final(named: object, path: Path, temporary: Path | None) -> object:
    if named is None:
        return path
    if temporary is None or not isinstance(named, str):
        return named
    return path / Path(named).relative_to(temporary) if Path(named).is_relative_to(temporary) else named
