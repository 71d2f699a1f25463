"""Chunks predicted by several processes, by Ray; what a killed process or lost machine had at hand, another does again.

They are of this machine, or of the cluster that Ray's own variable RAY_ADDRESS names. Images are decoded, and records
written, by the one process that was started, in the order of the images: a file is the same whoever predicts, and can
be resumed by either engine.
"""

import logging
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from data_tools.core.errors import InputError, WorkerLostError

_RETRIES = 3  # of a chunk whose process was killed
_AHEAD = 2  # chunks that wait for each process, so that none is idle
_ADDRESS = "RAY_ADDRESS"
_ANSWER_S = 20.0


def each_by_ray(chunks: Iterable[Any], work: Callable[[Any, Any], Any], make: Callable[[], Any]) -> Iterator[Any]:
    """`work(chunk, make())` of each chunk, in order; each process calls `make` once.

    Args:
        chunks: taken as they are needed.
        work: of a chunk, with what was made. Called again, by another process, where one was killed.
        make: gives what a process keeps, such as a model; it is sent to the processes, what it makes is not.

    Raises:
        InputError: Ray is not installed, no cluster answers, or `make` or `work` raises it.
        WorkerLostError: a chunk's process was killed again and again.
    """
    with _started() as ray:
        count = int(ray.cluster_resources().get("CPU", 1))
        task = ray.remote(_carry_out).options(num_cpus=1, max_retries=_RETRIES)
        sent = ray.put(ray.cloudpickle.dumps((work, make)))
        waiting: deque[Any] = deque()

        def next_result() -> Any:
            try:
                return ray.get(waiting.popleft())
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.WorkerCrashedError as error:
                raise WorkerLostError(
                    f"{_RETRIES + 1} processes were killed over the same images; what was predicted before is kept "
                    "for --resume"
                ) from error

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


def _require_answer(address: str) -> None:
    """Find out at once that nothing listens at HOST:PORT, which Ray itself tries for minutes.

    Raises:
        OSError, ValueError: nothing does, or the port is none.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), _ANSWER_S).close()


@contextmanager
def _started() -> Iterator[Any]:
    """Ray in the cluster, or with a process for each core of this machine; signals are left to whom they belong."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    try:
        import ray
    except ImportError as error:
        raise InputError("ray is not installed; pip install ray, or '.[ray]' here; or --engine local") from error
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    try:
        _join(ray, os.environ.get(_ADDRESS))
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)
    try:
        yield ray
    finally:
        ray.shutdown()


def _join(ray: Any, cluster: str | None) -> None:
    """Raise InputError where that cluster does not answer; without one, start Ray here."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not cluster:
        cores = len(os.sched_getaffinity(0))
        ray.init(address="local", num_cpus=cores, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return
    try:
        _require_answer(cluster)
        ray.init(address=cluster, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{_ADDRESS} {cluster}: no cluster of Ray's answers there: {error}") from error
