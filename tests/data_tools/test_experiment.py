"""The configuration that a training command takes when none, or a name, is given."""

from pathlib import Path

import pytest
import yaml

import classify.train
import detect.train
from data_tools.experiment import with_default_config

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize(("approach", "main"), [("detect", detect.train.main), ("classify", classify.train.main)])
def test_print_config_prints_what_would_be_used(
    approach: str, main: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """The quickstart configuration, not the code's defaults, with what the command line adds."""
    assert main(["--fit.lr", "0.123", "--print_config"]) == 0  # type: ignore[operator]
    shown = yaml.safe_load(capsys.readouterr().out)
    own = yaml.safe_load((CONFIGS / approach / "quickstart.yaml").read_text())
    assert shown["fit"]["lr"] == 0.123
    assert shown["fit"]["max_minutes"] == own["fit"]["max_minutes"] is not None
    assert shown["input"]["size_hw"] == own["input"].get("size_hw")
    assert main(["--config", "resnet50", "--print_config"]) == 0  # type: ignore[operator]
    assert yaml.safe_load(capsys.readouterr().out)["model"]["backbone"] == "resnet50"


def test_which_configuration_is_taken(tmp_path: Path) -> None:
    quickstart = str(CONFIGS / "classify" / "quickstart.yaml")
    assert with_default_config("classify", ["--fit.lr", "1"]) == ["--config", quickstart, "--fit.lr", "1"]
    assert with_default_config("classify", ["--help"]) == ["--help"]
    assert with_default_config("classify", ["--config=quickstart"]) == ["--config", quickstart]
    own = tmp_path / "config.yaml"
    own.write_text("{}", encoding="utf-8")
    resumed = ["--resume", "--run", str(tmp_path)]
    assert with_default_config("classify", resumed) == ["--config", str(own), *resumed]
