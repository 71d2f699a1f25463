"""Settings as typed dataclasses: from words, from mappings, from a run's file, and what each refuses."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

import classify
import detect
from data_tools.commands.settings import nested, read_settings, settings_from
from data_tools.core.errors import InputError
from data_tools.files.run_config import plain, write_settings

KINDS = {"detect": detect.Settings, "classify": classify.Settings}


def numbers(kind: type[Any], prefix: str = "") -> Iterator[tuple[str, type[Any], str]]:
    """(dotted key, class, field) of every number among the settings."""
    for field in dataclasses.fields(kind):
        hint = get_type_hints(kind)[field.name]
        if dataclasses.is_dataclass(hint):
            yield from numbers(hint, f"{prefix}{field.name}.")
        elif hint in (int, float, int | None, float | None):
            yield f"{prefix}{field.name}", kind, field.name


NUMBERS = sorted({one for kind in KINDS.values() for one in numbers(kind)}, key=lambda one: one[0])


def test_there_are_many_of_them() -> None:
    assert len(NUMBERS) > 30


@pytest.mark.parametrize(("key", "kind", "name"), NUMBERS, ids=[key for key, _, _ in NUMBERS])
@pytest.mark.parametrize("value", [-1, -math.inf, math.nan])
def test_no_number_may_be_negative_or_none_at_all(key: str, kind: type[Any], name: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"^{key.replace('.', '[.]')} must "):
        kind(**{name: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fit.batch_size", 0),
        ("fit.epochs", 0),
        ("fit.lr", 0.0),
        ("fit.positive_share", 1.5),
        ("fit.positive_share", 1.0),
        ("fit.train_share", 0.0),
        ("fit.ema_decay", 1.0),
        ("fit.max_minutes", 0.0),
        ("fit.patience", 0),
        ("input.size_hw", [0, 64]),
        ("input.scale", 0.0),
        ("input.augment.photometry", 1.1),
        ("input.preprocess.white_from", 256),
        ("model.heads.channels", 0),
        ("model.prediction.views", []),
        ("model.prediction.nms_iou", 1.1),
        ("model.anchors.scales", []),
        ("model.anchors.ratios", [0.0]),
        ("paste.lengthen", 0.5),
        ("fit.lr", 1e30),
        ("fit.weight_decay", 1e30),
        ("fit.seed", 10**20),
        ("fit.workers", 10**5),  # processes
        ("fit.batch_size", 10**8),
        ("input.scale", 1e9),
        ("input.size_hw", [64, 10**8]),
        ("model.fpn_channels", 10**8),
        ("model.anchors.scales", [1e9]),
    ],
)
def test_what_lies_outside_is_named_with_its_key(key: str, value: object) -> None:
    with pytest.raises(InputError, match=rf"here: .*{key}"):
        settings_from(detect.Settings, {key: value}, "here")


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"here: (.|\n)*model.backbone"):
        settings_from(detect.Settings, {"model.backbne": "resnet18"}, "here")
    with pytest.raises(InputError, match=r"here: (.|\n)*fit.epochs"):
        settings_from(classify.Settings, {"fit": {"epochs": "many"}}, "here")


def test_dotted_keys_are_opened() -> None:
    assert nested({"a.b": 1, "a": {"c": 2}, "d": {"e.f": 3}}) == {"a": {"b": 1, "c": 2}, "d": {"e": {"f": 3}}}


@settings_of_hypothesis(max_examples=15)
@given(epochs=st.integers(1, 10**6), lr=st.floats(1e-9, 10), share=st.none() | st.floats(0.01, 0.99))
def test_a_run_s_file_gives_its_settings_back(
    epochs: int, lr: float, share: float | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    for kind in KINDS.values():
        settings = settings_from(kind, {"fit.epochs": epochs, "fit.lr": lr, "fit.positive_share": share}, "here")
        write_settings(folder, settings, Path("data"))
        assert read_settings(kind, folder) == settings
        assert plain(settings)["fit"]["positive_share"] == share
