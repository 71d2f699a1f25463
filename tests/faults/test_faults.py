"""A small share of `python -m tests.faults`: one moment of each kind of fault, by a seed."""

import random

import pytest

from tests.faults.faulty import Fault
from tests.faults.flips import READERS, damage_trial, files_of
from tests.faults.jobs import BY_NAME, half_written
from tests.faults.plan import rows
from tests.faults.power import NAMES, POWER_LOSSES
from tests.faults.trials import Bench, trial

SHARE = {
    "convert --replace": ("SIGKILL at", "SIGTERM at", "SIGINT at", "disk full", "an image truncated", "read-only"),
    "classify.train": (
        "SIGKILL at",
        "SIGTERM after",
        *POWER_LOSSES,
        "small disk",
        "a worker killed",
        "a worker out of memory",
    ),
    "classify.predict": ("SIGKILL at", "SIGINT after", "two at once", "an image deleted"),
}
CHOSEN = [row for row in rows() if row.fault.startswith(SHARE.get(row.command, ("-",)))]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("faults")).prepare([BY_NAME[name] for name in SHARE])


@pytest.mark.parametrize("row", CHOSEN, ids=lambda row: f"{row.command}, {row.fault}")
def test_what_was_finished_is_intact_and_the_same_command_completes(bench: Bench, row) -> None:
    verdict = row.trial(bench, random.Random(7))
    if verdict is None:
        pytest.skip("this machine lets nobody mount")
    assert verdict.wrong == ()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("manifest.json", "a bit flipped"),
        ("predictions/test.jsonl", "a bit flipped"),
        ("best/sha256.json", "a file cut off"),
    ],
)
def test_damage_is_named(bench: Bench, name: str, damage: str) -> None:
    file = next(path for path in files_of(bench.base, "c") if path.as_posix() == f"c/{name}")
    assert damage_trial(bench, "c", file, damage, random.Random(name)).wrong == ()


def test_each_fault_is_tried_somewhere() -> None:
    assert len(CHOSEN) == sum(map(len, SHARE.values()))
    assert set(READERS) == {"d", "c", "b", "k", "p"}


def test_what_is_done_is_safe_from_a_power_loss(bench: Bench) -> None:
    assert trial(bench, BY_NAME["classify.train"], Fault(NAMES)).wrong == ()


def test_damage_is_seen(bench: Bench) -> None:
    """The examination itself: a file that is cut off, and one that is never made."""
    job = BY_NAME["convert"]
    assert trial(bench, job, Fault("SIGKILL", 1)).wrong == ()
    expected, whole = bench.base / "data" / "more.txt", bench.base / "data" / "annotations.json"
    expected.touch()
    try:
        assert not trial(bench, job, Fault("SIGKILL", 1)).is_completed
    finally:
        expected.unlink()
    bench.lay_out(["data"])
    assert half_written(bench.work, job.made) == []
    (bench.work / "data" / "annotations.json").write_bytes(whole.read_bytes()[:-5])
    assert len(half_written(bench.work, job.made)) == 1
