"""Run folders as their users meet them: resumed, refused, damaged, shared by two processes."""

import json
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import classify
import classify.export
import classify.exporting
import classify.predict
import classify.train
import detect.evaluate
import detect.predict
import detect.train
from data_tools.core.errors import InputError
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig
from tests.forked import Command

TINY = [
    "--input.size_hw",
    "[64, 64]",
    "--fit.batch_size",
    "4",
    "--model.backbone",
    "simple_cnn",
    "--model.weights",
    "none",
]
NETWORK = ["--model.frozen_to_stride", "0", "--model.fpn_channels", "16", "--model.heads.channels", "16"]
DETECT = [*TINY, *NETWORK]


@pytest.fixture(scope="module")
def finished(devices: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    # one epoch, the best as the last: best/ can be made anew from it
    common = ["--data", str(devices), "--fit.steps", "2", "--fit.epoch_steps", "2", "--run"]
    assert detect.train.main([*DETECT, *common, str(place / "detect")]) == 0
    assert classify.train.main([*TINY, *common, str(place / "classify")]) == 0
    return {name: place / name for name in ("detect", "classify")}


MAINS = {
    "detect": (detect.train.main, detect.predict.main),
    "classify": (classify.train.main, classify.predict.main),
}


@pytest.fixture(params=["detect", "classify"])
def approach(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def run(approach: str, finished: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished[approach], tmp_path / approach))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1000] ^= 64
    path.write_bytes(content)


def refused(main: object, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(list(words)) == 2  # type: ignore[operator]
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model.backbone", "resnet18"], 'model.backbone "simple_cnn", now "resnet18"'),
        (["--fit.lr", "1e-5", "--fit.seed", "7"], "now 1e-05; fit.seed 0, now 7"),
        (["--input.size_hw", "[32, 32]"], "input.size_hw [64, 64], now [32, 32]"),
        (["--fit.steps", "4"], "fit.steps 2, now 4"),
    ],
)
def test_other_settings_are_refused_by_name_and_nothing_changes(
    approach: str, run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(run)
    assert message in refused(MAINS[approach][0], ["--run", str(run), "--resume", *words], capsys)
    assert snapshot(run) == before


def test_what_changes_no_result_may_change_and_the_record_stays_the_run_s(
    approach: str, run: Path, devices: Path, tmp_path: Path
) -> None:
    before, predictions = json.loads((run / "manifest.json").read_text()), snapshot(run / "predictions")
    words = ["--run", str(run), "--resume", "--fit.checkpoint_minutes", "1"]
    for _ in range(2):
        assert MAINS[approach][0](words) == 0
    after = json.loads((run / "manifest.json").read_text())
    assert before["checksums"].pop("manifest.json") != after["checksums"].pop("manifest.json")  # it has other times
    assert {key for key in before if before[key] != after[key]} <= {"finished", "predicting", "resumed"}
    assert after["predicting"]["test"]["seconds"] > 0
    assert after["predicting"]["test"]["images"] == before["predicting"]["test"]["images"] > 0
    assert before["resumed"] == []
    assert 1 <= len(after["resumed"]) <= 2  # to the second
    assert snapshot(run / "predictions") == predictions
    out = tmp_path / "p.jsonl"
    assert MAINS[approach][1](["--run", str(run), "--data", str(devices), "--out", str(out)]) == 0


@pytest.mark.parametrize("name", ["model", "average", "optimizer", "random", "state"])
def test_a_damaged_last_is_named_and_the_run_stays_usable(
    approach: str, run: Path, devices: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "last" / (f"{name}.json" if name == "state" else f"{name}.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    before = snapshot(run)
    message = refused(MAINS[approach][0], ["--run", str(run), "--resume"], capsys)
    assert f"{path}: does not match its checksum" in message
    assert "predict and evaluate need no more" in message
    assert snapshot(run) == before
    out = tmp_path / "p.jsonl"
    assert MAINS[approach][1](["--run", str(run), "--data", str(devices), "--out", str(out)]) == 0
    assert detect.evaluate.main(["--runs", str(run)]) == 0


def test_without_last_a_finished_run_is_not_trained_again(
    approach: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(run / "last")
    before = snapshot(run)
    assert "is finished" in refused(MAINS[approach][0], ["--run", str(run), "--resume"], capsys)
    assert snapshot(run) == before


def test_damaged_weights_are_named_and_mended_by_resuming(
    approach: str, run: Path, devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(run / "best" / "model.safetensors")
    words = ["--run", str(run), "--data", str(devices), "--out", str(tmp_path / "p.jsonl")]
    message = refused(MAINS[approach][1], words, capsys)
    assert "best/model.safetensors: does not match its checksum" in message
    assert not (tmp_path / "p.jsonl").exists()
    words_of = DETECT if approach == "detect" else TINY
    for given in (run, run / "best" / "model.safetensors"):
        own = [str(given) if word == "none" else word for word in words_of]
        start = [*own, "--data", str(devices), "--run", str(tmp_path / "next")]
        assert "does not match its checksum" in refused(MAINS[approach][0], start, capsys)
    assert not (tmp_path / "next").exists()
    assert MAINS[approach][0](["--run", str(run), "--resume"]) == 0
    assert MAINS[approach][1](words) == 0


@pytest.mark.parametrize("change", ["run: other\n", "fit: {lr: 1}\n", ""])
def test_a_changed_configuration_is_named(
    approach: str, run: Path, devices: Path, tmp_path: Path, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "config.yaml"
    text = path.read_text()
    path.write_text(text.replace(f"run: {run}\n", "") + change if change else text.replace("- 64", "- 32"))
    words = ["--run", str(run), "--data", str(devices), "--out", str(tmp_path / "p.jsonl")]
    assert "config.yaml: does not match its checksum" in refused(MAINS[approach][1], words, capsys)


MANIFESTS = {
    "detect": [
        ("anchors", (None, [], {}, "x", {"scales": [1.0], "ratios": ["a"], "number": 1})),
        ("num_classes", ("x", None, 10**9, 0, True)),
        ("score_rule", (None, "x", [])),
        ("types", (5, None, [1])),
    ],
    "classify": [
        ("cam", (None, "x", {})),
        ("cam_stride", (7, "32", None)),
        ("temperature", (0, "x", None)),
        ("box_fraction", ("x", 2)),
        ("boxes_used_for", (None, [1])),
    ],
}


def test_each_key_of_a_manifest_is_checked(
    approach: str, run: Path, devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "manifest.json"
    whole = json.loads(path.read_text())
    words = ["--run", str(run), "--data", str(devices), "--out", str(tmp_path / "p.jsonl")]
    for key, values in [*MANIFESTS[approach], ("approach", (None, "x")), ("finished", (5,)), ("checksums", (None, []))]:
        path.write_text(json.dumps({name: value for name, value in whole.items() if name != key}))
        if key != "checksums":  # runs of version 0.1 have none
            assert f"manifest.json: key '{key}' is missing" in refused(MAINS[approach][1], words, capsys)
        for value in values:
            path.write_text(json.dumps(whole | {key: value}))
            message = refused(MAINS[approach][1], words, capsys)
            assert (f"manifest.json: '{key}'" in message) or f"manifest.json, {key}: " in message or value == "x"
    path.write_bytes(b'{"a":' + b"[" * 100_000)
    for main, flags in ((MAINS[approach][1], words), (detect.evaluate.main, ["--runs", str(run)])):
        assert "manifest.json: not readable as JSON" in refused(main, flags, capsys)


def test_data_that_have_moved_are_asked_for(
    devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new, run = (str(tmp_path / name) for name in ("old", "new", "run"))
    shutil.copytree(devices, old)
    assert classify.train.main([*TINY, "--data", old, "--fit.steps", "1", "--run", run]) == 0
    Path(old).rename(new)
    monkeypatch.setattr(classify.exporting, "write_graph", lambda *_: None)
    commands = [
        (detect.evaluate.main, ["--runs", run]),
        (classify.train.main, ["--run", run, "--resume"]),
    ]
    for main, words in commands:
        said = refused(main, words, capsys)
        assert "the run's data are gone from" in said
        assert "give --data DATASET" in said
    bundle = [run, "--out", str(tmp_path / "bundle"), "--cam", "hirescam", "--data"]
    assert "no such file" in refused(classify.export.main, [*bundle, str(tmp_path / "no")], capsys)
    assert not (tmp_path / "bundle").exists()
    assert "convert" in refused(classify.train.main, ["--run", run, "--resume", "--data", f"{old}er"], capsys)
    assert detect.evaluate.main(["--runs", run, "--data", new]) == 0
    assert classify.export.main([*bundle, new]) == 0
    assert json.loads((tmp_path / "bundle" / "bundle.json").read_text())["categories"] == ["defect"]


def test_a_run_goes_on_from_another_working_folder(
    devices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its data were given relative to the first one; what the second has under that name is another dataset."""
    for place in ("here", "there"):
        shutil.copytree(devices, tmp_path / place / "data")
    monkeypatch.chdir(tmp_path / "here")
    assert classify.train.main([*TINY, "--data", "data", "--fit.steps", "1", "--run", "run"]) == 0
    monkeypatch.chdir(tmp_path / "there")
    splits = json.loads(Path("data/splits.json").read_text())
    Path("data/splits.json").write_text(json.dumps(splits | {"train": splits["train"][1:]}))
    assert classify.train.main(["--run", "../here/run", "--resume"]) == 0
    shutil.rmtree("data")
    assert classify.train.main(["--run", "../here/run", "--resume"]) == 0
    assert "no such file" in refused(
        classify.train.main, ["--run", "../here/run", "--resume", "--data", "data"], capsys
    )


def test_from_python_a_run_goes_on_with_its_own_settings(
    devices: Path, finished: dict[str, Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(finished["classify"], tmp_path / "run"))
    assert classify.train(devices, run=run, resume=True).folder == run
    other = classify.Settings(input=InputConfig(size_hw=(64, 64)), fit=FitConfig(steps=2))
    with pytest.raises(InputError, match=r"fit\.batch_size 4, now 8"):
        classify.train(devices, other, run=run, resume=True)


def wait_for(path: Path, process: Command) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.05)


def test_of_two_processes_in_one_folder_one_is_refused(
    devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    words = [*TINY, "--data", str(devices), "--fit.steps", "4000", "--fit.epoch_steps", "5", "--run", str(run)]
    both = [Command(tmp_path, ["classify.train", *words]) for _ in range(2)]
    while all(process.poll() is None for process in both):
        time.sleep(0.05)
    live, other = sorted(both, key=lambda process: process.poll() is not None)
    assert other.wait() == 2
    assert f"in use by process {live.pid}" in other.communicate()[1]
    wait_for(run / "last", live)
    (run / ".last.x1y2").mkdir()  # as the live process has while it writes
    for more in (["--resume"], []):
        assert f"in use by process {live.pid}" in refused(classify.train.main, ["--run", str(run), *more], capsys)
    assert (run / ".last.x1y2").is_dir()
    live.send_signal(signal.SIGINT)
    said = live.communicate(timeout=60)[1]
    assert live.returncode == 0
    assert f"go on with --run {run} --resume" in said
    lines = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert lines == list(range(1, len(lines) + 1))
    resuming = ["classify.train", "--run", str(run), "--resume"]
    again = Command(tmp_path, resuming)
    wait_for(run / ".lock", again)
    again.kill()
    again.wait()
    last = Command(tmp_path, resuming)
    wait_for(run / ".lock", last)
    while "training" not in last.err.read_text():
        time.sleep(0.01)
    for _ in range(2):
        last.send_signal(signal.SIGINT)
    last.communicate(timeout=60)
    assert last.returncode in (0, 130)  # the first may have been done with before the second came
    assert not (run / ".lock").exists()
