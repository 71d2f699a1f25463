"""A loader's process that fails says what happened as the main one would."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from data_tools.core.errors import InputError, WorkerLostError
from data_tools.training.loader_failures import in_words
from tests.architecture import ROOT

RUN = Path("runs/d")
# in a process of its own, because torch raises the death of a loader's process wherever the main one is
KILLED = """
import time

from tests.data_tools.training import test_loader_failures as here

try:
    with here.in_words(here.RUN):
        for _ in here.DataLoader(here.Failing(None), num_workers=1):
            time.sleep({pause})
except Exception as error:
    print(type(error).__name__, error)
"""


class Failing(Dataset[int]):
    """Four numbers; the third fails."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        if index == 2 and self.failure is not None:
            raise self.failure
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


def read_all(loader: DataLoader[int]) -> None:
    with in_words(RUN):
        for _ in loader:
            pass


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read(workers: int) -> None:
    with pytest.raises(InputError) as caught:
        read_all(DataLoader(Failing(InputError("a.png: no such image")), num_workers=workers))
    assert str(caught.value) == "a.png: no such image"


def test_a_batch_of_a_single_cell_is_refused_where_batch_norm_learns() -> None:
    norm = torch.nn.BatchNorm2d(3)
    with pytest.raises(InputError, match=r"32 x 32 pixels or less.*--fit.batch_size 2"), in_words(RUN):
        norm(torch.zeros(1, 3, 1, 1))
    with pytest.raises(ValueError, match="4D input"), in_words(RUN):
        norm(torch.zeros(1, 3))


def test_memory_that_is_exhausted() -> None:
    with pytest.raises(MemoryError, match=r"fewer --fit.workers need less.*--run runs/d --resume"):
        read_all(DataLoader(Failing(MemoryError()), num_workers=1))
    with pytest.raises(MemoryError, match=r"^Unable to allocate$"):
        read_all(DataLoader(Failing(MemoryError("Unable to allocate"))))


@pytest.mark.parametrize("pause", [0, 1])
def test_a_process_that_is_killed_while_it_is_waited_for_or_not(pause: int) -> None:
    """With a pause it dies during the work on a batch."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(pause=pause)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout.startswith("WorkerLostError a loader process was killed"), done.stderr
    assert "--run runs/d --resume" in done.stdout


def test_the_signal_of_a_death_may_come_after_the_end_of_the_connection() -> None:
    """At it torch raises wherever the process is; here a timer's signal does so while the first error is handled."""

    def connection_ends() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        raise ConnectionResetError

    def at_signal(*_: object) -> None:
        raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")

    former = signal.signal(signal.SIGALRM, at_signal)
    try:
        with pytest.raises(WorkerLostError, match="a loader process was killed"), in_words(RUN):
            connection_ends()
        time.sleep(0.1)  # nothing comes any more
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        read_all(DataLoader(Failing(RuntimeError("something else"))))
