"""The disk's model, by hand."""

import os
from pathlib import Path

import pytest

from tests.faults.power import CONTENTS, NAMES, Disk


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Of a folder with a file and a folder in it."""
    folder = tmp_path / "work"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "a").write_text("a")
    disk = Disk(folder)
    disk.begin()
    return disk


def flush(disk: Disk, *names: str) -> None:
    for name in names:
        handle = os.open(disk.folder / name, os.O_RDONLY)
        disk.flushed(handle)
        os.close(handle)


def left(disk: Disk, kind: str) -> dict[str, str]:
    disk.lose_power(kind)
    files = (path for path in disk.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(disk.folder)): path.read_text() for path in files}


@pytest.mark.parametrize(
    ("flushed", "kind", "expected"),
    [
        ((), NAMES, {}),
        ((), CONTENTS, {"b": ""}),
        (("b",), NAMES, {}),
        (("b",), CONTENTS, {"b": "new"}),
        ((".",), NAMES, {"b": ""}),
        (("b", "."), NAMES, {"b": "new"}),
    ],
)
def test_a_new_file(disk: Disk, flushed: tuple[str, ...], kind: str, expected: dict[str, str]) -> None:
    (disk.folder / "b").write_text("new")
    flush(disk, *flushed)
    assert left(disk, kind) == {"old/a": "a", **expected}


@pytest.mark.parametrize(("kind", "name"), [(NAMES, "old/a"), (CONTENTS, "new/b")])
def test_a_renamed_file_and_folder(disk: Disk, kind: str, name: str) -> None:
    os.rename(disk.folder / "old" / "a", disk.folder / "old" / "b")
    os.rename(disk.folder / "old", disk.folder / "new")
    assert left(disk, kind) == {name: "a"}


@pytest.mark.parametrize("kind", [NAMES, CONTENTS])
def test_what_is_appended_is_safe_once_it_is_flushed(disk: Disk, kind: str) -> None:
    for more, flushed in (("b", ["old/a"]), ("c", [])):
        with (disk.folder / "old" / "a").open("a") as file:
            file.write(more)
        flush(disk, *flushed)
    assert left(disk, kind) == {"old/a": "ab"}


def test_a_new_folder_has_no_names_of_a_removed_one(disk: Disk) -> None:
    disk.removed(str(disk.folder / "old"), -1)  # an attempt, which fails
    assert Path(disk.store, f"{(disk.folder / 'old').stat().st_ino}.names").exists()
    (disk.folder / "old" / "a").unlink()
    disk.removed(str(disk.folder / "old"), -1)
    os.rmdir(disk.folder / "old")
    (disk.folder / "old").mkdir()
    flush(disk, ".")
    assert left(disk, NAMES) == {}
    assert (disk.folder / "old").is_dir()
