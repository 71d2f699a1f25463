"""A checksum is of a regular file: a pipe would keep the reader waiting for ever."""

import os
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.checksums import sha256


def test_a_checksum_by_hand(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-4, the example of one block
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_pipe_and_a_folder_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            sha256(path)
