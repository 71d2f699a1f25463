"""A bundle predicts what its run predicts, without torch, and says what is wrong with it."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

import data_tools
import detect
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Prediction, Sample, Splits
from data_tools.files.dataset_folder import data_hash, read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.loading.transforms import PreprocessConfig
from data_tools.metrics.operating_threshold import choose_threshold
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_methods import METHODS
from data_tools.networks.cam_names import GRADIENT_METHODS
from data_tools.runtime.engines import Engine
from detect.bundled import BundledDetector, load_bundle
from detect.config import DetectorConfig, PredictionConfig
from detect.export import main as export_main
from detect.exporting import export
from detect.model import Detector
from detect.predict import main as predict_main
from detect.settings import Settings
from detect.trained import TrainedDetector, load
from tests.installed import extra_of, packages_of, run_with
from tests.scale_warnings import assert_said_once_of_far_smaller


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose random network answers with many boxes, two classes and two heads."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    (folder / "best").mkdir(parents=True)
    torch.manual_seed(3)
    config = DetectorConfig("simple_cnn", "none", frozen_to_stride=0, heads=detect.config.HeadConfig(2, 32))
    config = replace(config, fpn_channels=16, anchors=replace(config.anchors, ratios=(0.5, 1.0, 2.0)))
    model = Detector(build_backbone("simple_cnn", "none"), config, 2, ("good", "scratch")).eval()
    with torch.no_grad():
        for head in model.box_heads.row():
            head.box_predictor.cls_score.weight *= 30
            head.box_predictor.bbox_pred.weight *= 30
        model.rpn.head.cls_logits.weight *= 50
        model.rpn.head.bbox_pred.weight *= 30
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, folder / "best" / "model.safetensors"
    )
    settings = asdict(Settings(model=config))
    (folder / "config.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(settings))))
    manifest = {"approach": "detect", "finished": "2026-01-01", "anchors": asdict(config.anchors), "num_classes": 2}
    manifest |= {"types": ["good", "scratch"], "score_rule": "mean_logit", "data": "gone", "data_hash": "0"}
    manifest |= {"learned_sizes": {"smallest_hw": [64, 64], "largest_hw": [64, 64]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(run, tmp_path_factory.mktemp("bundles") / "one")


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Noise of several sizes, and flat images, on which equally sure boxes stand in no order that could be compared."""
    rng = np.random.default_rng(0)
    sizes = [(64, 64), (96, 160), (70, 45), (33, 130), (64, 64), (200, 90), (48, 48), (64, 96), (32, 32), (100, 100)]
    noise = [rng.integers(0, 256, size, dtype=np.uint8) for size in sizes]
    return [*noise, np.zeros((64, 64), np.uint8), np.full((80, 64), 255, np.uint8)]


def assert_same(ours: list[Prediction], theirs: list[Prediction]) -> int:
    """Boxes within 0.5 px and scores within 0.01, in the same order where scores differ; gives how many boxes."""
    for one, other in zip(ours, theirs, strict=True):
        assert one.size_hw == other.size_hw
        assert one.score == pytest.approx(other.score, abs=0.01)
        assert one.boxes_xyxy.shape == other.boxes_xyxy.shape
        np.testing.assert_allclose(one.box_scores, other.box_scores, atol=0.01)
        for box, score, label in zip(one.boxes_xyxy, one.box_scores, one.box_labels, strict=True):
            near = np.abs(other.boxes_xyxy - box).max(axis=1) < 0.5
            assert (near & (other.box_labels == label) & (np.abs(other.box_scores - score) < 0.01)).any()
    return sum(len(one.boxes_xyxy) for one in theirs)


def test_run_and_bundle_name_an_image_that_they_see_far_smaller(
    run: Path, bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    squeezed, bundled = InputConfig(size_hw=(32, 32)), load_bundle(bundle)
    bundled.input = squeezed
    assert_said_once_of_far_smaller([replace(load(run), input=squeezed), bundled], caplog)


def with_input(
    torch_one: TrainedDetector, onnx_one: BundledDetector, config: InputConfig, prediction: PredictionConfig
) -> tuple[TrainedDetector, BundledDetector]:
    """Both with other settings of what the network sees and of what becomes of its boxes."""
    torch_one.model.config = replace(torch_one.model.config, prediction=prediction)
    for head in torch_one.model.box_heads.row():
        head.score_thresh = prediction.score_threshold
    record = replace(onnx_one.record, input=config, prediction=prediction)
    return replace(torch_one, input=config), BundledDetector(record, onnx_one._features, onnx_one._heads)


CASES = {
    "as they are": (InputConfig(), PredictionConfig()),
    "one size": (InputConfig(size_hw=(96, 64), standardize=True), PredictionConfig()),
    "views": (InputConfig(max_pixels=4096), PredictionConfig(views=(1.5, 1.0))),
    "slices": (InputConfig(max_pixels=4096, slices=SliceConfig(side_px=64, seen_px=64)), PredictionConfig()),
    "preprocessed": (InputConfig(preprocess=PreprocessConfig(4, 60, 128)), PredictionConfig()),
    "nothing found": (InputConfig(), PredictionConfig(score_threshold=0.9999)),
}


@pytest.mark.parametrize("engine", get_args(Engine))
@pytest.mark.parametrize("case", CASES)
def test_a_bundle_predicts_what_its_run_predicts(
    run: Path, bundle: Path, images: list[np.ndarray], case: str, engine: Engine
) -> None:
    ours, theirs = with_input(load(run), load_bundle(bundle, engine), *CASES[case])
    shown = images if case == "nothing found" else images[:-2]
    count = assert_same(theirs.predict(shown), ours.predict(shown))
    assert count == 0 if case == "nothing found" else count > 100


@pytest.mark.parametrize("engine", get_args(Engine))
def test_one_image_and_many_are_the_same(bundle: Path, images: list[np.ndarray], engine: Engine) -> None:
    detector = load_bundle(bundle, engine)
    assert_same([detector.predict([one])[0] for one in images], detector.predict(images))
    assert detector.predict([]) == []


def test_proposals_are_the_runs(run: Path, bundle: Path, images: list[np.ndarray], tmp_path: Path) -> None:
    for number, image in enumerate(images[:-2]):
        Image.fromarray(image).save(tmp_path / f"{number:02}.png")
    for folder in (run, bundle):
        words = ["--run", str(folder), "--images", str(tmp_path), "--proposals", "--out", f"{folder}.jsonl"]
        assert predict_main(words) == 0
    ours, theirs = (read_predictions(Path(f"{folder}.jsonl")).predictions for folder in (run, bundle))
    for one, other in zip(ours, theirs, strict=True):
        assert len(one.boxes_xyxy) == pytest.approx(len(other.boxes_xyxy), abs=2)
        np.testing.assert_allclose(one.box_scores[:20], other.box_scores[:20], atol=0.01)
        np.testing.assert_allclose(one.boxes_xyxy[:20], other.boxes_xyxy[:20], atol=0.5)


def test_prediction_from_a_bundle_needs_the_extra_alone(bundle: Path, images: list[np.ndarray], tmp_path: Path) -> None:
    """With nothing to be had that the extra `runtime` does not bring, torch first of all."""
    image, out = str(tmp_path / "a.png"), str(tmp_path / "o.jsonl")
    Image.fromarray(images[1]).save(image)
    code = f"""
import detect
from detect.predict import main
assert main(["--run", {str(bundle)!r}, "--images", {image!r}, "--out", {out!r}]) == 0
assert len(detect.load({str(bundle)!r}).predict([{image!r}])) == 1
from data_tools.files.images import read_gray
from data_tools.loading.template_difference import template_difference
assert template_difference(read_gray({image!r}), read_gray({image!r})).ndim == 2  # what templates need beside
"""
    hidden = run_with(packages_of("runtime"), code)
    assert {"torch", "torchvision", "timm", "albumentations", "scipy", "onnx"} <= set(hidden)
    assert len(read_predictions(tmp_path / "o.jsonl").predictions) == 1


def test_a_run_is_read_by_onnx_too(run: Path, bundle: Path, images: list[np.ndarray]) -> None:
    detector = detect.load(run, "onnx")
    assert isinstance(detector, BundledDetector)
    assert_same(detector.predict(images[:2]), load_bundle(bundle).predict(images[:2]))


def test_the_record_names_source_and_threshold(bundle: Path) -> None:
    record = json.loads((bundle / "bundle.json").read_text())
    assert record["source"]["run"] == "one"
    assert record["source"]["data_hash"] == "0"
    assert record["threshold"]["value"] is None  # the data are gone
    assert "not at hand" in record["threshold"]["reason"]
    assert load_bundle(bundle).threshold.decide(0.9) is None
    assert record["score_rule"] == "mean_logit"
    assert "augment" not in record["input"]
    assert (bundle / "requirements.txt").read_text().split() == extra_of("runtime")
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle, capture_output=True, check=True
    )
    assert not done.stderr


@pytest.fixture
def copied(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "bundle"))


@pytest.mark.parametrize("name", ["bundle.json", "SHA256SUMS", "features.onnx", "box_head_2.onnx", "requirements.txt"])
def test_a_flipped_bit_is_named(copied: Path, name: str) -> None:
    path, rng = copied / name, np.random.default_rng(1)
    whole = path.read_bytes()
    for place in rng.integers(0, len(whole), 20):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=str(copied / name)):
            load_bundle(copied)


def rewrite(folder: Path, change: Callable[[dict], object]) -> None:
    """Change the record and its checksum, as another tool might write it."""
    record = json.loads((folder / "bundle.json").read_text())
    before = hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
    change(record)
    (folder / "bundle.json").write_text(json.dumps(record))
    after = hashlib.sha256((folder / "bundle.json").read_bytes()).hexdigest()
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace(before, after))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.update(schema=2), "schema 2"),
        (lambda r: r.update(approach="classify"), "not of 'detect'"),
        (lambda r: r.pop("cell_anchors"), "'cell_anchors' is missing"),
        (lambda r: r.update(cell_anchors=[[[0, 0, 1, 1]]]), "5 levels"),
        (
            lambda r: r["cell_anchors"][0].append([1, 2, 3, "x"]),
            "'cell_anchors' must be a list of 1 to 4 finite numbers",
        ),
        (
            lambda r: r.update(box_units=[[0, 1, 1, 1]]),
            "'box_units' must be a list of 1 to 4 finite numbers above 0",
        ),
        (lambda r: r.update(cell_anchors=[[[0, 0, 1]]] * 5), "'cell_anchors' must be made of lists of four numbers"),
        (lambda r: r["box_units"].append([1, 1, 1, 1]), "box_head_3"),
        (lambda r: r.update(score_rule="best"), "score_rule"),
        (lambda r: r.update(precision="int4"), "precision"),
        (lambda r: r["input"].update(size_hw=[0, 9]), "input.size_hw"),
        (lambda r: r["input"].update(colour=True), "colour"),
        (lambda r: r.update(prediction=3), "'prediction' must be an object"),
        (lambda r: r["proposals"].update(kept=1.5), "proposals: 'kept' must be an integer"),
    ],
)
def test_a_foreign_record_is_refused_with_its_key(copied: Path, change: Callable[[dict], object], said: str) -> None:
    rewrite(copied, change)
    with pytest.raises(InputError) as caught:
        load_bundle(copied)
    assert said in str(caught.value)
    assert str(copied) in str(caught.value)


def graph_with_weights_in(place: str) -> bytes:
    """A graph that would have a file beside it read."""
    weights = onnx.TensorProto(name="w", dims=[4], data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value=place)
    ends = [onnx.helper.make_tensor_value_info(name, 1, [4]) for name in ("images", "y")]
    node = onnx.helper.make_node("Add", ["images", "w"], ["y"])
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [weights])
    whole: bytes = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]).SerializeToString()
    return whole


def test_missing_swapped_and_foreign_files_are_refused(copied: Path, tmp_path: Path, capsys) -> None:
    words = ["--run", str(copied), "--images", str(tmp_path), "--out", str(tmp_path / "o.jsonl")]
    sums = (copied / "SHA256SUMS").read_text()
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "a.png")

    def refused(said: str) -> None:
        assert predict_main(words) == 2
        error = capsys.readouterr().err
        assert said in error
        assert "Traceback" not in error

    (copied / "SHA256SUMS").write_text(sums.replace("features.onnx", "../features.onnx"))
    refused("SHA256SUMS, line")
    (copied / "SHA256SUMS").write_text("")
    refused("does not name bundle.json")
    graph = hashlib.sha256((copied / "box_head_1.onnx").read_bytes()).hexdigest()
    features = hashlib.sha256((copied / "features.onnx").read_bytes()).hexdigest()
    (copied / "SHA256SUMS").write_text(sums.replace(features, graph))
    shutil.copy(copied / "box_head_1.onnx", copied / "features.onnx")
    refused("inputs and outputs")
    (copied / "features.onnx").write_bytes(b"not a graph")
    text = hashlib.sha256(b"not a graph").hexdigest()
    (copied / "SHA256SUMS").write_text(sums.replace(features, text))
    refused("onnxruntime cannot run it")
    graph_elsewhere = graph_with_weights_in("../secret.bin")
    (copied / "features.onnx").write_bytes(graph_elsewhere)
    (copied.parent / "secret.bin").write_bytes(bytes(16))
    (copied / "SHA256SUMS").write_text(sums.replace(features, hashlib.sha256(graph_elsewhere).hexdigest()))
    refused("another file for its weights")
    (copied / "features.onnx").unlink()
    refused("is missing")
    (copied / "SHA256SUMS").unlink()
    refused("no whole bundle")
    assert predict_main([*words, "--runtime", "torch"]) == 2
    assert not (tmp_path / "o.jsonl").exists()


def test_the_runtime_is_chosen_and_named(bundle: Path, images: list[np.ndarray], tmp_path: Path, monkeypatch, capsys):
    Image.fromarray(images[0]).save(tmp_path / "a.png")
    made = {}
    for runtime in get_args(Engine):
        out = tmp_path / f"{runtime}.jsonl"
        words = ["--run", str(bundle), "--images", str(tmp_path / "a.png"), "--out", str(out), "--runtime", runtime]
        assert predict_main(words) == 0
        made[runtime] = read_predictions(out)
        assert made[runtime].header.config["runtime"] == runtime
    assert_same(list(made["openvino"].predictions), list(made["onnx"].predictions))
    monkeypatch.setitem(sys.modules, "openvino", None)
    capsys.readouterr()
    words[-3] = str(tmp_path / "none.jsonl")
    assert predict_main(words) == 2
    assert "openvino is not installed; pip install openvino" in capsys.readouterr().err
    assert not (tmp_path / "none.jsonl").exists()


@pytest.fixture
def run_with_data(run: Path, images: list[np.ndarray], tmp_path: Path) -> Path:
    """A copy of the run with a dataset of noise, half of it boxed, and its predictions of validation."""
    data, folder = tmp_path / "data", Path(shutil.copytree(run, tmp_path / "run"))
    (data / "images").mkdir(parents=True)
    samples = []
    for i, image in enumerate(images[:8], start=1):
        Image.fromarray(image).save(data / "images" / f"{i}.png")
        boxes = np.array([[4.0, 4, 20, 20]] if i % 2 else []).reshape(-1, 4)
        status = "boxed" if i % 2 else "good"
        samples.append(
            Sample(
                i,
                f"{i}.png",
                image.shape,
                boxes,
                np.ones(len(boxes), int),
                status,
                f"g{i}",
                "defect" if i % 2 else "good",
            )
        )
    dataset = Dataset(
        tuple(samples), ("defect", "other"), data / "images", Splits(0, "none", (1, 2), (3, 4, 5, 6), (7, 8))
    )
    data_tools.write_dataset(data, dataset)
    manifest = json.loads((folder / "manifest.json").read_text()) | {
        "data": str(data),
        "data_hash": data_hash(read_dataset(data)),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    words = [
        "--run",
        str(folder),
        "--data",
        str(data),
        "--split",
        "val",
        "--out",
        str(folder / "predictions/val.jsonl"),
    ]
    (folder / "predictions").mkdir()
    assert predict_main(words) == 0
    return folder


def test_backbone_and_pyramid_in_int8(run_with_data: Path, images: list[np.ndarray], tmp_path: Path, capsys) -> None:
    out = tmp_path / "b"
    assert export_main([str(run_with_data), "--out", str(out), "--precision", "int8"]) == 0
    record = json.loads((out / "bundle.json").read_text())
    assert (record["precision"], record["calibration_images"]) == ("int8", 4)
    assert set(record["validation_ap"]) == {"fp32", "int8"}
    detector, val = load_bundle(out), data_tools.read_dataset(run_with_data.parent / "data")
    scores = [one.score for one in detector.predict(val, split="val")]
    positive = [sample.is_defect for sample in val.split("val")]
    assert record["threshold"] == choose_threshold(scores, positive).to_json()
    assert detector.threshold.value == record["threshold"]["value"]
    assert detector.runtime == "onnx, int8"
    kinds = {path.stem: {node.op_type for node in onnx.load(path).graph.node} for path in out.glob("*.onnx")}
    assert [name for name, has in kinds.items() if "QuantizeLinear" in has] == ["features"]
    ours = load(run_with_data).predict(images)
    for engine in get_args(Engine):
        for one, other in zip(load_bundle(out, engine).predict(images), ours, strict=True):
            assert one.score == pytest.approx(other.score, abs=0.1)
    path = run_with_data / "predictions" / "val.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert export_main([str(run_with_data), "--out", str(tmp_path / "c"), "--precision", "int8"]) == 2
    assert f"{path}: 1 images of the split have no prediction" in capsys.readouterr().err
    shutil.rmtree(run_with_data.parent / "data")
    assert export_main([str(run_with_data), "--out", str(tmp_path / "c"), "--precision", "int8"]) == 2
    assert "data" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_the_command_is_a_function_too() -> None:
    assert callable(detect.export)
    assert "bundle" in (detect.export.__doc__ or "")


def test_an_export_is_written_whole_and_replaces_nothing(run: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    assert export_main([str(run), "--out", str(taken)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert export_main([str(tmp_path / "none"), "--out", str(tmp_path / "new")]) == 2
    monkeypatch.setattr("detect.exporting._write_head", lambda *_: 1 / 0)
    monkeypatch.setattr("detect.exporting._write_features", lambda _model, path: path.write_bytes(b"half"))
    with pytest.raises(ZeroDivisionError):
        export(run, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_a_heat_map_needs_the_run(bundle: Path, tmp_path: Path, capsys) -> None:
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "a.png")
    words = ["--run", str(bundle), "--images", str(tmp_path / "a.png"), "--out", str(tmp_path / "o.jsonl")]
    with pytest.raises(InputError, match="a bundle has no gradients"):
        load_bundle(bundle).predict([], cam="gradcam")
    assert predict_main([*words, "--cam", "gradcam"]) == 2
    assert "needs the run itself" in capsys.readouterr().err
    assert tuple(METHODS) == GRADIENT_METHODS
