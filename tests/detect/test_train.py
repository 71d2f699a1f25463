"""A training command that is stopped from outside: SIGKILL, also while it writes a checkpoint, and SIGTERM."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import data_tools.synth
from tests.forked import Command

EPOCHS, STEPS_PER_EPOCH = 3, 7
# a checkpoint every step, so that a kill falls into the writing of one as often as between two
SETTINGS = [
    "--input.size_hw",
    "[64,64]",
    "--model.backbone",
    "simple_cnn",
    "--model.weights",
    "none",
    "--model.frozen_to_stride",
    "0",
    "--model.batch_norm",
    "train",
    "--model.fpn_channels",
    "16",
    "--model.heads.channels",
    "32",
    "--fit.max_minutes",
    "null",
    "--fit.epochs",
    str(EPOCHS),
    "--fit.batch_size",
    "4",
    "--fit.mixed_precision",
    "no",
    "--fit.checkpoint_minutes",
    "0",
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    assert data_tools.synth.main(["--out", str(folder), "--good", "24", "--defect", "24", "--seed", "1"]) == 0
    return folder


def start(data: Path, run: Path, *more: str) -> Command:
    return Command(run.parent, ["detect.train", "--data", str(data), "--run", str(run), *SETTINGS, *more])


def wait_for(condition: Callable[[], bool], process: Command) -> None:
    """Look every half millisecond; the process must not end before."""
    end = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.err.read_text()
        assert time.monotonic() < end, "nothing happened for five minutes"
        time.sleep(0.0005)


def step_of(run: Path) -> int:
    """Of the checkpoint; 0 where there is none, or none at this moment."""
    try:
        return int(json.loads((run / "last" / "state.json").read_text())["step"])
    except FileNotFoundError:
        return 0


def is_writing(run: Path) -> bool:
    return any(path.name.startswith(".last.") for path in run.iterdir())


def outcome(run: Path) -> dict[str, Any]:
    """Everything a finished run leaves that does not depend on the clock or on the folder's name."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    files = ("last/model", "last/average", "last/optimizer", "last/random", "best/model")
    return {
        "lines": [{key: line[key] for key in ("epoch", "step", "lr", "losses", "validation")} for line in lines],
        "weights": {name: (run / f"{name}.safetensors").read_bytes() for name in files},
        "predictions": [(run / "predictions" / f"{s}.jsonl").read_text().splitlines()[1:] for s in ("val", "test")],
    }


def test_a_run_that_was_killed_and_stopped_at_random_ends_as_if_nothing_had_been(data: Path, tmp_path: Path) -> None:
    seed = int(os.environ.get("KILL_SEED", time.time_ns() % 10_000))
    rng = random.Random(seed)  # shown by the assertions; KILL_SEED repeats it
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    reference = start(data, whole)
    try:
        # anywhere in the first epoch
        process, target = start(data, cut), rng.randrange(1, STEPS_PER_EPOCH)
        wait_for(lambda: step_of(cut) >= target, process)
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        # while a checkpoint is being written, in the second epoch
        process, target = start(data, cut, "--resume"), rng.randrange(STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH)
        wait_for(lambda: step_of(cut) >= target, process)
        wait_for(lambda: is_writing(cut), process)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        # on request, which is no failure
        process = start(data, cut, "--resume")
        wait_for(lambda: step_of(cut) >= target + 3, process)
        process.terminate()
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert f"--run {cut} --resume" in said.splitlines()[-1]
        last = start(data, cut, "--resume")
        for finishing in (last, reference):
            _, said = finishing.communicate(timeout=300)
            assert finishing.returncode == 0, said
    finally:
        reference.kill()
    one, other = outcome(whole), outcome(cut)
    assert len(one["lines"]) == EPOCHS
    assert one["lines"][-1]["step"] == EPOCHS * STEPS_PER_EPOCH
    for key in one:
        assert one[key] == other[key], f"{key} differ (KILL_SEED={seed})"
    assert not any(path.name.startswith(".") for path in cut.iterdir())
