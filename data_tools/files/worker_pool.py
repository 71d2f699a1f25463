"""Processes that share work, do not outlive the command, and whose death is said in words."""

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait

from data_tools.core.errors import WorkerLostError


@contextmanager
def worker_pool(workers: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool of so many processes, None for one a processor; left early, it does not begin what is waiting.

    Raises:
        WorkerLostError: one of them was killed, as systems do when memory is short.
    """
    with ProcessPoolExecutor(workers, initializer=_end_with_parent) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise WorkerLostError(
                "a worker process was killed, as a system does that is short of memory; nothing was written: give it "
                "more memory, or work on fewer images at once"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Let this process end when the one that started it is killed: it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
