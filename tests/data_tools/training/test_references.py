"""Runs with a reference of good images: the same in training and prediction, from the checkpoint, and resumed."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import classify
import classify.training
import detect
import detect.training
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import read_predictions
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import AugmentConfig
from data_tools.networks.backbones import build_backbone
from data_tools.networks.reference import ReferenceBranch
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig
from data_tools.training.interrupt import Stopped
from data_tools.training.references import reference_of, take_reference

FIT = FitConfig(steps=4, epoch_steps=2, batch_size=4, warmup_steps=0, lr=5e-3, mixed_precision="no")
AUTO = InputConfig(reference="auto", augment=AugmentConfig("hflip"))
APPROACHES: dict[str, tuple[Any, Any]] = {
    "detect": (detect, detect.DetectorConfig("simple_cnn", "none", frozen_to_stride=0, fpn_channels=16)),
    "classify": (classify, classify.ClassifierConfig("simple_cnn", "none")),
}


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory, make_sample: Callable[..., Sample]) -> Path:
    """40 devices of 64 px that lie alike up to a pixel or two, every fourth with a bright spot."""
    folder = tmp_path_factory.mktemp("devices")
    (folder / "images").mkdir()
    rng, samples = np.random.default_rng(0), []
    for i in range(1, 41):
        image = rng.normal(40, 3, (64, 64))
        image[20:44, 16:50] += 80
        image[8:20, 22:27] += 180
        boxes = [(28, 28, 36, 36)] if i % 4 == 0 else []
        if boxes:
            image[28:36, 28:36] += 60
        shifted = np.roll(image, rng.integers(-2, 3, 2), (0, 1)).clip(0, 255).astype(np.uint8)
        Image.fromarray(shifted).save(folder / "images" / f"{i}.png")
        samples.append(make_sample(i, boxes, (64, 64)))
    ids = tuple(range(1, 41))
    splits = Splits(0, "none", ids[:24], ids[24:32], ids[32:])
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


def train(approach: str, data: Path, run: Path, seen: InputConfig = AUTO, resume: bool = False) -> None:
    module, model = APPROACHES[approach]
    module.train(data, module.Settings(model=model, input=seen, fit=FIT), run, resume)


@pytest.fixture(scope="module")
def runs(devices: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("runs")
    for approach in APPROACHES:
        train(approach, devices, place / approach)
    return {approach: place / approach for approach in APPROACHES}


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_checkpoint_brings_its_reference(approach: str, runs: dict[str, Path], devices: Path) -> None:
    run = runs[approach]
    assert json.loads((run / "manifest.json").read_text())["reference"] == [1, 64, 64]
    held = load_file(run / "best" / "model.safetensors")
    assert held["backbone.reference.shown.weight"].abs().max() > 0  # it has learned something
    own = reference_of(APPROACHES[approach][0].load(run).model.backbone)
    assert own is not None
    assert (own.median == held["backbone.reference.median"].numpy()).all()
    images = [np.asarray(Image.open(devices / "images" / f"{i}.png"), dtype=float) for i in range(1, 25) if i % 4]
    assert np.corrcoef(own.median[0].ravel(), np.mean(images, axis=0).ravel())[0, 1] > 0.9


@pytest.mark.parametrize("approach", APPROACHES)
def test_prediction_is_that_of_training(approach: str, runs: dict[str, Path], devices: Path) -> None:
    run = runs[approach]
    written = read_predictions(run / "predictions" / "test.jsonl").predictions
    again = APPROACHES[approach][0].load(run).predict(read_dataset(devices))
    for ours, theirs in zip(written, again, strict=True):
        assert ours.score == pytest.approx(theirs.score, abs=1e-6)
        assert np.allclose(ours.boxes_xyxy, theirs.boxes_xyxy, atol=1e-3)
        assert (ours.peak_xy is None) == (theirs.peak_xy is None)


@pytest.mark.parametrize("approach", APPROACHES)
def test_maps_and_images_of_other_sizes_are_made_too(approach: str, runs: dict[str, Path], devices: Path) -> None:
    image = Image.open(devices / "images" / "4.png")
    arrays = [np.asarray(image), np.asarray(image.resize((90, 75)))]
    predictions = APPROACHES[approach][0].load(runs[approach]).predict(arrays, cam="layercam")
    assert [prediction.size_hw for prediction in predictions] == [(64, 64), (75, 90)]
    assert all(prediction.heatmap is not None for prediction in predictions)


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_stopped_and_resumed_run_ends_bit_identical(
    approach: str, runs: dict[str, Path], devices: Path, tmp_path: Path, stop_after: Callable[[ModuleType, int], None]
) -> None:
    stop_after({"detect": detect.training, "classify": classify.training}[approach], 3)
    with pytest.raises(Stopped, match="after step 3"):
        train(approach, devices, tmp_path / "cut")
    train(approach, devices, tmp_path / "cut", resume=True)
    ours, theirs = (load_file(run / "best" / "model.safetensors") for run in (tmp_path / "cut", runs[approach]))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize("approach", APPROACHES)
def test_a_run_without_it_is_as_ever(approach: str, devices: Path, tmp_path: Path) -> None:
    train(approach, devices, tmp_path / "run", InputConfig(augment=AugmentConfig("hflip")))
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["reference"] is None
    assert not [key for key in load_file(tmp_path / "run" / "best" / "model.safetensors") if "reference" in key]
    old = tmp_path / "old"  # of a version that knew nothing of references
    shutil.copytree(tmp_path / "run", old)
    kept = {key: value for key, value in manifest.items() if key not in ("reference", "checksums")}
    (old / "manifest.json").write_text(json.dumps(kept))
    assert len(APPROACHES[approach][0].load(old).predict(read_dataset(devices))) == 8


def test_training_starts_as_without_it(devices: Path, tmp_path: Path) -> None:
    """The first loss of both is the same, because nothing else is drawn otherwise."""
    from detect.preparing import loss_of, prepare

    data = read_dataset(devices)
    losses = []
    for reference in ("auto", "off"):
        torch.manual_seed(0)
        settings = detect.Settings(
            model=APPROACHES["detect"][1],
            input=InputConfig(reference=reference, augment=AugmentConfig("hflip")),  # type: ignore[arg-type]
            paste=detect.PasteConfig(0.5, jitter=0.03),
            fit=FIT,
        )
        backbone = build_backbone("simple_cnn", "none")
        made = prepare(Experiment("detect", tmp_path, devices, data, devices / "images"), settings, backbone)
        parts = loss_of(made.model.train(), next(iter(made.loader)))
        losses.append({name: loss.item() for name, loss in parts.items()})
        assert (backbone.reference is None) == (reference == "off")
    assert losses[0] == losses[1]


def test_images_that_share_nothing_have_none_and_it_is_said(
    squares: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        train("classify", squares, tmp_path / "run")
    said = [record.message for record in caplog.records if "reference of good images" in record.message]
    assert len(said) == 1
    assert "off (training images share" in said[0]
    assert "no place on the part" in said[0]
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["reference"] is None


def test_too_few_good_images_are_refused_where_it_is_asked_for(squares: Path, tmp_path: Path) -> None:
    data = read_dataset(squares)
    experiment = Experiment("classify", tmp_path, squares, data, squares / "images")
    with pytest.raises(InputError, match=r"input\.reference on: 6 good training images, and it takes 8"):
        take_reference(build_backbone("simple_cnn", "none"), experiment, InputConfig(reference="on"), FIT)


def test_a_damaged_shape_is_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(runs["classify"], tmp_path / "run")
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    for shape, said in (([1, 64], "shape"), ("x", "reference"), ([1, 64, 10**9], "shape"), ([1, 32, 64], "median")):
        path.write_text(json.dumps(manifest | {"reference": shape, "checksums": {}}))
        with pytest.raises(InputError, match=said):
            classify.load(tmp_path / "run")


def test_a_reference_is_made_once_until_its_weights_change() -> None:
    backbone = build_backbone("simple_cnn", "none")
    assert reference_of(backbone) is None
    backbone.reference = ReferenceBranch(torch.zeros(1, 4, 4), torch.ones(1, 4, 4))
    first = reference_of(backbone)
    assert first is reference_of(backbone)
    backbone.load_state_dict(backbone.state_dict() | {"reference.median": torch.full((1, 4, 4), 2.0)})
    second = reference_of(backbone)
    assert second is not None
    assert (second.median == 2).all()
    assert first is not None
    assert (first.median == 0).all()
