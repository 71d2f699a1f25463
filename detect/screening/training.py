"""Cells trained at the same time, each in a process of its own with its share of the cores."""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from subprocess import CalledProcessError

from detect.compare_detectors.cells import Cell, run

log = logging.getLogger(__name__)


def train(cells: Sequence[Cell], jobs: int) -> None:
    """Train cells, several at the same time with their share of the cores; one that fails is named, others go on."""
    threads = str(max((os.cpu_count() or 1) // jobs, 1))
    with ProcessPoolExecutor(jobs, get_context("spawn"), _limit_threads, (threads,)) as pool:
        for cell, status in zip(cells, pool.map(_train_one, cells), strict=True):
            log.info("%s: %s", cell, "done" if status == 0 else f"failed with status {status}; see the message above")


def _limit_threads(threads: str) -> None:
    os.environ["OMP_NUM_THREADS"] = threads


def _train_one(cell: Cell) -> int:
    try:
        run(cell)
    except CalledProcessError as error:
        return error.returncode
    return 0
