"""What a power loss leaves: a file's content once the file is flushed, and its name once its folder is (fsync(2))."""

import errno
import os
from pathlib import Path

_CANNOT = (errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP)


def flush(path: Path) -> None:
    """Flush the content of a file, or the names in a folder, to disk.

    A folder that cannot be read, or of a file system that flushes no folders, is left to that system.

    Raises:
        OSError: a file could not be flushed, or the disk failed.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _CANNOT or not path.is_dir():
            raise


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it, if it is not there; its name is on disk then.

    Raises:
        OSError: it cannot be made, or a file stands there.
    """
    missing = []
    place = folder.absolute()
    while not place.exists():
        missing.append(place)
        place = place.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        flush(made.parent)
