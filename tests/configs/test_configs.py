"""Every installed configuration fits its command."""

from pathlib import Path

import pytest
from jsonargparse import ArgumentParser

import classify.train
import detect.train

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PARSERS = {"detect": detect.train.build_parser, "classify": classify.train.build_parser}
NAMES = sorted((path.parent.name, path.stem) for path in CONFIGS.glob("*/*.yaml") if path.stem != "study")


def test_each_approach_has_a_quickstart() -> None:
    assert {("detect", "quickstart"), ("classify", "quickstart")} <= set(NAMES)


@pytest.mark.parametrize(("approach", "name"), NAMES)
def test_a_configuration_fits_its_command(approach: str, name: str) -> None:
    parser: ArgumentParser = PARSERS[approach]()
    settings = parser.instantiate(parser.parse_args(["--config", str(CONFIGS / approach / f"{name}.yaml")]))
    assert settings.fit.epochs > 0
    assert (CONFIGS / approach / f"{name}.yaml").read_text().startswith("# ")
