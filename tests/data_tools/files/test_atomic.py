from pathlib import Path

import pytest

from data_tools.files.atomic import atomic_folder, atomic_path, recover_folder, write_json, write_text


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


def test_a_kill_between_the_two_renames_is_put_right(tmp_path: Path) -> None:
    """What stands on disk then: the old folder under its other name, and the new one still under a temporary name."""
    for name, content in ((".f.old", "old"), (".f.x1y2", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(content)
    recover_folder(tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "old"


def test_recovery_keeps_a_whole_folder(tmp_path: Path) -> None:
    for name in ("f", ".f.old", ".f.x1y2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(name)
    recover_folder(tmp_path / "f")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f" / "a").read_text() == "f"
