from pathlib import Path

import pytest

from data_tools.atomic import atomic_folder, atomic_path, write_json, write_text


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
