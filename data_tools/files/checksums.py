"""Checksums of files."""

import hashlib
from pathlib import Path

from data_tools.core.errors import InputError


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Raises:
        InputError: a pipe, a device or a folder.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: not a regular file")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
