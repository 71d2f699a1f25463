"""Checksums of files."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from data_tools.core.errors import InputError


@dataclass(frozen=True)
class FileMark:
    """A file as it was when it was read: its path as it was named, and its SHA-256."""

    path: str
    sha256: str


def mark(path: Path) -> FileMark:
    """The mark of a file that is there.

    Raises:
        InputError: see `sha256`.
    """
    return FileMark(path.as_posix(), sha256(path))


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        InputError: a pipe, a device or a folder.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
