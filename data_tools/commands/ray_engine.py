"""Chunks predicted by several processes of this machine, by Ray; what a killed process had at hand, another does again.

Images are decoded, and records written, by the one process that was started, in the order of the images: a file is the
same whoever predicts, and can be resumed by either engine.
"""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from data_tools.core.errors import InputError

_AHEAD = 2  # chunks that wait for each process, so that none is idle


def each_by_ray(chunks: Iterable[Any], work: Callable[[Any, Any], Any], make: Callable[[], Any]) -> Iterator[Any]:
    """`work(chunk, make())` of each chunk, in order; each process calls `make` once.

    Args:
        chunks: taken as they are needed.
        work: of a chunk, with what was made. Called again, by another process, where one was killed.
        make: gives what a process keeps, such as a model; it is sent to the processes, what it makes is not.

    Raises:
        InputError: Ray is not installed, or `make` or `work` raises it.
    """
    count = len(os.sched_getaffinity(0))
    with _started(count) as ray:
        task = ray.remote(_carry_out).options(num_cpus=1, max_retries=3)
        sent = ray.put(ray.cloudpickle.dumps((work, make)))
        waiting: deque[Any] = deque()

        def next_result() -> Any:
            try:
                return ray.get(waiting.popleft())
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error

        for chunk in chunks:
            waiting.append(task.remote(sent, chunk))
            if len(waiting) >= count * _AHEAD:
                yield next_result()
        while waiting:
            yield next_result()


def _carry_out(sent: bytes, chunk: Sequence[Any]) -> Any:
    work, made = _made(sent)
    return work(chunk, made)


@lru_cache(maxsize=1)
def _made(sent: bytes) -> tuple[Callable[[Any, Any], Any], Any]:
    """In a process of Ray's: the work, and what it keeps."""
    from ray import cloudpickle

    work, make = cloudpickle.loads(sent)
    return work, make()


@contextmanager
def _started(count: int) -> Iterator[Any]:
    """Ray with so many processes of this machine, until the end; signals are left to whom they belong."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    try:
        import ray
    except ImportError as error:
        raise InputError("ray is not installed; pip install ray, or '.[ray]' here; or --engine local") from error
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    ray.init(
        address="local",
        num_cpus=count,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
    )
    try:
        if is_main:
            signal.signal(signal.SIGTERM, before)
        yield ray
    finally:
        ray.shutdown()
