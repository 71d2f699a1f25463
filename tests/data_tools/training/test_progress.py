"""The state of a run as a checkpoint holds it: read back, or refused with its key."""

import json
from dataclasses import asdict
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.json_object import parse_object
from data_tools.training.progress import Progress

EPOCH_STEPS = 5
DONE_TWO = Progress(2, 10, 0, {}, 1e-4, 1, 0.9, 0.1, 2, {"auc": 0.85, "error": None}, 12.5, 3, ["2026-01-01"])
UNDER_WAY = Progress(2, 13, 3, {"bce": 2.1}, 1e-4, 0, None, 0.0, 2, {"auc": None}, 12.5)
NOT_ONE_YET = Progress(0, 3, 3, {"bce": 2.1}, 1e-4)
CUT_SHORT = Progress(3, 12, 0, {}, 1e-4, 1, 0.9, 0.1, 3, {"auc": 0.9}, 12.5)  # the budget ended in the third epoch


def state_of(progress: Progress, **changes: Any) -> Fields:
    return Fields(json.loads(json.dumps(asdict(progress))) | changes, "state.json")


@pytest.mark.parametrize("progress", [DONE_TWO, UNDER_WAY, NOT_ONE_YET, CUT_SHORT])
def test_what_was_saved_comes_back(progress: Progress) -> None:
    assert Progress.of(parse_object(json.dumps(asdict(progress)).encode(), "state.json"), EPOCH_STEPS) == progress


def test_a_run_may_be_resumed_twice_within_a_second() -> None:
    times = ["2026-01-02T03:04:05+00:00"] * 2
    assert Progress.of(state_of(DONE_TWO, resumed=times), EPOCH_STEPS).resumed == times


LATER = ("resumed", "validation_seconds")  # not in a state of version 0.1 or 0.2


def test_a_state_of_an_earlier_version_lacks_what_came_later() -> None:
    state = state_of(DONE_TWO)
    for key in LATER:
        del state.values[key]  # type: ignore[attr-defined]
    progress = Progress.of(state, EPOCH_STEPS)
    assert (progress.resumed, progress.validation_seconds) == ([], 0.0)


@pytest.mark.parametrize("key", [key for key in asdict(DONE_TWO) if key not in LATER])
def test_a_missing_key_is_named(key: str) -> None:
    state = state_of(DONE_TWO)
    del state.values[key]  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=rf"state\.json: key '{key}' is missing"):
        Progress.of(state, EPOCH_STEPS)


@pytest.mark.parametrize(
    ("key", "values"),
    {
        "epoch": (-5, "x", 1.5, None, True, []),
        "step": ("x", -1, 10**9, 4, None),
        "step_in_epoch": (-2, 6, None),
        "loss_sums": (None, {"bce": "x"}, {"bce": 1.0}),  # none is under way
        "lr": (-1, "x", None),
        "top_epoch": (3, 0, None),
        "top": ("x", None, [1]),
        "top_error": (-1, None),
        "best_epoch": (-1, 0, 3),
        "best": (None, {"auc": "x"}),
        "seconds": (-1, None, 10**400),
        "boxes_lost": (-1, 0.5),
        "resumed": ("then", [1]),
        "validation_seconds": (-1, "x"),
    }.items(),
)
def test_a_wrong_value_is_named(key: str, values: tuple[Any, ...]) -> None:
    for value in values:
        with pytest.raises(InputError, match=r"state\.json: ") as info:
            Progress.of(state_of(DONE_TWO, **{key: value}), EPOCH_STEPS)
        assert f"'{key}'" in str(info.value) or key == "top_epoch"


def test_more_epochs_than_steps_allow_are_refused() -> None:
    with pytest.raises(InputError, match="'step' must be what 1000000000 epochs of 5 steps allow, not 10"):
        Progress.of(state_of(DONE_TWO, epoch=10**9), EPOCH_STEPS)
    with pytest.raises(InputError, match="unknown key 'more'"):
        Progress.of(state_of(DONE_TWO, more=1), EPOCH_STEPS)
