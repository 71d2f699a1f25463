"""What a training command starts from: the configuration it takes, and what it decides by the training images."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import classify.train
import detect.train
from data_tools.commands.configurations import resolve
from data_tools.commands.training import with_default_config
from data_tools.core.records import GOOD, Dataset, Sample, Splits
from data_tools.loading.copy_paste import PasteConfig
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import AugmentConfig
from data_tools.training.batches import decide_by_layout
from data_tools.training.experiment import Experiment
from data_tools.training.fit_config import FitConfig

CONFIGS = Path(__file__).resolve().parents[3] / "configs"


@pytest.mark.parametrize(("approach", "main"), [("detect", detect.train.main), ("classify", classify.train.main)])
def test_print_config_prints_what_would_be_used(
    approach: str, main: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quickstart configuration, not the code's defaults, with what the command line adds."""
    assert main(["--fit.lr", "0.123", "--print_config"]) == 0  # type: ignore[operator]
    shown = yaml.safe_load(capsys.readouterr().out)
    own = yaml.safe_load((CONFIGS / approach / "quickstart.yaml").read_text())
    assert shown["fit"]["lr"] == 0.123
    assert shown["fit"]["steps"] == own["fit"]["steps"] is not None
    assert shown["input"]["size_hw"] == own["input"].get("size_hw")
    assert main(["--config", "resnet50", "--print_config"]) == 0  # type: ignore[operator]
    assert yaml.safe_load(capsys.readouterr().out)["model"]["backbone"] == "resnet50"


def test_which_configuration_is_taken(tmp_path: Path) -> None:
    quickstart = json.dumps(resolve("quickstart", "classify"))
    assert with_default_config("classify", ["--fit.lr", "1"]) == ["--config", quickstart, "--fit.lr", "1"]
    assert with_default_config("classify", ["--help"]) == ["--help"]
    assert with_default_config("classify", ["--config=quickstart"]) == ["--config", quickstart]
    for words in (["--fit.lr", "1", "--config", "quickstart"], ["--fit.lr", "1", "--config=quickstart"]):
        assert with_default_config("classify", words) == ["--config", quickstart, "--fit.lr", "1"]
    own = tmp_path / "config.yaml"
    own.write_text("{fit: {epochs: 3}}", encoding="utf-8")
    resumed = ["--resume", "--run", str(tmp_path)]
    assert with_default_config("classify", resumed) == ["--config", '{"fit": {"epochs": 3}}', *resumed]


def test_flags_change_a_configuration_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--config", "quickstart", "--fit.epochs", "3"], ["--fit.epochs=3", "--conf=quickstart"]):
        assert classify.train.main([*words, "--print_config"]) == 0
        shown = yaml.safe_load(capsys.readouterr().out)
        assert (shown["fit"]["epochs"], shown["fit"]["steps"]) == (3, None)


def experiment(folder: Path, images: list[np.ndarray]) -> Experiment:
    samples = []
    for image_id, image in enumerate(images, start=1):
        Image.fromarray(image).save(folder / f"{image_id}.png")
        size = (image.shape[0], image.shape[1])
        samples.append(Sample(image_id, f"{image_id}.png", size, np.zeros((0, 4)), np.zeros(0, int), GOOD, "g", GOOD))
    splits = Splits(0, "none", tuple(range(1, len(images) + 1)), (), ())
    return Experiment("detect", folder, folder, Dataset(tuple(samples), ("defect",), splits=splits), folder)


@pytest.fixture
def surface(tmp_path: Path) -> Experiment:
    rng = np.random.default_rng(0)
    return experiment(tmp_path, [rng.integers(0, 255, (40, 40)).astype(np.uint8) for _ in range(30)])


@pytest.fixture
def lopsided(tmp_path: Path) -> Experiment:
    image = np.zeros((40, 40), dtype=np.uint8)
    image[:10, :20] = 200
    return experiment(tmp_path, [image] * 5)


def test_a_surface_is_turned_and_pasted_everywhere(surface: Experiment) -> None:
    config, paste = decide_by_layout(surface, InputConfig(), FitConfig(), PasteConfig(share=0.5))
    assert (config.augment.geometry, paste.jitter) == ("d4", 1.0)


def test_an_upright_part_is_left_as_it_lies(lopsided: Experiment) -> None:
    config, paste = decide_by_layout(lopsided, InputConfig(), FitConfig(), PasteConfig(share=0.5))
    assert (config.augment.geometry, paste.jitter) == ("none", 0.03)


def test_what_is_given_stays(lopsided: Experiment) -> None:
    given = InputConfig(augment=AugmentConfig(geometry="flips")), PasteConfig(share=0.5, jitter=0.7)
    assert decide_by_layout(lopsided, given[0], FitConfig(), given[1]) == given
    config, paste = decide_by_layout(lopsided, given[0], FitConfig(), PasteConfig(share=0.5))
    assert (config.augment.geometry, paste.jitter) == ("flips", 0.03)
