import json
import os
import tempfile
from pathlib import Path

import pytest

from data_tools.files import atomic
from data_tools.files.atomic import atomic_folder, atomic_path, recover_folder, scratch_folder, write_json, write_text


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text(str(1 / 0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_failure_leaves_the_old_folder_and_no_rest(tmp_path: Path) -> None:
    for content in ("one", "two"):
        with atomic_folder(tmp_path / "f") as temporary:
            (temporary / "a").write_text(content)
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "f") as temporary:
        (temporary / "a").write_text(str(1 / 0))
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "two"


def test_json_is_strict(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_what_utf_8_cannot_hold_is_read_back_from_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"ä\udcff": "\ud800"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"ä\udcff": "\ud800"}


def test_a_kill_between_the_two_renames_is_put_right(tmp_path: Path) -> None:
    """What stands on disk then, where the file system needs two: the old folder under its other name."""
    (tmp_path / ".f.replaced").mkdir()
    recover_folder(tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_recovery_keeps_a_whole_folder(tmp_path: Path) -> None:
    for name in ("f", ".f.replaced"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    recover_folder(tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "f"


def test_a_folder_is_replaced_where_two_renames_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "_exchanged", lambda *_: False)
    for content in ("one", "two"):
        with atomic_folder(tmp_path / "f") as temporary:
            (temporary / "a").write_text(content)
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "two"


def test_the_folder_is_flushed_after_each_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that a power loss undoes the rename: what was said to be saved is gone."""
    events: list[tuple[str, str]] = []
    replace, fsync = os.replace, os.fsync

    def note_replace(source: Path, target: Path) -> None:
        events.append(("rename", str(target)))
        replace(source, target)

    def note_fsync(handle: int) -> None:
        events.append(("flush", os.readlink(f"/proc/self/fd/{handle}")))
        fsync(handle)

    monkeypatch.setattr(os, "replace", note_replace)
    monkeypatch.setattr(os, "fsync", note_fsync)
    write_text(tmp_path / "a.txt", "a")
    for _ in range(2):
        with atomic_folder(tmp_path / "f") as temporary:
            (temporary / "b").touch()
    renames = [i for i, (what, _) in enumerate(events) if what == "rename"]
    assert [events[i][1] for i in renames] == [str(tmp_path / name) for name in ("a.txt", "f")]
    assert all(events[i + 1] == ("flush", str(tmp_path)) for i in renames)
    assert events[-1] == ("flush", str(tmp_path))  # after the exchange


def test_what_a_killed_process_left_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_swept", set())
    for name in (".a.json.x1y2z3w4.writing", ".b.x1y2z3w4.writing", ".b.settings", "c.writing"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    (tmp_path / ".a.json.swp").touch()  # an editor's
    write_text(tmp_path / "a.json", "{}")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", ".b.settings", "c.writing", ".a.json.swp"}


def test_a_scratch_folder_goes_and_takes_what_a_killed_process_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_swept", set())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / ".scratch.x1y2z3w4.writing" / "x").mkdir(parents=True)
    with scratch_folder() as folder:
        (folder / "a").touch()
        assert [*tmp_path.iterdir()] == [folder]
    assert [*tmp_path.iterdir()] == []


def test_what_a_live_process_writes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_path(tmp_path / "a") as mine, atomic_folder(tmp_path / "f") as folder:
        monkeypatch.setattr(atomic, "_swept", set())  # as another process, which has a handle of its own
        write_text(tmp_path / "b", "b")
        mine.write_text("a")
        (folder / "x").touch()
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "f"}


def test_a_place_that_was_swept_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, seen = atomic.lock, []

    def late(handle: int) -> bool | None:
        seen.append(os.readlink(f"/proc/self/fd/{handle}"))
        if len(seen) == 1:
            os.rmdir(seen[0])
        return lock(handle)

    monkeypatch.setattr(atomic, "lock", late)
    write_text(tmp_path / "a", "a")
    assert len(seen) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_swept_by_another_process_before_it_is_opened_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = tempfile.mkdtemp

    def swept_once(suffix: str, prefix: str, parent: Path) -> str:
        made.append(make(suffix, prefix, parent))
        if len(made) == 1:
            os.rmdir(made[0])
        return made[-1]

    monkeypatch.setattr("data_tools.files.atomic.tempfile.mkdtemp", swept_once)
    write_text(tmp_path / "a.txt", "x")
    assert ((tmp_path / "a.txt").read_text(), len(made)) == ("x", 2)
