"""Two processes, as torchrun starts them, against one with the same whole batches."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from data_tools.core.errors import InputError
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.predictions import read_predictions
from data_tools.loading.batch import Item, collate
from data_tools.loading.sample_random import SampleDropout
from data_tools.loading.samplers import BalancedSampler
from data_tools.training import processes
from tests.forked import Command

REPOSITORY = Path(__file__).resolve().parents[3]
COMMON = [
    "--input.size_hw",
    "[64,64]",
    # what it adds to an image is multiplied by 16, and rounding with it
    "--input.reference",
    "off",
    "--model.backbone",
    "simple_cnn",
    "--model.weights",
    "none",
    "--fit.max_minutes",
    "null",
    "--fit.epochs",
    "2",
    # as long as in a longer run: the larger the first steps, the more they make of rounding
    "--fit.warmup_steps",
    "50",
    "--fit.batch_size",
    "8",
    "--fit.mixed_precision",
    "no",
    # with seed 0 rounding tips one proposal or ReLU over its threshold, and gradients differ by a hundredth from there
    "--fit.seed",
    "1",
]
DETECT = [
    "detect.train",
    *COMMON,
    "--model.frozen_to_stride",
    "0",
    "--model.fpn_channels",
    "16",
    "--model.heads.channels",
    "32",
    "--model.batch_norm",
    "frozen",
    "--model.losses.type",
    "0.25",
]
CLASSIFY = ["classify.train", *COMMON, "--model.batch_norm", "train"]


# one code path of MKL on every processor, and for parts of a batch as for the whole; on some its sums differ else, and
# where that turns a ReLU on or off, gradients differ by a hundredth
ONE_CODE_PATH = {"MKL_CBWR": "AVX2"}


def start(words: Sequence[str]) -> "subprocess.Popen[str]":
    """Two processes by torchrun itself."""
    several = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    environment = os.environ | ONE_CODE_PATH | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-m", *several, *words],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ranks(words: Sequence[str], number: int, place: Path) -> list[Command]:
    """The processes of a training, each told its rank as torchrun tells it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    world = {"WORLD_SIZE": str(number), "LOCAL_WORLD_SIZE": str(number)} if number > 1 else {}
    world |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)} if number > 1 else {}
    told = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} if number > 1 else {} for rank in range(number)]
    return [Command(place, words, {**ONE_CODE_PATH, **world, **of_rank}) for of_rank in told]


def train_both(words: Sequence[str], devices: Path, place: Path) -> tuple[Path, Path, str]:
    """The run of one process, that of two, and what the two said on stdout.

    Some defects have no boxes, so in some batches a process has more of them than the other.
    """
    one, two = place / "one", place / "two"
    alone = ranks([*words, "--data", str(devices), "--run", str(one)], 1, place)
    together = ranks([*words, "--data", str(devices), "--run", str(two)], 2, place)
    printed = []
    for process in (*alone, *together):
        shown, said = process.communicate()
        assert process.returncode == 0, said
        printed.append(shown)
    return one, two, "".join(printed[1:])


def assert_same_run(one: Path, two: Path, gradients_within: float) -> None:
    """Losses and scores within 1e-4, weights within 1e-5, gradients within a share of each tensor's largest one.

    Weights come about 1e-4 far in a run this short, so the gradients, whose mean over the last steps the optimizer
    keeps, say more.
    """
    lines = [[json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()] for run in (one, two)]
    assert len(lines[0]) == len(lines[1]) == 2
    for a, b in zip(*lines, strict=True):
        assert (a["step"], a["lr"]) == (b["step"], b["lr"])
        assert a["losses"] == pytest.approx(b["losses"], rel=1e-4)
    first, second = (load_file(run / "last" / "optimizer.safetensors") for run in (one, two))
    gradients = [key for key in first if key.endswith(".exp_avg")]
    assert sum(float(first[key].abs().max()) > 1e-6 for key in gradients) > 10
    for key in gradients:
        atol = gradients_within * float(first[key].abs().max()) + 1e-7
        torch.testing.assert_close(second[key], first[key], rtol=0, atol=atol, msg=lambda m, key=key: f"{key}: {m}")
    for name in ("last/model", "last/average", "best/model"):
        first, second = (load_file(run / f"{name}.safetensors") for run in (one, two))
        assert first.keys() == second.keys()
        for key, value in first.items():
            torch.testing.assert_close(second[key], value, rtol=1e-4, atol=1e-5, msg=lambda m, key=key: f"{key}: {m}")
    for split in ("val", "test"):
        files = (run / "predictions" / f"{split}.jsonl" for run in (one, two))
        first, second = (read_predictions(file).predictions for file in files)
        assert first
        assert [p.image_id for p in first] == [p.image_id for p in second]
        np.testing.assert_allclose([p.score for p in first], [p.score for p in second], atol=1e-4)


@pytest.fixture(scope="module")
def detectors(devices: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    return train_both(DETECT, devices, tmp_path_factory.mktemp("detectors"))


def test_two_processes_train_the_detector_of_one(detectors: tuple[Path, Path, str]) -> None:
    one, two, shown = detectors
    assert_same_run(one, two, gradients_within=1e-4)
    assert shown == f"{two}\n"
    assert json.loads((two / "manifest.json").read_text())["processes"] == 2


def test_two_processes_train_the_classifier_of_one(devices: Path, tmp_path: Path) -> None:
    """Batch norm that learns couples the images of the whole batch.

    Before such a batch norm the size of a weight has no gradient but rounding, which Adam blows up: the gradients of
    the first step agree to 3e-6, those of the last to a hundredth.
    """
    one, two, _ = train_both(CLASSIFY, devices, tmp_path)
    assert_same_run(one, two, gradients_within=3e-2)


def test_a_request_to_one_process_stops_both_and_they_go_on_bit_identical(
    detectors: tuple[Path, Path, str], devices: Path, tmp_path: Path
) -> None:
    run = tmp_path / "cut"
    words = [*DETECT, "--data", str(devices), "--run", str(run), "--fit.checkpoint_minutes", "0"]
    together = start(words)
    while not (run / "last" / "state.json").exists():
        assert together.poll() is None
        time.sleep(0.01)
    os.kill(children_of(together.pid)[1], signal.SIGTERM)
    _, said = together.communicate(timeout=300)
    assert together.returncode == 0, said
    assert said.count("--resume") == 1
    assert json.loads((run / "last" / "state.json").read_text())["step"] < 14
    for again in ranks([*words, "--resume"], 2, tmp_path):
        _, said = again.communicate()
        assert again.returncode == 0, said
    for name in ("last/model", "last/average", "best/model"):
        whole, cut = ((folder / f"{name}.safetensors").read_bytes() for folder in (detectors[1], run))
        assert whole == cut, name


def test_what_fails_in_one_process_ends_both_with_its_message(devices: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(devices, broken)
    dataset = read_dataset(broken)
    # whichever process comes to it, the other waits for its gradients meanwhile
    path = broken / "images" / dataset.split("train")[0].path
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)  # header and end mark stay, so that only decoding finds it
    path.write_bytes(content)
    run = tmp_path / "run"
    # a given configuration, because deciding one by the data would find the damage before the run begins
    words = ["detect.train", "--config", "quickstart", *DETECT[1:], "--data", str(broken), "--run", str(run)]
    # nor may the layout, of which each process sees all images
    words += ["--input.augment.geometry", "none", "--paste.jitter", "1"]
    together = ranks(words, 2, tmp_path)
    said = [process.communicate()[1] for process in together]
    assert sorted(process.returncode for process in together) == [1, 2], said
    assert [f"error: {path}" in words for words in said].count(True) == 1
    assert ["another process of this run" in words for words in said].count(True) == 1
    assert json.loads((run / "manifest.json").read_text())["finished"] is None


@pytest.mark.parametrize(("processes_in_all", "status"), [("2", 3), ("1", -signal.SIGABRT)])
def test_one_of_several_leaves_with_its_status_and_words_whatever_the_interpreters_end_would_do(
    processes_in_all: str, status: int
) -> None:
    code = "import atexit, os\nfrom data_tools.commands.training import leave\natexit.register(os.abort)\n"
    code += "print('the last words', end='')\nleave(3)"
    environment = os.environ | {"WORLD_SIZE": processes_in_all, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, text=True, capture_output=True)
    assert ended.returncode == status
    if status == 3:
        assert ended.stdout == "the last words"


def children_of(pid: int) -> list[int]:
    """The processes that torchrun has started, in the order of their numbers."""
    return sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.parametrize("share", [0.5, None])
def test_the_parts_of_a_batch_are_the_batch_of_one_process(share: float | None) -> None:
    positive, sizes = [i % 3 == 0 for i in range(23)], [(8, 8 + i % 4) for i in range(23)]

    def batches(rank: int, count: int, start: int = 0) -> list[list[tuple[int, int]]]:
        sampler = BalancedSampler(positive, share, 5, sizes, 6, rank, count)
        sampler.epoch, sampler.start = 2, start
        keys = list(sampler)
        assert start or len(keys) == len(sampler)
        return [keys[i : i + sampler.share] for i in range(0, len(keys), sampler.share)]

    whole = batches(0, 1)
    assert [len(batch) for batch in whole] == [6, 6, 6]
    parts = [batches(rank, 3) for rank in range(3)]
    assert [[*a, *b, *c] for a, b, c in zip(*parts, strict=True)] == whole
    resumed = [batches(rank, 3, 6) for rank in range(3)]
    assert [[*a, *b, *c] for a, b, c in zip(*resumed, strict=True)] == whole[1:]


def test_a_small_set_is_one_batch_for_one_process_and_too_small_for_two() -> None:
    assert len(list(BalancedSampler([True, False, True], None, 0, (), 4))) == 3
    with pytest.raises(InputError, match="lower fit"):
        BalancedSampler([True, False, True], None, 0, (), 4, 0, 2)
    with pytest.raises(InputError, match="shared by 3 processes"):
        BalancedSampler([True] * 9, None, 0, (), 4, 0, 3)


def test_an_epoch_of_so_many_batches_repeats_a_small_set_and_draws_from_a_large_one() -> None:
    small = [index for _, index in BalancedSampler([True, False, False], 0.5, 0, (), 4, batches=3)]
    assert len(small) == 12
    assert sum(index == 0 for index in small) == 6
    large = BalancedSampler([False] * 100, None, 0, (), 4, batches=3)
    first = [index for _, index in large]
    large.epoch = 1
    assert len(set(first)) == 12
    assert first != [index for _, index in large]


def test_alone_everything_is_given_back() -> None:
    with processes.joined():
        assert (processes.count(), processes.rank(), processes.is_main()) == (1, 0, True)
        assert processes.gather("a") == ["a"]
        assert processes.on_main(lambda: 3) == 3
        assert processes.totals(2, True) == [2, 1]
        assert processes.maxima(4.5) == [4.5]
        values = torch.ones(2, requires_grad=True)
        assert not processes.average(values).requires_grad


def test_a_batch_is_padded_and_its_draws_depend_on_step_and_place_alone() -> None:
    items = [Item(i, torch.ones(1, 4, 6), torch.zeros(0, 4), torch.zeros(0).long(), 0.0, False, 0) for i in range(4)]
    whole = replace(collate(items), seed=11)
    assert whole.padded_to(4, 6) is whole
    padded = whole.padded_to(6, 7).images
    assert padded.shape == (4, 3, 6, 7)
    assert float(padded.sum()) == float(whole.images.sum())
    dropout = SampleDropout(0.5).train()
    values = torch.ones(4, 1000)
    masks = dropout(values, whole.generators())
    part = replace(collate(items[2:]), seed=11, place=2)
    assert torch.equal(dropout(values[2:], part.generators()), masks[2:])
    assert not torch.equal(masks[0], masks[1])
    assert float(masks.mean()) == pytest.approx(1.0, abs=0.1)
    assert set(masks.flatten().tolist()) == {0.0, 2.0}
    assert not torch.equal(dropout(values, replace(whole, seed=12).generators()), masks)
    assert dropout.eval()(values, whole.generators()) is values
