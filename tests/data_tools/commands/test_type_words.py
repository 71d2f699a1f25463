"""A value of another type than its setting's is refused on one line that says what to give."""

from collections.abc import Callable
from typing import Any, Literal

import pytest

import classify
import detect
from data_tools.commands.parser import Parser
from data_tools.commands.settings import add_settings, flat, settings_of
from data_tools.commands.type_words import in_words
from data_tools.core.errors import InputError
from data_tools.files.run_config import plain
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig


@pytest.mark.parametrize(
    ("hint", "key", "words"),
    [
        (int | None, "fit.steps", "a whole number or null"),
        (tuple[int, int] | None, "input.size_hw", "[HEIGHT,WIDTH] or null"),
        (tuple[int, int], "input.pair", "a list of 2 whole numbers"),
        (tuple[float, ...] | None, "model.anchors.ratios", "a list of finite numbers or null"),
        (list[str], "names", "a list of texts"),
        (Literal["off", "on"] | Literal["auto"] | None, "input.reference", "one of off, on, auto or null"),
        (Literal[8, 16], "model.cam_stride", "one of 8, 16"),
    ],
)
def test_types_in_words(hint: Any, key: str, words: str) -> None:
    assert in_words(hint, key) == words


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("--input.size_hw=64", "--input.size_hw: expected [HEIGHT,WIDTH] or null, not '64'"),
        ("--input.size_hw=[64]", "--input.size_hw: expected [HEIGHT,WIDTH] or null, not '[64]'"),
        ("--fit.steps=1e3", "--fit.steps: expected a whole number or null, not '1e3'"),
        ("--input.reference=maybe", "--input.reference: expected one of off, auto, on, paired, not 'maybe'"),
    ],
)
def test_what_to_give_is_said(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="made.up")
    add_settings(parser, detect.Settings)
    with pytest.raises(SystemExit):
        parser.parse_args([word])
    assert capsys.readouterr().err == f"made.up: error: {said}\n"


@pytest.mark.parametrize("kind", [detect.Settings, classify.Settings])
@pytest.mark.parametrize("value", ["abc", "1.5", "1e3", "null", "[64]", "[a,b]", "{a: 1}", "true", "nan", "[null]"])
def test_every_setting_takes_a_value_or_refuses_it_on_one_line(
    kind: Callable[[], Any], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="made.up")
    add_settings(parser, kind)  # type: ignore[arg-type]
    for key in flat(plain(kind())):
        try:
            settings_of(parser, parser.parse_args([f"--{key}={value}"]), kind)  # type: ignore[arg-type]
        except SystemExit:
            said = capsys.readouterr().err
            assert said.count("\n") == 1, said
            assert not any(word in said for word in ("class '", "typing.", "subtypes")), said
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("value", ["3", [3], True])
def test_from_python_a_value_of_another_type_is_refused_too(value: Any) -> None:
    with pytest.raises(InputError, match=r"fit\.steps must be a number, not"):
        FitConfig(steps=value)
    with pytest.raises(InputError, match=r"input\.size_hw must be \[HEIGHT, WIDTH\], not"):
        InputConfig(size_hw=value)
