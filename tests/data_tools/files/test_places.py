from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.places import Outputs, require_place, require_writable


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    for out in ("new.json", "old.json", "a/b/new.json"):
        require_place(tmp_path / out, [tmp_path / "input.json", tmp_path / "absent"], (".json",))
    assert [path.name for path in tmp_path.iterdir()] == ["old.json"]


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for out, words in (
        (tmp_path / "folder", "is a folder"),
        (tmp_path / "file" / "x.json", "file is not a folder"),
        (tmp_path / "file" / "y" / "x.json", "file is not a folder"),
        (Path("/proc/x/y.json"), "cannot be written in /proc"),
        (Path("/dev/null"), "not a regular file"),
        (tmp_path / ("x" * 300), "cannot be written"),
        (tmp_path / "loop" / "x", "cannot be written"),
    ):
        with pytest.raises(InputError, match=f"--html .*{words}"):
            require_place(out, flag="--html")
    with pytest.raises(InputError, match=r"ends in \.jsonl"):
        require_place(tmp_path / "x.json", suffixes=(".jsonl",))
    with pytest.raises(InputError, match="not a folder"):
        require_writable(tmp_path / "file", "--out x")


def test_an_input_is_never_the_output(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("")
    (tmp_path / "b.json").symlink_to(tmp_path / "a.json")
    (tmp_path / "c.json").hardlink_to(tmp_path / "a.json")
    for out in ("a.json", "b.json", "c.json", "x/../a.json"):
        with pytest.raises(InputError, match="is what the command reads"):
            require_place(tmp_path / out, [tmp_path / "a.json"])
    with pytest.raises(InputError, match="is what the command reads"):
        require_place(tmp_path / "a.json", [tmp_path])
    require_place(tmp_path / "new.json", [tmp_path])


def test_outputs_are_held_against_each_file_that_is_read(tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "a.png").write_text("")
    (tmp_path / "link.png").symlink_to(tmp_path / "o" / "a.png")
    outputs = Outputs("--out p.jsonl", (tmp_path / "p.jsonl", tmp_path / "p.npz"), tmp_path / "o")
    outputs.require_apart(tmp_path / "a.png")
    outputs.require_apart(tmp_path / "o" / "deep" / "a.png")
    outputs.require_kept(tmp_path / "o" / "a.png")
    with pytest.raises(InputError, match=r"--out p\.jsonl: .*p\.npz is what the command reads"):
        outputs.require_apart(tmp_path / "x" / ".." / "p.npz")
    for name in ("o/a.png", "link.png"):
        with pytest.raises(InputError, match=r"--overlays .*: holds "):
            outputs.require_apart(tmp_path / name)
