"""Runs that compare each image with its template: trained, predicted, exported, resumed, and refused without it."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

import classify
import classify.alignment
import classify.export
import classify.plan
import classify.predict
import classify.train
import classify.trained
import classify.training
import detect
import detect.export
import detect.plan
import detect.predict
import detect.serve
import detect.train
import detect.training
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.files.templates import Templates
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.template_difference import template_difference
from data_tools.loading.transforms import AugmentConfig
from data_tools.runtime.bundle import read_bundle
from data_tools.training.fit_config import FitConfig
from data_tools.training.interrupt import Stopped
from detect.bundle_record import record_of
from detect.quantised import make_int8, validation_images

FIT = FitConfig(steps=4, epoch_steps=2, batch_size=4, warmup_steps=0, lr=5e-3, mixed_precision="no")
PAIRED = InputConfig(reference="paired", augment=AugmentConfig("flips", zoom=0.3))
APPROACHES: dict[str, tuple[Any, Any]] = {
    "detect": (detect, detect.DetectorConfig("simple_cnn", "none", frozen_to_stride=0, fpn_channels=16)),
    "classify": (classify, classify.ClassifierConfig("simple_cnn", "none")),
}


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory, make_sample: Callable[..., Sample]) -> Path:
    """40 boards of 64 px, each of its own, with templates beside them; every fourth board has a bright spot."""
    folder = tmp_path_factory.mktemp("boards")
    for name in ("images", "templates"):
        (folder / name).mkdir()
    rng, samples = np.random.default_rng(0), []
    for number in range(1, 41):
        board = np.full((64, 64), 40.0)
        for top, left in rng.integers(0, 48, (5, 2)):
            board[top : top + 14, left : left + 10] = rng.integers(80, 200)
        template, image = (board + rng.normal(0, 2, board.shape) for _ in range(2))
        boxes = [(28, 28, 36, 36)] if number % 4 == 0 else []
        if boxes:
            image[28:36, 28:36] += 50
        for name, pixels in (("images", image), ("templates", template)):
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{number}.png")
        samples.append(make_sample(number, boxes, (64, 64)))
    ids = tuple(range(1, 41))
    splits = Splits(0, "none", ids[:24], ids[24:32], ids[32:])
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


def train(
    approach: str, data: Path, run: Path, templates: Path | None, seen: InputConfig = PAIRED, resume: bool = False
) -> None:
    module, model = APPROACHES[approach]
    module.train(data, module.Settings(model=model, input=seen, fit=FIT), run, resume, templates)


def load(approach: str, run: Path, templates: Path | None, runtime: str | None = None) -> Any:
    return APPROACHES[approach][0].load(run, runtime, templates)


@pytest.fixture(scope="module")
def runs(boards: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    for approach in APPROACHES:
        train(approach, boards, place / approach, boards / "templates")
    return {approach: place / approach for approach in APPROACHES}


@pytest.fixture(scope="module")
def bundles(runs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("bundles")
    detect.export(runs["detect"], place / "detect")
    classify.export(runs["classify"], place / "classify", cam="gradcam")
    return {approach: place / approach for approach in APPROACHES}


def assert_same(ours: list[Prediction], theirs: list[Prediction], atol: float) -> None:
    assert [one.file_name for one in ours] == [one.file_name for one in theirs]
    assert [one.score for one in ours] == pytest.approx([one.score for one in theirs], abs=atol)


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_run_keeps_where_its_templates_are_and_none_of_their_pixels(
    approach: str, runs: dict[str, Path], boards: Path
) -> None:
    run, folder = runs[approach], str(boards / "templates")
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert (config["reference"], config["input"]["reference"]) == (folder, "paired")
    manifest = json.loads((run / "manifest.json").read_text())
    assert (manifest["reference"], manifest["templates"]) == ("paired", folder)
    held = load_file(run / "best" / "model.safetensors")
    assert held["backbone.reference.shown.weight"].abs().max() > 0  # it has learned something
    assert not [key for key in held if key.endswith(("median", "spread"))]


@pytest.mark.parametrize("approach", APPROACHES)
def test_prediction_is_that_of_training_and_of_the_bundle(
    approach: str, runs: dict[str, Path], bundles: dict[str, Path], boards: Path
) -> None:
    written = list(read_predictions(runs[approach] / "predictions" / "test.jsonl").predictions)
    trained = load(approach, runs[approach], boards / "templates")
    assert_same(written, trained.predict(read_dataset(boards)), 1e-6)
    bundled = load(approach, bundles[approach], boards / "templates")
    assert_same(written, bundled.predict(read_dataset(boards)), 1e-3)
    paths = [boards / "images" / one.file_name for one in written]  # by an absolute path, the same templates
    for model in (trained, bundled):
        assert [one.score for one in model.predict(paths)] == pytest.approx([one.score for one in written], abs=1e-3)
    with torch.no_grad():
        trained.model.backbone.reference.shown.weight.zero_()
    blind = trained.predict(read_dataset(boards))
    assert any(abs(one.score - other.score) > 1e-3 for one, other in zip(written, blind, strict=True))


def test_proposals_and_maps_see_templates_too(runs: dict[str, Path], bundles: dict[str, Path], boards: Path) -> None:
    image = [boards / "images" / "36.png"]
    for approach in APPROACHES:
        (one,) = load(approach, runs[approach], boards / "templates").predict(image, cam="layercam")
        assert one.heatmap is not None
    data = read_dataset(boards)
    ours, theirs = (
        load("detect", place["detect"], boards / "templates").propose(data.split("test"), boards / "images", 10)
        for place in (runs, bundles)
    )
    assert_same(ours, theirs, 1e-3)


@pytest.mark.parametrize("approach", APPROACHES)
def test_nothing_predicts_without_templates(
    approach: str,
    runs: dict[str, Path],
    bundles: dict[str, Path],
    boards: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module, out = APPROACHES[approach][0], tmp_path / "p.jsonl"
    for place in (runs[approach], bundles[approach]):
        with pytest.raises(InputError, match="give their folder with --reference FOLDER"):
            module.load(place)
        words = ["--run", str(place), "--data", str(boards), "--out", str(out)]
        assert module.predict.main(words) == 2
        assert "give their folder with --reference FOLDER" in capsys.readouterr().err
        assert module.predict.main([*words, "--reference", str(boards / "images")]) == 2
        said = capsys.readouterr().err
        assert "8 of the 8 images have no template to be compared with" in said
        assert "is the image itself" in said
        with pytest.raises(InputError, match="array 1: no template below"):
            load(approach, place, boards / "templates").predict(np.zeros((64, 64), np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("approach", APPROACHES)
def test_the_command_predicts_and_lists_what_has_no_template(
    approach: str,
    runs: dict[str, Path],
    bundles: dict[str, Path],
    boards: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main, written = APPROACHES[approach][0].predict.main, runs[approach] / "predictions" / "test.jsonl"
    for name, place in (("run", runs[approach]), ("bundle", bundles[approach])):
        words = ["--run", str(place), "--reference", str(boards / "templates")]
        assert main([*words, "--data", str(boards), "--out", str(tmp_path / f"{name}.jsonl")]) == 0
        predictions = read_predictions(tmp_path / f"{name}.jsonl").predictions
        assert_same(list(predictions), list(read_predictions(written).predictions), 1e-3)
    folder, out = tmp_path / "images", tmp_path / "named.jsonl"
    folder.mkdir()
    for name in ("1.png", "2.png"):
        shutil.copy(boards / "images" / name, folder / name)
    shutil.copy(boards / "images" / "3.png", folder / "other.png")
    Image.new("L", (64, 60)).save(folder / "4.png")
    capsys.readouterr()
    assert main([*words, "--images", str(folder), "--out", str(out)]) == 3
    assert [one.file_name for one in read_predictions(out).predictions] == ["1.png", "2.png"]
    errors = [json.loads(line) for line in (tmp_path / "named.errors.jsonl").read_text().splitlines()[1:]]
    reasons = {line["file_name"]: line["reason"] for line in errors}
    assert set(reasons) == {"4.png", "other.png"}
    assert "no template below" in reasons["other.png"]
    assert "is 64 x 64 pixels, and the image 64 x 60" in reasons["4.png"]


def test_overlays_do_not_go_among_templates(
    runs: dict[str, Path], boards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--run", str(runs["detect"]), "--reference", str(boards / "templates"), "--images", str(boards / "images")]
    place = boards / "templates" / "drawn"
    assert detect.predict.main([*words, "--out", str(boards / "p.jsonl"), "--overlays", str(place)]) == 2
    assert "whose pictures are templates; give another folder" in capsys.readouterr().err
    assert not place.exists()


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_stopped_and_resumed_run_ends_bit_identical(
    approach: str, runs: dict[str, Path], boards: Path, tmp_path: Path, stop_after: Callable[[ModuleType, int], None]
) -> None:
    stop_after({"detect": detect.training, "classify": classify.training}[approach], 3)
    with pytest.raises(Stopped, match="after step 3"):
        train(approach, boards, tmp_path / "cut", boards / "templates")
    module = APPROACHES[approach][0]
    assert module.train.main(["--run", str(tmp_path / "cut"), "--resume"]) == 0  # the run knows its templates
    ours, theirs = (load_file(run / "best" / "model.safetensors") for run in (tmp_path / "cut", runs[approach]))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_training_without_all_templates_is_refused_and_writes_nothing(
    approach: str, boards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    templates, run = tmp_path / "templates", tmp_path / "run"
    shutil.copytree(boards / "templates", templates)
    (templates / "40.png").unlink()  # of test
    words = ["--data", str(boards), "--run", str(run)]
    main = APPROACHES[approach][0].train.main
    for more, said in (
        (["--reference", str(templates)], "1 of the 40 images have no template to be compared with: 40.png: no temp"),
        (["--reference", str(templates), "--config", "quickstart"], "1 of the 40 images have no template"),
        (["--reference", str(tmp_path / "nowhere")], "nowhere: no such folder of templates"),
        (["--reference", str(templates), "--input.reference", "on"], "leave --input.reference out"),
        (["--config", "quickstart", "--input.reference", "paired"], "give their folder with --reference FOLDER"),
    ):
        assert main([*words, *more]) == 2
        assert said in capsys.readouterr().err
    assert not run.exists() or not [path for path in run.iterdir() if path.name != ".lock"]


def test_a_run_without_templates_takes_none(boards: Path, tmp_path: Path) -> None:
    train("classify", boards, tmp_path / "run", None, InputConfig(augment=AugmentConfig("none")))
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert "reference" not in config
    assert "templates" not in json.loads((tmp_path / "run" / "manifest.json").read_text())
    with pytest.raises(InputError, match="was trained without templates"):
        load("classify", tmp_path / "run", boards / "templates")
    with pytest.raises(InputError, match=r'input\.reference "off", now "paired"'):
        train("classify", boards, tmp_path / "run", boards / "templates", resume=True)


def test_large_images_are_compared_window_by_window(
    runs: dict[str, Path], bundles: dict[str, Path], boards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, bundled = (load("detect", place["detect"], boards / "templates") for place in (runs, bundles))
    images = [boards / "images" / f"{number}.png" for number in (33, 36)]
    whole = trained.predict(images)
    seen = replace(trained.input, max_pixels=32 * 32, slices=SliceConfig(side_px=32, seen_px=32))
    trained, bundled.input = replace(trained, input=seen), seen
    read: list[tuple[int, ...]] = []

    def noting(image: Any, template: Any) -> Any:
        assert image.shape == template.shape
        read.append(image.shape)
        return template_difference(image, template)

    monkeypatch.setattr("data_tools.loading.dataset.template_difference", noting)
    in_windows = trained.predict(images)
    assert len(read) > 9 * len(whole)  # of each image the whole, and windows of half its side
    assert_same(in_windows, bundled.predict(images), 1e-3)
    assert [one.score for one in in_windows] != [one.score for one in whole]


@pytest.mark.parametrize("approach", APPROACHES)
def test_the_plan_says_where_the_reference_comes_from(
    approach: str, boards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, folder = APPROACHES[approach][0].plan, str(boards / "templates")
    assert plan.main([str(boards), "--reference", folder, "--no_time"]) == 0
    said = capsys.readouterr().out
    assert f"paired: each image has its template below {folder}" in said
    assert f"--run RUN --reference {folder}" in said
    decided = plan(read_dataset(boards), "quick", reference=folder).values()
    assert decided["input.reference"] == "paired"
    assert plan.main([str(boards), "--reference", str(boards / "images"), "--no_time"]) == 2
    assert "40 of the 40 images have no template" in capsys.readouterr().err


def test_other_doors_ask_for_templates_or_say_why_not(
    runs: dict[str, Path], boards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fastapi")
    assert detect.serve.main(["--run", str(runs["detect"]), "--port", "0"]) == 2
    assert "it compares each image with its template, which a request does not bring" in capsys.readouterr().err
    words = ["--run", str(runs["classify"]), "--data", str(boards)]
    assert classify.alignment.main(words) == 2
    assert "give their folder with --reference FOLDER" in capsys.readouterr().err
    assert classify.alignment.main([*words, "--reference", str(boards / "templates")]) == 0


def test_int8_is_calibrated_with_the_runs_templates(
    runs: dict[str, Path], bundles: dict[str, Path], boards: Path, tmp_path: Path
) -> None:
    run, folder = runs["detect"], tmp_path / "bundle"
    shutil.copytree(bundles["detect"], folder)
    validation = validation_images(run, json.loads((run / "manifest.json").read_text()))
    assert validation.templates == Templates(boards / "templates")
    changed = make_int8(folder, record_of(read_bundle(folder, "detect")), validation)
    assert (changed["precision"], changed["calibration_images"]) == ("int8", 8)


def test_int8_asks_for_templates_that_are_gone_before_it_exports(
    runs: dict[str, Path], boards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, words = tmp_path / "run", ["--out", str(tmp_path / "bundle")]
    shutil.copytree(runs["detect"], run)
    manifest = json.loads((run / "manifest.json").read_text())
    assert validation_images(run, manifest, None, boards / "templates").templates == Templates(boards / "templates")
    gone = manifest | {"templates": str(tmp_path / "gone")}
    with pytest.raises(InputError, match=r"gone: the templates of .* are not there; name their folder with --refer"):
        validation_images(run, gone)
    assert validation_images(run, gone, None, boards / "templates").templates == Templates(boards / "templates")
    with pytest.raises(InputError, match=r"manifest\.json.*templates.*text"):
        validation_images(run, manifest | {"templates": 5})
    with pytest.raises(InputError, match="was trained without templates; leave it out"):
        validation_images(run, {key: manifest[key] for key in manifest if key != "templates"}, None, tmp_path)
    assert detect.export.main([str(run), *words, "--reference", str(boards / "templates")]) == 2
    assert "only --precision int8 looks at templates" in capsys.readouterr().err
    assert detect.export.main([str(run), *words, "--precision", "int8", "--reference", str(boards / "images")]) == 2
    assert "8 images have no template to be compared with" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_template_that_is_damaged_is_listed_and_one_that_goes_after_it_was_read_is_not_missed(
    runs: dict[str, Path], boards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates, out = tmp_path / "templates", tmp_path / "p.jsonl"
    shutil.copytree(boards / "templates", templates)
    (templates / "2.png").write_bytes((templates / "2.png").read_bytes()[:200])
    (templates / "3.png").unlink()
    os.mkfifo(templates / "3.png")
    shutil.copy(templates / "4.png", templates / "4.bmp")
    predict = classify.trained.TrainedClassifier.predict_samples

    def predict_after_all_is_gone(*given: Any) -> list[Prediction]:
        shutil.rmtree(templates, ignore_errors=True)
        return predict(*given)

    monkeypatch.setattr(classify.trained.TrainedClassifier, "predict_samples", predict_after_all_is_gone)
    images = [str(boards / "images" / f"{number}.png") for number in (1, 2, 3, 4, 5)]
    words = ["--run", str(runs["classify"]), "--reference", str(templates), "--images", *images]
    assert classify.predict.main([*words, "--out", str(out)]) == 3
    expected = load("classify", runs["classify"], boards / "templates").predict([images[0], images[4]])
    ours = [one.score for one in read_predictions(out).predictions]
    assert ours == pytest.approx([one.score for one in expected], abs=1e-6)
    errors = [json.loads(line) for line in (tmp_path / "p.errors.jsonl").read_text().splitlines()[1:]]
    assert [(line["lacks"], Path(line["file_name"]).name) for line in errors] == [
        ("template", f"{number}.png") for number in (2, 3, 4)
    ]
    assert ["which is" in line["reason"] for line in errors] == [False, False, True]
