"""Processes that share work: a death is said, and they do not outlive the command."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_tools.core.errors import WorkerLostError
from data_tools.files.worker_pool import worker_pool
from tests.architecture import ROOT

HELD = """
import sys, time
from data_tools.files.worker_pool import worker_pool

with worker_pool(2) as pool:
    for _ in range(2):
        pool.submit(time.sleep, 0)
    print(*pool._processes, flush=True)
    time.sleep(60)
"""


def killed(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order() -> None:
    with worker_pool(2) as pool:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]


def test_a_worker_that_is_killed_is_said() -> None:
    with pytest.raises(WorkerLostError, match="was killed"), worker_pool(2) as pool:
        list(pool.map(killed, range(5)))


def test_other_errors_pass() -> None:
    with pytest.raises(MemoryError), worker_pool(2) as pool:
        pool.submit(_exhausted).result()


def _exhausted() -> None:
    raise MemoryError


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_the_workers_of_a_killed_process_end() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", HELD], env=environment, text=True, stdout=subprocess.PIPE)
    assert process.stdout is not None
    workers = [Path("/proc", number) for number in process.stdout.readline().split()]
    assert workers
    assert all(worker.exists() for worker in workers)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(_runs(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its command"
        time.sleep(0.05)


def _runs(process: Path) -> bool:
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
