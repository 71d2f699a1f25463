"""Work on many images with all processors, results in order and memory bounded."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

from tqdm import tqdm

from data_tools.files.worker_pool import worker_pool

Job = TypeVar("Job")
Result = TypeVar("Result")

_CHUNK = 32
_AHEAD = 4  # chunks for each worker that may wait to be taken


def map_images(function: Callable[[Job], Result], jobs: Sequence[Job], title: str) -> Iterator[Result]:
    """`function` of each job, in the order of the jobs, with a progress bar on stderr.

    A few jobs are done at once; more go to one process for each processor, in chunks of which only a few are under way.

    Args:
        function: picklable, that is defined at the top of a module.
        jobs: picklable.
        title: of the progress bar.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    done = map(function, jobs) if workers == 1 or len(jobs) <= 2 * _CHUNK else _pooled(function, jobs, workers)
    yield from tqdm(done, desc=title, total=len(jobs), leave=False, mininterval=1.0)


def _pooled(function: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    chunks = (jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK))
    with worker_pool(workers) as pool:
        under_way: deque[Future[list[Result]]] = deque(
            pool.submit(_chunk, function, chunk) for chunk in islice(chunks, workers * _AHEAD)
        )
        while under_way:
            yield from under_way.popleft().result()
            under_way.extend(pool.submit(_chunk, function, chunk) for chunk in islice(chunks, 1))


def _chunk(function: Callable[[Job], Result], jobs: Sequence[Job]) -> list[Result]:
    return [function(job) for job in jobs]
