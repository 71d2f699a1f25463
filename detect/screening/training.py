"""Cells trained at the same time, each in a process of its own with its share of the cores."""

import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from functools import partial
from subprocess import CalledProcessError

from detect.compare_detectors.cells import Cell, ask_to_stop, run

log = logging.getLogger(__name__)


def train(cells: Sequence[Cell], jobs: int) -> None:
    """Train cells, several at the same time with their share of the cores; one that fails is named, others go on.

    What ends this ends the trainings, too, after they have saved their state.
    """
    train_one = partial(_train_one, threads=max((os.cpu_count() or 1) // jobs, 1))
    # each training redirects what is printed, and would by turns give back what another has redirected
    with redirect_stdout(sys.stderr), ThreadPoolExecutor(jobs) as pool:
        try:
            for cell, status in zip(cells, pool.map(train_one, cells), strict=True):
                how = "done" if status == 0 else f"failed with status {status}; see the message above"
                log.info("%s: %s", cell, how)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            ask_to_stop()
            raise


def _train_one(cell: Cell, threads: int) -> int:
    try:
        run(cell, threads)
    except CalledProcessError as error:
        return error.returncode
    return 0
