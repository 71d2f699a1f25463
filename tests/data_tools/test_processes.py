"""Two processes, as torchrun starts them, against one with the same whole batches."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import data_tools.synth
from data_tools.predictions import read_predictions

REPOSITORY = Path(__file__).resolve().parents[2]
COMMON = [
    "--input.size_hw", "[64,64]", "--model.backbone", "simple_cnn", "--model.weights", "none", "--fit.max_minutes",
    "null", "--fit.epochs", "2", "--fit.batch_size", "8", "--fit.mixed_precision", "no",
]  # fmt: skip
DETECT = [
    "detect.train", *COMMON, "--model.frozen_to_stride", "0", "--model.fpn_channels", "16", "--model.head_channels",
    "32", "--model.batch_norm",
]  # fmt: skip
CLASSIFY = ["classify.train", *COMMON, "--model.batch_norm", "train", "--loss.mixup_alpha", "0.3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With defects whose boxes are unknown: in some batches a process has more of them than the other."""
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    assert data_tools.synth.main(["--out", str(folder), "--good", "40", "--defect", "40", "--seed", "1"]) == 0
    return folder


def start(words: Sequence[str], number: int) -> "subprocess.Popen[str]":
    several = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(number), "-m", "--"] if number > 1 else []
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-m", *several, *words], env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def train_both(words: Sequence[str], data: Path, place: Path) -> tuple[Path, Path, str]:
    """The run of one process, that of two, and what the two said on stdout."""
    one, two = place / "one", place / "two"
    alone = start([*words, "--data", str(data), "--run", str(one)], 1)
    together = start([*words, "--data", str(data), "--run", str(two)], 2)
    shown = ""
    for process in (alone, together):
        shown, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
    return one, two, shown


def assert_same_run(one: Path, two: Path) -> None:
    """Weights within 1e-4, losses and scores within 1e-3: what float32 sums in another order leave."""
    lines = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (one, two)]
    assert len(lines[0]) == len(lines[1]) == 2
    for a, b in zip(*lines, strict=True):
        assert (a["step"], a["lr"]) == (b["step"], b["lr"])
        assert a["losses"] == pytest.approx(b["losses"], rel=1e-3, abs=1e-4)
    for name in ("last/model", "last/average", "best/model"):
        first, second = (load_file(run / f"{name}.safetensors") for run in (one, two))
        assert first.keys() == second.keys()
        for key, value in first.items():
            torch.testing.assert_close(second[key], value, rtol=1e-3, atol=1e-4, msg=lambda m, key=key: f"{key}: {m}")
    for split in ("val", "test"):
        first, second = (read_predictions(run / "predictions" / f"{split}.jsonl") for run in (one, two))
        assert first.predictions
        assert [p.image_id for p in first.predictions] == [p.image_id for p in second.predictions]
        np.testing.assert_allclose(
            [p.score for p in first.predictions], [p.score for p in second.predictions], atol=1e-3
        )


@pytest.mark.parametrize("words", [[*DETECT, "frozen"], CLASSIFY], ids=["detect", "classify"])
def test_two_processes_train_what_one_does(words: list[str], data: Path, tmp_path: Path) -> None:
    one, two, shown = train_both(words, data, tmp_path)
    assert_same_run(one, two)
    assert shown == f"{two}\n"
    assert json.loads((two / "manifest.json").read_text())["processes"] == 2
