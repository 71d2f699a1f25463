"""The main job as a user runs it: convert or render, train both approaches, judge, draw, predict; and what is refused.

Everything here is tiny; what is asserted is that the numbers come out where a learning system must put them.
"""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import classify.predict
import classify.train
import data_tools.convert
import data_tools.synth
import detect.evaluate
import detect.predict
import detect.train
import detect.visualize
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.predictions import read_predictions

FAST = ["--fit.batch_size", "4", "--fit.warmup_steps", "5", "--fit.mixed_precision", "no"]


@pytest.fixture(scope="module")
def runs(devices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of each approach under runs/, an epoch each."""
    place = tmp_path_factory.mktemp("work")
    common = ["--data", str(devices), "--recipe", "quick", "--input.size_hw", "[128,128]", *FAST, "--fit.epochs", "1"]
    assert detect.train.main([*common, "--run", str(place / "runs" / "d")]) == 0
    assert classify.train.main([*common, "--run", str(place / "runs" / "c")]) == 0
    return place


def test_a_run_folder_holds_what_the_contract_says(runs: Path) -> None:
    for name in ("d", "c"):
        folder = runs / "runs" / name
        for file in (
            "config.yaml",
            "manifest.json",
            "metrics.jsonl",
            "curves.png",
            "last/state.json",
            "best/model.safetensors",
            "predictions/val.jsonl",
            "predictions/test.jsonl",
        ):
            assert (folder / file).is_file(), file
        manifest = json.loads((folder / "manifest.json").read_text())
        assert {"versions", "git", "data_hash", "seed", "device", "command", "finished"} <= manifest.keys()
    assert (runs / "runs" / "c" / "predictions" / "test.npz").is_file()


def test_the_newest_runs_are_judged_without_arguments(
    runs: Path, devices: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs)
    assert detect.evaluate.main(["--out", "report.json", "--html", "report.html"]) == 0
    shown = capsys.readouterr()
    assert "verdict" in shown.out
    report = json.loads((runs / "report.json").read_text())
    assert list(report["runs"]) == ["d", "c"]
    n = len(read_dataset(devices).split("test"))
    assert report["data"]["n_images"] == n
    for run in report["runs"].values():
        assert 0 <= run["metrics"]["auc"]["value"] <= 1
        assert 0 <= run["metrics"]["peak_distance"]["hit_rate"] <= 1
    assert report["baselines"].keys() >= {"centre", "mean_position"}
    page = (runs / "report.html").read_text()
    assert not re.search(r"(src|href)=.?https?:|@import|url\(.?http", page)


def test_overlays_of_the_newest_runs(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs)
    assert detect.visualize.main(["--out", "overlays", "--num", "2"]) == 0
    assert len(list((runs / "overlays").glob("*.png"))) == 3


def test_predictions_written_again_are_the_run_s_own(runs: Path, devices: Path) -> None:
    for name, main in (("d", detect.predict.main), ("c", classify.predict.main)):
        run, out = runs / "runs" / name, runs / f"{name}.jsonl"
        assert main(["--run", str(run), "--data", str(devices), "--split", "val", "--out", str(out)]) == 0
        first = read_predictions(run / "predictions" / "val.jsonl").predictions
        again = read_predictions(out).predictions
        assert [p.image_id for p in again] == [p.image_id for p in first]
        assert [p.score for p in again] == pytest.approx([p.score for p in first], abs=1e-5)
        for p, q in zip(first, again, strict=True):
            np.testing.assert_allclose(q.box_scores, p.box_scores, atol=1e-4)


def test_loose_images_can_be_predicted(runs: Path, devices: Path) -> None:
    out = runs / "loose.jsonl"
    files = sorted((devices / "images").iterdir())[:3]
    assert (
        detect.predict.main(["--run", str(runs / "runs" / "d"), "--images", *map(str, files), "--out", str(out)]) == 0
    )
    assert [p.file_name for p in read_predictions(out).predictions] == [f.name for f in files]


@pytest.mark.parametrize(
    ("main", "words", "message"),
    [
        (detect.train.main, ["--data", "nowhere"], "nowhere"),
        (detect.train.main, ["--model.backbne", "resnet18"], "model.backbone"),
        (detect.train.main, ["--resume", "--run", "nowhere"], "nothing to resume"),
        (detect.train.main, ["--config", "no_such"], "no_such"),
        (detect.train.main, ["--fit.lr", "1", "--fit.lr", "2"], "--fit.lr is given twice"),
        (detect.train.main, ["--paste.share", "2"], "paste.share"),
        (detect.train.main, ["--input.augment.zoom", "1"], "input.augment.zoom"),
        (detect.train.main, ["--input.augment.zoom", "0.5", "--input.augment.zoom_share", "1"], "zoom_share"),
        (classify.train.main, ["--fit.epochs", "many"], "fit.epochs"),
        (detect.evaluate.main, ["--runs", "nowhere"], "nowhere"),
        (detect.evaluate.main, [], "python -m detect.train"),
        (detect.visualize.main, [], "python -m detect.train"),
        (detect.predict.main, ["--run", "nowhere", "--data", "x", "--out", "y"], "nowhere"),
    ],
)
def test_bad_usage_is_one_message_and_status_2(
    main: object,
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2  # type: ignore[operator]
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_neither_overwritten_nor_mixed_with_other_data(
    runs: Path, devices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect.train.main(["--data", str(devices), "--run", str(runs / "runs" / "d")]) == 2
    assert "--resume" in capsys.readouterr().err
    assert detect.train.main(["--run", str(runs / "runs" / "d"), "--resume", "--data", str(tmp_path)]) == 2
    other = tmp_path / "other"
    assert data_tools.synth.main(["--out", str(other), "--good", "20", "--defect", "20", "--seed", "2"]) == 0
    for main, words in ((detect.evaluate.main, ["--runs"]), (detect.train.main, ["--resume", "--run"])):
        assert main([*words, str(runs / "runs" / "d"), "--data", str(other)]) == 2
        assert "other annotations" in capsys.readouterr().err


def test_real_images_are_learned(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Convert the real set by its masks, learn for half a minute, and find defects better than a trivial localizer."""
    data, run = tmp_path / "data", tmp_path / "run"
    source = tmp_path / "source"
    for folder, count in (("MT_Blowhole", 60), ("MT_Break", 30), ("MT_Free", 60)):
        (source / folder).mkdir(parents=True)
        (source / folder / "Imgs").mkdir()
        for image in sorted((shared_data / "magnetic_tile" / folder / "Imgs").glob("*.jpg"))[:count]:
            for file in (image, image.with_suffix(".png")):
                shutil.copyfile(file, source / folder / "Imgs" / file.name)
    assert data_tools.convert.main([str(source), "--format", "mask", "--out", str(data), "--copy"]) == 0
    dataset = read_dataset(data)
    groups = [{s.group for s in dataset.split(part)} for part in ("train", "val", "test")]
    assert sum(map(len, groups)) == len(set().union(*groups))
    settings = ["--recipe", "quick", "--input.size_hw", "[128,128]", "--fit.epochs", "3", "--fit.lr", "0.001", *FAST]
    assert detect.train.main(["--data", str(data), "--run", str(run), *settings]) == 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert sum(lines[-1]["losses"].values()) < 0.7 * sum(lines[0]["losses"].values())
    out = tmp_path / "report.json"
    assert detect.evaluate.main(["--runs", str(run), "--split", "test", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    found = report["runs"]["run"]["metrics"]["peak_distance"]
    assert found["hit_rate_15px"] > report["baselines"]["centre"]["peak_distance"]["hit_rate_15px"]
    assert report["runs"]["run"]["metrics"]["auc"]["value"] > 0.6
