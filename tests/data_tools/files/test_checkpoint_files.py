"""Checksums of checkpoints: what is found, and what is offered in the place of a damaged one."""

import json
import shutil
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.checkpoint_files import best_weights, require_whole, write_checksums
from data_tools.files.checksums import sha256

PROGRESS = {"epoch": 3, "step_in_epoch": 0, "best_epoch": 3}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for name, files in (("best", ("model",)), ("last", ("model", "average"))):
        (folder / name).mkdir(parents=True)
        for file in files:
            (folder / name / f"{file}.safetensors").write_bytes(f"{name} {file}".encode() * 100)
        (folder / name / "state.json").write_text(json.dumps({"epoch": 3} if name == "best" else PROGRESS))
        write_checksums(folder / name)
    finish(folder, "2026-01-01T00:00:00+00:00")
    return folder


def finish(folder: Path, time: str | None) -> None:
    checksums = {"best/model.safetensors": sha256(folder / "best" / "model.safetensors")}
    (folder / "manifest.json").write_text(json.dumps({"finished": time, "checksums": checksums}))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 64
    path.write_bytes(content)


def test_whole_files_pass(run: Path) -> None:
    assert best_weights(run) == run / "best" / "model.safetensors"
    require_whole(run / "last" / "state.json")


@pytest.mark.parametrize("damage", ["flip", "zeros", "cut", "swap", "gone", "folder", "link"])
def test_damage_is_named_with_what_is_whole(run: Path, damage: str) -> None:
    path = run / "best" / "model.safetensors"
    size = path.stat().st_size
    if damage == "flip":
        flip(path)
    elif damage in ("zeros", "cut"):
        path.write_bytes(bytes(size) if damage == "zeros" else path.read_bytes()[:7])
    elif damage == "swap":
        shutil.copyfile(run / "last" / "average.safetensors", path)
    else:
        path.unlink()
        if damage == "folder":
            path.mkdir()
        if damage == "link":
            path.symlink_to("nowhere")
    with pytest.raises(InputError) as info:
        best_weights(run)
    assert str(info.value).startswith(f"{path}: ")
    assert str(info.value).endswith(
        f"last (epoch 3) is whole and of the same epoch: --run {run} --resume makes {run / 'best'} anew from it"
    )


def test_another_checkpoint_in_its_place_is_told_by_the_manifest(run: Path) -> None:
    shutil.rmtree(run / "best")
    shutil.copytree(run / "last", run / "best")
    with pytest.raises(InputError, match=r"best/model\.safetensors: does not match its checksum in manifest\.json"):
        best_weights(run)


def test_what_stands_in_for_a_damaged_last(run: Path) -> None:
    flip(run / "last" / "average.safetensors")
    path = run / "last" / "average.safetensors"
    with pytest.raises(InputError, match=r"average\.safetensors: does not match .*best \(epoch 3\) is whole: the run"):
        require_whole(path)
    finish(run, None)
    with pytest.raises(InputError, match=rf"a new run can start from it with --model\.weights {run}/best/model"):
        require_whole(path)
    flip(run / "best" / "state.json")  # nothing whole to turn to
    with pytest.raises(InputError, match=r"sha256\.json: damaged$"):
        require_whole(path)


def test_an_older_best_is_not_made_anew_from_last(run: Path) -> None:
    (run / "last" / "state.json").write_text(json.dumps(PROGRESS | {"best_epoch": 2}))
    write_checksums(run / "last")
    flip(run / "best" / "model.safetensors")
    with pytest.raises(InputError, match=rf"with --model\.weights {run}/last/average\.safetensors$"):
        best_weights(run)


def test_a_file_that_has_no_checksum_is_foreign(run: Path) -> None:
    (run / "last" / "more.safetensors").touch()
    with pytest.raises(InputError, match="is not among the files of"):
        require_whole(run / "last" / "more.safetensors")


def test_a_run_without_checksums_is_taken(run: Path) -> None:
    for name in ("best", "last"):
        (run / name / "sha256.json").unlink()
    (run / "manifest.json").write_text('{"finished": "then"}')
    flip(run / "best" / "model.safetensors")
    assert best_weights(run).is_file()
