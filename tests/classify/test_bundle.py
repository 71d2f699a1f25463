"""A classifier's bundle predicts what its run predicts, heat maps included, without torch."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

import classify
from classify.bundled import BundledClassifier, load_bundle, record_of
from classify.cam import cam_maps
from classify.config import ClassifierConfig
from classify.export import main as export_main
from classify.exporting import _Reader, export
from classify.models import Classifier
from classify.predict import main as predict_main
from classify.settings import Settings
from classify.trained import load
from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import Prediction
from data_tools.files.predictions import read_predictions
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import PreprocessConfig
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_names import EXPORTED_METHODS
from data_tools.networks.reference import ReferenceBranch
from data_tools.runtime.bundle import Bundle
from data_tools.runtime.engines import Engine
from tests.installed import packages_of, run_with
from tests.scale_warnings import assert_said_once_of_far_smaller


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of a random network whose logits differ from image to image."""
    learned = {"smallest_hw": [64, 64], "largest_hw": [64, 64]}
    return make_run(tmp_path_factory.mktemp("runs") / "one", "simple_cnn", learned_sizes=learned)


def make_run(folder: Path, backbone: str, **said: object) -> Path:
    (folder / "best").mkdir(parents=True)
    torch.manual_seed(5)
    config = ClassifierConfig(backbone, "none")
    network = build_backbone(backbone, "none")
    if "reference" in said:
        network.reference = ReferenceBranch(torch.randn(1, 64, 64), torch.rand(1, 64, 64) + 0.1)
    model = Classifier(network, config).eval()
    with torch.no_grad():
        if network.reference is not None:
            network.reference.shown.weight.fill_(0.3)
        model.linear.weight *= 30
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, folder / "best" / "model.safetensors"
    )
    settings = Settings(model=config, input=InputConfig(reference="auto" if "reference" in said else "off"))
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(asdict(settings)))))
    manifest = {
        "approach": "classify",
        "finished": "2026-01-01",
        "cam": "gradcam",
        "cam_stride": 32,
        "temperature": 1.5,
    }
    manifest |= {"box_fraction": 0.5, "boxes_used_for": ["cutting"], "data": "gone", "data_hash": "0"}
    (folder / "manifest.json").write_text(json.dumps(manifest | said))
    return folder


def test_a_bundle_compares_with_the_run_s_reference(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "simple_cnn", reference=[1, 64, 64])
    ours, theirs = load_bundle(export(run, tmp_path / "bundle")), load(run)
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((64, 64), (70, 45))]
    answers = [one.score for one in theirs.predict(images)]
    assert [one.score for one in ours.predict(images)] == pytest.approx(answers, abs=1e-4)
    assert theirs.model.backbone.reference is not None
    with torch.no_grad():
        theirs.model.backbone.reference.shown.weight.zero_()
    assert [one.score for one in theirs.predict(images)] != pytest.approx(answers, abs=1e-3)
    record = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    record["reference"]["shape"] = [2, 64, 64]
    with pytest.raises(InputError, match=r"bundle\.json: reference\.median holds"):
        record_of(Bundle(tmp_path / "bundle", Fields(record, "bundle.json"), {}))


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("bundles") / "one")


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Noise of several sizes and gray levels, few of them multiples of a stride, and flat images."""
    rng = np.random.default_rng(0)
    sizes = [(64, 64), (96, 160), (70, 45), (33, 130), (200, 91), (31, 20), (100, 101)]
    noise = [rng.integers(0, 30 + 30 * i, size, dtype=np.uint8) for i, size in enumerate(sizes)]
    return [*noise, np.zeros((64, 64), np.uint8), np.full((80, 64), 255, np.uint8)]


def test_run_and_bundle_name_an_image_that_they_see_far_smaller(
    run: Path, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    squeezed, bundled = InputConfig(size_hw=(32, 32)), load_bundle(bundle)
    bundled.input = squeezed
    assert_said_once_of_far_smaller([replace(load(run), input=squeezed), bundled], caplog)


def assert_same(ours: list[Prediction], theirs: list[Prediction]) -> None:
    """Scores and maps up to rounding, peaks and boxes in the same places."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.size_hw == other.size_hw
        assert one.score == pytest.approx(other.score, abs=1e-4)
        np.testing.assert_allclose(one.heatmap, other.heatmap, atol=1e-3 * max(other.heatmap.max(), 1e-6))
        assert (one.peak_xy is None) == (other.peak_xy is None)
        if one.peak_xy is not None:
            np.testing.assert_allclose(one.peak_xy, other.peak_xy, atol=0.5)
        assert one.boxes_xyxy.shape == other.boxes_xyxy.shape
        np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=1.0)  # cut at whole pixels


CASES = {
    "as they are": InputConfig(),
    "one size": InputConfig(size_hw=(90, 75), standardize=True),
    "fewer pixels": InputConfig(max_pixels=4096),
    "preprocessed": InputConfig(preprocess=PreprocessConfig(2, 10, 128)),
}


@pytest.mark.parametrize("engine", get_args(Engine))
@pytest.mark.parametrize("case", CASES)
def test_a_bundle_predicts_what_its_run_predicts(
    run: Path, bundle: Path, images: list[np.ndarray], case: str, engine: Engine
) -> None:
    ours, theirs = replace(load(run), input=CASES[case]), load_bundle(bundle, engine)
    theirs = BundledClassifier(replace(theirs.record, input=CASES[case]), theirs._graph)
    expected = ours.predict(images)
    assert_same(theirs.predict(images), expected)
    assert len({round(one.score, 3) for one in expected}) > 3
    assert sum(one.peak_xy is not None and len(one.boxes_xyxy) > 0 for one in expected) > 3
    assert theirs.predict([]) == []


@pytest.mark.parametrize("method", EXPORTED_METHODS)
def test_what_is_exported_gives_the_maps_of_each_method(run: Path, method: str) -> None:
    model, images = load(run).model.eval(), torch.rand(3, 1, 70, 45, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits, maps = _Reader(model, method)(images)
    expected_logits, expected = cam_maps(model, model.backbone.layer_of(32), images.expand(-1, 3, -1, -1), method)
    torch.testing.assert_close(logits, expected_logits)
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-4 * expected.max())
    assert expected.max() > 0


@pytest.mark.parametrize("method", ["layercam", "gradcam++"])
def test_another_method_is_exported(run: Path, images: list[np.ndarray], method: str, tmp_path: Path) -> None:
    assert export_main([str(run), "--out", str(tmp_path / "b"), "--cam", method]) == 0
    theirs, ours = classify.load(tmp_path / "b"), load(run)
    for image in images:
        assert_same(theirs.predict([image], cam=method), ours.predict([image], cam=method))
    assert not any(len(one.boxes_xyxy) for one in theirs.predict(images))  # boxes are cut out of the run's own maps


def test_a_network_with_tensorflows_padding(images: list[np.ndarray], tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "tf_mobilenetv3_small_minimal_100")
    theirs = load_bundle(export(run, tmp_path / "bundle"))
    assert_same(theirs.predict(images), load(run).predict(images))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"cam": "layercam", "cam_stride": 16}, "layercam at stride 16 take gradients"),
        ({"cam": "eigencam"}, "eigencam at stride 32"),
        ({"cam": "scorecam"}, "scorecam at stride 32"),
    ],
)
def test_maps_that_take_gradients_are_refused_by_name(said: dict, reason: str, tmp_path: Path, capsys) -> None:
    run = make_run(tmp_path / "run", "simple_cnn", **said)
    assert export_main([str(run), "--out", str(tmp_path / "b")]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert "--cam" in error
    assert not (tmp_path / "b").exists()


def test_the_command_predicts_without_torch(bundle: Path, images: list[np.ndarray], tmp_path: Path, capsys) -> None:
    image, out = str(tmp_path / "a.png"), str(tmp_path / "o.jsonl")
    Image.fromarray(images[1]).save(image)
    code = f"""
import classify
from classify.predict import main
assert main(["--run", {str(bundle)!r}, "--images", {image!r}, "--out", {out!r}]) == 0
assert len(classify.load({str(bundle)!r}).predict([{image!r}])) == 1
"""
    hidden = run_with(packages_of("runtime") | {"scipy"}, code)
    assert {"torch", "torchvision", "timm", "sklearn"} <= set(hidden)
    made = read_predictions(Path(out))
    assert made.predictions[0].heatmap is not None
    assert made.header.config["runtime"] == "onnx"
    assert made.header.config["cam"] == "gradcam"
    words = ["--run", str(bundle), "--images", image, "--out", str(tmp_path / "p.jsonl"), "--cam", "layercam"]
    assert predict_main(words) == 2
    assert "gradcam at stride 32 alone" in capsys.readouterr().err
    assert predict_main([*words[:-2], "--runtime", "torch"]) == 2
    assert not (tmp_path / "p.jsonl").exists()


def test_scipy_is_asked_for(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setattr("classify.bundled.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install scipy"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("key", "value"), [("cam", "eigencam"), ("cam_stride", 4), ("temperature", 0), ("box_fraction", 2), ("input", 3)]
)
def test_a_foreign_record_is_refused_with_its_key(bundle: Path, key: str, value: object, monkeypatch) -> None:
    whole = classify.bundled.read_bundle(bundle, "classify")
    changed = replace(whole, record=Fields({**whole.record.values, key: value}, whole.record.place))
    monkeypatch.setattr("classify.bundled.read_bundle", lambda *_: changed)
    with pytest.raises(InputError, match=rf"bundle\.json.*{key}"):
        load_bundle(bundle)
