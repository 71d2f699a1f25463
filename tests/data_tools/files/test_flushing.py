"""Folders whose names are on disk."""

import errno
import os
from pathlib import Path

import pytest

from data_tools.files.flushing import flush, make_folder
from data_tools.files.locks import open_locked


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been flushed to disk, in order."""
    found: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda handle: found.append(os.readlink(f"/proc/self/fd/{handle}")))
    return found


def test_each_folder_that_is_made_is_named_on_disk(tmp_path: Path, flushed: list[str]) -> None:
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert sorted(flushed) == [str(tmp_path), str(tmp_path / "a")]
    flushed.clear()
    make_folder(tmp_path / "a" / "b")
    assert flushed == []


def test_a_file_system_may_flush_no_folders_but_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As network shares do."""

    def refuse(_handle: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    make_folder(tmp_path / "a")
    (tmp_path / "a" / "b").touch()
    with pytest.raises(OSError, match="Invalid"):
        flush(tmp_path / "a" / "b")


def test_a_relative_folder(tmp_path: Path, flushed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_folder(Path("a"))
    assert flushed == [str(tmp_path)]


def test_a_file_stands_there(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="a"):
        make_folder(tmp_path / "a")


def test_a_file_that_grows_is_named_on_disk_when_it_is_new(tmp_path: Path, flushed: list[str]) -> None:
    for expected in ([str(tmp_path)], []):
        flushed.clear()
        open_locked(tmp_path / "log").close()
        assert flushed == expected
