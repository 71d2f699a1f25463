"""A loader's process that fails says what happened as the main one would."""

import os
import signal
from pathlib import Path

import pytest
from torch.utils.data import DataLoader, Dataset

from data_tools.core.errors import InputError, WorkerLostError
from data_tools.training.loader_failures import in_words

RUN = Path("runs/d")


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


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read(workers: int) -> None:
    loader = DataLoader(Failing(InputError("a.png: no such image")), num_workers=workers)
    batches = in_words(loader, RUN)
    assert [int(next(batches)), int(next(batches))] == [0, 1]
    with pytest.raises(InputError) as caught:
        next(batches)
    assert str(caught.value) == "a.png: no such image"


@pytest.mark.parametrize("workers", [0, 1])
def test_memory_that_is_exhausted(workers: int) -> None:
    with pytest.raises(MemoryError, match=r"fewer --fit.workers need less.*--run runs/d --resume"):
        list(in_words(DataLoader(Failing(MemoryError()), num_workers=workers), RUN))


def test_a_process_that_is_killed() -> None:
    with pytest.raises(WorkerLostError, match=r"was killed.*--run runs/d --resume"):
        list(in_words(DataLoader(Failing(None), num_workers=1), RUN))


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="something else"):
        list(in_words(DataLoader(Failing(RuntimeError("something else"))), RUN))
