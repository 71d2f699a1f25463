import json
import sys
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.training.interrupt import Stopped
from data_tools.training.run_series import finished_manifest, make_once, require_same

IDENTITY = {"settings": {"lr": 0.1}, "images": [1, 2]}


class Training:
    """Writes what a run of so many steps leaves behind, and remembers how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, []

    def __call__(self, resume: bool) -> None:
        self.calls.append(resume)
        print("trained")
        (self.folder / "manifest.json").write_text(json.dumps({"finished": "now"}))


def test_made_once_then_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "a"
    training = Training(folder)
    require_same(folder, IDENTITY, "--out")
    assert finished_manifest(folder) is None
    assert make_once(folder, IDENTITY, "--out", training)
    assert not make_once(folder, IDENTITY, "--out", training)
    assert training.calls == [False]
    assert finished_manifest(folder) == {"finished": "now"}
    assert capsys.readouterr() == ("", "trained\n")
    assert sys.stdout is not sys.stderr


def test_an_interrupted_run_goes_on_and_one_without_checkpoint_starts_anew(tmp_path: Path) -> None:
    folder = tmp_path / "a"

    def stop_after_a_checkpoint(resume: bool) -> None:
        (folder / "last").mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(folder, IDENTITY, "--out", stop_after_a_checkpoint)
    training = Training(folder)
    make_once(folder, IDENTITY, "--out", training)
    assert training.calls == [True]

    early = tmp_path / "b"

    def stop_at_once(resume: bool) -> None:
        (early / "half-written").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_once(early, IDENTITY, "--out", stop_at_once)
    training = Training(early)
    make_once(early, IDENTITY, "--out", training)
    assert training.calls == [False]
    assert not (early / "half-written").exists()


def test_another_run_and_foreign_files_are_left_alone(tmp_path: Path) -> None:
    make_once(tmp_path / "a", IDENTITY, "--out", Training(tmp_path / "a"))
    with pytest.raises(InputError, match=r"a: was trained with other settings or data.*--out"):
        require_same(tmp_path / "a", IDENTITY | {"images": [1]}, "--out")
    own = tmp_path / "b" / "notes.txt"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        make_once(tmp_path / "b", IDENTITY, "--out", Training(tmp_path / "b"))
    assert own.read_text() == "mine"
    (tmp_path / "c").mkdir()
    require_same(tmp_path / "c", IDENTITY, "--out")


def test_what_is_refused_leaves_no_run_and_other_settings_may_follow(tmp_path: Path) -> None:
    def refuse(resume: bool) -> None:
        (tmp_path / "a" / ".lock").touch()
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        make_once(tmp_path / "a", IDENTITY, "--out", refuse)
    assert make_once(tmp_path / "a", IDENTITY | {"images": [1]}, "--out", Training(tmp_path / "a"))
    with pytest.raises(InputError, match="was trained with other settings or data"):
        require_same(tmp_path / "a", IDENTITY, "--out")


def test_a_run_that_is_asked_to_stop_goes_on_with_the_command_of_its_series(tmp_path: Path) -> None:
    def stop(resume: bool) -> None:
        raise Stopped("go on with --run a --resume")

    with pytest.raises(Stopped, match="a: stopped before its end; the same command goes on"):
        make_once(tmp_path / "a", IDENTITY, "--out", stop)
    require_same(tmp_path / "a", IDENTITY, "--out")


def test_data_may_be_moved_between_two_calls(tmp_path: Path) -> None:
    """A study's mark names the folder of its data beside their hash."""
    identity = {"settings": {"fit.lr": 0.1, "data": "/old", "run": None}, "data_hash": "abc"}
    make_once(tmp_path / "a", identity, "--out", Training(tmp_path / "a"))
    require_same(tmp_path / "a", identity | {"settings": {"fit.lr": 0.1}}, "--out")
    for other in ({"data_hash": "abd"}, {"settings": {"fit.lr": 0.2}}):
        with pytest.raises(InputError, match="was trained with other settings or data"):
            require_same(tmp_path / "a", identity | other, "--out")
