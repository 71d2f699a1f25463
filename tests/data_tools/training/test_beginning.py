"""What a new run's folder holds when the training does not come to its first checkpoint."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

import classify.train
import classify.training
import detect.train
import detect.training
from data_tools.files.dataset_folder import read_dataset
from tests.data_tools.training.test_run_folder import DETECT, TINY

Main = Callable[[Sequence[str]], int]
APPROACHES: list[tuple[Main, list[str]]] = [(detect.train.main, DETECT), (classify.train.main, TINY)]


@pytest.mark.parametrize(("main", "words"), APPROACHES)
@pytest.mark.parametrize("wrong", [("--fit.train_share", "0.01"), ("--input.preprocess.crop_px", "200")])
def test_what_is_refused_leaves_a_folder_as_it_was(
    main: Main, words: list[str], wrong: tuple[str, str], devices: Path, tmp_path: Path
) -> None:
    run, command = tmp_path / "run", [*words, "--data", str(devices), "--fit.steps", "2", *wrong]
    for config in ([], ["--config", "quickstart"]):
        assert main([*config, *command, "--run", str(run)]) == 2
        assert not run.exists()
    run.mkdir()
    assert main([*command, "--run", str(run)]) == 2
    assert list(run.iterdir()) == []
    (run / "config.yaml").write_text("mine")
    assert main([*command, "--run", str(run)]) == 2
    assert [path.read_text() for path in run.iterdir()] == ["mine"]


@pytest.mark.parametrize("module", [detect.training, classify.training])
def test_ctrl_c_before_the_first_step_leaves_no_run(
    module: object, devices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "describe_start", interrupted)
    main, words = APPROACHES[module is classify.training]
    assert main([*words, "--data", str(devices), "--fit.steps", "2", "--run", str(tmp_path / "run")]) == 130
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_checkpoint_may_be_resumed_or_begun_anew(
    devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    command = [*TINY, "--data", str(devices), "--run", str(run), "--fit.steps"]
    assert classify.train.main([*command, "1"]) == 0
    manifest = json.loads((run / "manifest.json").read_text())
    sizes = [list(sample.size_hw) for sample in read_dataset(devices).split("train")]
    assert manifest["learned_sizes"] == {"smallest_hw": sizes[0], "largest_hw": sizes[0]}
    assert all(size == sizes[0] for size in sizes)
    del manifest["checksums"]["manifest.json"]
    (run / "manifest.json").write_text(json.dumps(manifest | {"finished": None}))
    with_last = shutil.copytree(run, tmp_path / "with_last")
    for name in ("last", "best", "predictions"):
        shutil.rmtree(run / name)
    assert classify.train.main([*command, "2"]) == 2  # it has validated an epoch
    (run / "metrics.jsonl").unlink()
    capsys.readouterr()
    assert classify.train.main([*command, "2", "--resume"]) == 2
    assert "fit.steps 1, now 2" in capsys.readouterr().err
    resumed = shutil.copytree(run, tmp_path / "resumed")
    assert classify.train.main(["--run", str(resumed), "--resume"]) == 0
    assert classify.train.main([*command, "2"]) == 0
    assert "steps: 2" in (run / "config.yaml").read_text()
    assert json.loads((run / "manifest.json").read_text())["finished"]
    assert classify.train.main([*command, "2"]) == 2
    command[command.index(str(run))] = str(with_last)
    assert classify.train.main([*command, "2"]) == 2
    assert "holds a run already" in capsys.readouterr().err


def test_the_command_that_began_a_run_by_a_recipe_goes_on_with_resume(
    devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    command = [*TINY, "--recipe", "quick", "--data", str(devices), "--run", str(run), "--fit.steps", "1"]
    assert classify.train.main(command) == 0
    manifest = json.loads((run / "manifest.json").read_text())
    del manifest["checksums"]["manifest.json"]
    (run / "manifest.json").write_text(json.dumps(manifest | {"finished": None}))
    capsys.readouterr()
    assert classify.train.main([*command, "--resume", "--recipe=thorough"]) == 2
    assert "twice" in capsys.readouterr().err
    other = ["thorough" if word == "quick" else word for word in command]
    assert classify.train.main([*other, "--resume"]) == 2
    assert "was started with other settings: " in capsys.readouterr().err
    assert classify.train.main([*command, "--resume"]) == 0
    assert json.loads((run / "manifest.json").read_text())["finished"]
    assert classify.train.main(["--recipe", "quick", "--data", str(devices), "--resume"]) == 2
    assert "--resume needs --run" in capsys.readouterr().err


def test_a_flag_cut_short_decides_as_the_whole_one(devices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["--recipe", "thorough", "--data", str(devices)], ["--rec", "thorough", f"--dat={devices}"]):
        assert classify.train.main([*words, "--print_config"]) == 0
        shown.append(yaml.safe_load(capsys.readouterr().out))
    assert shown[0] == shown[1]
    assert (shown[0]["recipe"], shown[0]["input"]["max_pixels"]) == ("thorough", 384**2)


def test_a_recipe_decides_for_several_processes_too(
    devices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--recipe", "thorough", "--print_config"]
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert classify.train.main(words) == 2  # nothing is rendered yet, and not by two processes at once
    assert "data_tools.synth --out datasets/synthetic --good 900 --defect 600" in capsys.readouterr().err
    shutil.copytree(devices, tmp_path / "datasets" / "synthetic")
    shown = []
    for number in ("1", "2"):
        monkeypatch.setenv("WORLD_SIZE", number)
        assert classify.train.main(words) == 0
        shown.append(yaml.safe_load(capsys.readouterr().out))
    assert shown[0] == shown[1]
    assert shown[0]["input"]["max_pixels"] == 384**2
