"""The parser takes settings where settings are expected, and nothing else: no file, no class."""

import json
import sys
from pathlib import Path

import pytest

import classify.train
import detect.plan
import detect.train
from data_tools.commands.settings import settings_from
from data_tools.core.errors import InputError
from detect.settings import Settings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fit": 5}, "fit must be a group of settings, not 5"),
        ({"fit": "other.json"}, "fit must be a group of settings, not 'other.json'"),
        ({"input": {"augment": "other.json"}}, "input.augment must be a group of settings, not 'other.json'"),
        ({"input": {"augment": "strange_module.Thing"}}, "input.augment must be a group of settings"),
        ({"model": "strange_module.Thing"}, "model must be a group of settings"),
        ({"model": None}, "model must be a group of settings, not None"),
        ({"fit": [1]}, r"fit must be a group of settings, not \[1\]"),
    ],
)
def test_a_group_is_a_group(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, object],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("strange_module.py").write_text("open('imported', 'w').close()\nclass Thing: ...\n")
    Path("other.json").write_text('{"seed": 3, "zoom": 0.5}')
    Path("own.yaml").write_text(json.dumps(settings))
    assert detect.train.main(["--config", "own.yaml", "--data", "nowhere"]) == 2
    assert message.replace("\\", "") in capsys.readouterr().err
    with pytest.raises(InputError, match=f"own.yaml: {message}"):
        settings_from(Settings, settings, "own.yaml")
    assert not Path("imported").exists()
    assert "strange_module" not in sys.modules


@pytest.mark.parametrize(
    ("settings", "nearest"), [({"fitt": {"lr": 0.1}}, "fit"), ({"fit": {"lrr": 0.1}}, "fit.lr"), ({"dta": "d"}, "data")]
)
def test_a_misspelt_key_of_a_file_names_the_nearest(
    tmp_path: Path, settings: dict[str, object], nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text(json.dumps(settings))
    assert detect.train.main(["--config", str(tmp_path / "own.yaml"), "--data", "nowhere"]) == 2
    assert f"Did you mean '{nearest}" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--fit", "other.json"], ["--model=strange_module.Thing"]])
def test_a_group_has_no_flag_of_its_own(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert classify.train.main(words) == 2
    assert "is a group; give its settings one by one, such as --" in capsys.readouterr().err


def test_a_second_configuration_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the first one goes through the safe reader."""
    path = tmp_path / "second.yaml"
    path.write_text("fit: {lr: 0.5}")
    for words in (["--config", "quickstart", "--config", str(path)], ["--config=quickstart", f"--config={path}"]):
        assert classify.train.main(words) == 2
        assert "--config is given twice" in capsys.readouterr().err


def test_help_shows_settings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert classify.train.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "--fit.steps" in shown
    assert "--fit CONFIG" not in shown


@pytest.mark.parametrize("word", [["--config", "own.yaml"], ["--config=own.yaml"]])
def test_a_command_without_configurations_says_that_it_takes_none(
    word: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It advised to give only one."""
    assert detect.plan.main(["nowhere", *word]) == 2
    said = capsys.readouterr().err
    assert "unrecognized arguments: --config" in said
    assert "one configuration" not in said
