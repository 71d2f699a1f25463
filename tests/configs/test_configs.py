"""Every installed configuration fits its command, and the detector's train."""

import json
from pathlib import Path

import pytest

import classify.train
import data_tools.synth
import detect.train
from data_tools.commands.configurations import resolve
from data_tools.commands.settings import settings_from
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.predictions import read_predictions

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SETTINGS = {"detect": detect.Settings, "classify": classify.Settings}
NAMES = sorted((path.parent.name, path.stem) for path in CONFIGS.glob("*/*.yaml") if path.stem != "study")


def test_each_approach_has_a_quickstart() -> None:
    assert {("detect", "quickstart"), ("classify", "quickstart")} <= set(NAMES)


@pytest.mark.parametrize(("approach", "name"), NAMES)
def test_a_configuration_fits_its_command(approach: str, name: str) -> None:
    settings = settings_from(SETTINGS[approach], resolve(name, approach), name)
    assert settings.fit.epochs > 0
    assert (CONFIGS / approach / f"{name}.yaml").read_text().startswith("# ")


@pytest.fixture(scope="module")
def few_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    assert data_tools.synth.main(["--out", str(folder), "--good", "24", "--defect", "24", "--seed", "1"]) == 0
    return folder


@pytest.mark.parametrize(
    ("name", "offline"),
    [
        ("standard", []),
        (
            "resnet50",
            [
                "--model.weights=none",
                "--model.frozen_to_stride=0",
                "--fit.workers=0",
                "--model.sampling.rois=16",
                "--model.sampling.proposals=50",
            ],
        ),
    ],
)
def test_a_detectors_configuration_trains(name: str, offline: list[str], few_images: Path, tmp_path: Path) -> None:
    """A step of small images: the whole network as configured, trained, chosen by validation and predicting."""
    words = ["--config", name, "--data", str(few_images), "--run", str(tmp_path / "run"), *offline]
    small = ["--input.size_hw", "[64, 64]", "--fit.steps", "1", "--fit.epoch_steps", "1", "--fit.batch_size", "4"]
    assert detect.train.main([*words, *small]) == 0
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["result"]["epochs"] == 1
    test = read_predictions(tmp_path / "run" / "predictions" / "test.jsonl")
    assert {p.image_id for p in test.predictions} == {s.image_id for s in read_dataset(few_images).split("test")}
