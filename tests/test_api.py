"""The Python that README shows, run as it stands there, and what the functions promise beside it."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import classify
import data_tools
import detect
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction
from data_tools.judging.evaluate import evaluate
from data_tools.judging.judged import Entry
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig
from detect.predict import main as predict_main

ROOT = Path(__file__).resolve().parents[1]
FIT = FitConfig(epochs=1, batch_size=4, warmup_steps=2, mixed_precision="no")
INPUT = InputConfig(size_hw=(64, 64))


@pytest.fixture(scope="module")
def squares_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 images of 64 px in four parts of six, every second image with a white square."""
    folder = tmp_path_factory.mktemp("api") / "data"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    samples = []
    for i in range(1, 25):
        pixels = rng.integers(40, 90, (64, 64), dtype=np.uint8)
        boxes = np.array([[24.0, 24, 40, 40]] if i % 2 else []).reshape(-1, 4)
        if len(boxes):
            pixels[24:40, 24:40] = 255
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        status = "boxed" if len(boxes) else "good"
        samples.append(
            data_tools.Sample(
                i, f"{i}.png", (64, 64), boxes, np.ones(len(boxes), int), status, f"g{i}", "square" if i % 2 else "good"
            )
        )
    ids = tuple(range(1, 25))
    splits = data_tools.Splits(0, "none", ids[:12], ids[12:18], ids[18:])
    data_tools.write_dataset(folder, data_tools.Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


@pytest.fixture(scope="module")
def detector_run(squares_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> data_tools.Run:
    settings = detect.Settings(input=INPUT, fit=FIT)
    return detect.train(data_tools.read_dataset(squares_folder), settings, run=tmp_path_factory.mktemp("r") / "d")


def test_training_gives_a_finished_run(detector_run: data_tools.Run, squares_folder: Path) -> None:
    assert (detector_run.approach, detector_run.data) == ("detect", squares_folder)
    assert detector_run.predictions("test").is_file()
    threshold = json.loads((detector_run.folder / "manifest.json").read_text())["threshold"]
    assert (threshold["tpr"], threshold["n_defects"], threshold["n_good"]) == (0.98, 3, 3)
    detector = detect.load(detector_run.folder)
    assert detector.threshold.value == threshold["value"]
    test, validation = (data_tools.read_predictions(detector_run.predictions(split)) for split in ("test", "val"))
    entry = Entry("run", test, validation)
    report = evaluate(data_tools.read_dataset(squares_folder), "test", [entry], ["auc"], resamples=10)
    assert report.runs["run"].metrics["operating_point"]["threshold"] == threshold["value"]
    with pytest.raises(InputError, match="holds a run already"):
        detect.train(squares_folder, run=detector_run.folder)


def test_predictions_name_the_threshold_that_the_run_keeps(detector_run: data_tools.Run, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    out = tmp_path / "p.jsonl"
    words = ["--run", str(detector_run.folder), "--images", str(tmp_path / "a.png"), "--out", str(out)]
    assert predict_main(words) == 0
    kept = json.loads((detector_run.folder / "manifest.json").read_text())["threshold"]["value"]
    assert data_tools.read_predictions(out).header.config["threshold"] == kept


def test_paths_arrays_and_a_dataset_give_the_same_predictions(
    detector_run: data_tools.Run, squares_folder: Path
) -> None:
    data = data_tools.read_dataset(squares_folder)
    detector = detect.load(detector_run.folder)
    of_split = detector.predict(data)
    assert [p.image_id for p in of_split] == [19, 20, 21, 22, 23, 24]
    paths = [squares_folder / "images" / f"{i}.png" for i in range(19, 25)]
    arrays = [np.asarray(Image.open(path)) for path in paths]
    rgb = [np.stack([array] * 3, axis=-1) for array in arrays]
    for images in (paths, list(map(str, paths)), arrays, rgb, iter(arrays)):
        for one, other in zip(detector.predict(images), of_split, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-6)
            np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1e-3)
    (single,) = detector.predict(paths[0])
    assert (single.file_name, single.size_hw) == (paths[0].as_posix(), (64, 64))
    stored = data_tools.read_predictions(detector_run.predictions("test")).predictions
    assert [p.score for p in of_split] == pytest.approx([p.score for p in stored], abs=1e-6)


def test_predictions_come_lazily(detector_run: data_tools.Run) -> None:
    """Of an endless stream the first few are given, after one chunk of images has been asked for."""
    asked = 0

    def endless() -> object:
        nonlocal asked
        while True:
            asked += 1
            yield np.zeros((64, 64), dtype=np.uint8)

    detector = detect.load(str(detector_run.folder))
    predictions = detector.stream(endless())
    first = next(predictions)
    assert isinstance(first, Prediction)
    assert first.file_name == "array 1"
    assert asked <= 64


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4), np.uint8), np.zeros(4, np.uint8)]
)
def test_what_is_no_image_is_named(detector_run: data_tools.Run, image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"image 2: an array"):
        detect.load(detector_run.folder).predict([np.zeros((64, 64), np.uint8), image])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cam": "foo"}, "cam 'foo': not of gradcam, "),
        ({"cam": 3}, "cam 3: not of"),
        ({"cam": "gradcam", "cam_stride": 5}, "cam_stride 5: not of 4, 8, 16, 32"),
        ({"cam": "gradcam", "cam_stride": "16"}, "cam_stride '16': not of"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_predicted(
    detector_run: data_tools.Run, given: dict, words: str
) -> None:
    detector = detect.load(detector_run.folder)
    with pytest.raises(InputError, match=words):
        detector.predict([], **given)


@pytest.mark.parametrize("load", [detect.load, classify.load])
def test_what_cannot_be_loaded_is_named(load: Callable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run: NoneType is no folder"):
        load(None)
    with pytest.raises(InputError, match="runtime 'tpu': not of torch, onnx, openvino"):
        load(tmp_path, runtime="tpu")
    with pytest.raises(InputError, match="no run there"):
        load(tmp_path)


def test_a_classifier_trains_loads_and_explains(squares_folder: Path, tmp_path: Path) -> None:
    run = classify.train(squares_folder, classify.Settings(input=INPUT, fit=FIT), run=tmp_path / "c")
    classifier = classify.load(run.folder)
    data = data_tools.read_dataset(squares_folder)
    predictions = classifier.predict(data, split="val", cam="layercam")
    assert [p.image_id for p in predictions] == [13, 14, 15, 16, 17, 18]
    assert all(p.heatmap is not None for p in predictions)
    with pytest.raises(InputError, match="nocam"):
        classifier.predict(data, cam="nocam")
    with pytest.raises(InputError, match="a run of 'classify'"):
        detect.load(run.folder)


def test_a_dataset_in_memory_must_be_written_first(squares_folder: Path) -> None:
    data = dataclasses.replace(data_tools.read_dataset(squares_folder), folder=None)
    with pytest.raises(InputError, match="made in memory"):
        detect.train(data)


def test_a_place_is_a_path_or_a_text(detector_run: data_tools.Run, squares_folder: Path, tmp_path: Path) -> None:
    data = data_tools.read_dataset(str(squares_folder))
    data_tools.write_dataset(str(tmp_path / "d"), data)
    assert len(data_tools.read_dataset(str(tmp_path / "d")).samples) == len(data.samples)
    told = data_tools.read_predictions(str(detector_run.folder / "predictions" / "test.jsonl"))
    data_tools.write_predictions(str(tmp_path / "p.jsonl"), told)
    again = data_tools.read_predictions(str(tmp_path / "p.jsonl"))
    assert [one.score for one in again.predictions] == [one.score for one in told.predictions]
    assert data_tools.read_run(str(detector_run.folder)) == detector_run


def test_a_command_s_module_is_also_its_function(squares_folder: Path) -> None:
    """Whatever was imported first: `import detect.train` must not hide the function `detect.train`."""
    code = (
        "import detect, classify\n"
        "before = detect.train, classify.train\n"
        "import detect.train, classify.train\n"
        "assert callable(before[0]) and callable(detect.train) and callable(classify.train)\n"
        "assert callable(detect.train.main) and callable(classify.train.main)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_packages_load_nothing_heavy() -> None:
    code = "import sys, detect, classify, data_tools; print(sorted({'torch', 'pandas', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    for package in (data_tools, detect, classify):
        for name in package.__all__:
            assert getattr(package, name) is not None
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            package.nothing  # noqa: B018


def test_readme_s_python_runs_as_it_stands(
    squares_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The block of README under "From Python", on the set of squares instead of the reader's own."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## From Python\n.*?```python\n(.*?)```", text, flags=re.S)
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "devices").symlink_to(squares_folder, target_is_directory=True)
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["runs"]) >= {"detector"}
    assert "value" in report["runs"]["detector"]["metrics"]["auc"]
