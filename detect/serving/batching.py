"""Requests that come at the same time go through the model together, one batch after the other in one thread."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

LINGER_S = 0.005
"""How long a batch that is not full waits for company."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkFailedError(Exception):
    """The work on an item has failed; the log says how."""


@dataclass(eq=False)
class _Job(Generic[Item, Result]):
    item: Item
    answer: "asyncio.Future[Result]"


class Batcher(Generic[Item, Result]):
    """Hands items to a function in batches.

    Args:
        work: results of some items, in order; carried out in a thread of its own, one call at a time.
        batch: most items a call.
        done: told how many items a call had and how many seconds it took.
    """

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Result]], batch: int, done: Callable[[int, float], None]
    ) -> None:
        self._work, self._batch, self._done = work, batch, done
        self._waiting: deque[_Job[Item, Result]] = deque()
        self._arrived = asyncio.Event()
        self._begun: float | None = None

    @property
    def waiting(self) -> int:
        """How many items no call has taken yet."""
        return len(self._waiting)

    @property
    def busy_s(self) -> float:
        """For how many seconds the present call has been going on; 0 between calls."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun

    async def answer(self, item: Item) -> Result:
        """The result of an item; whoever stops waiting takes the item back, unless it is being worked on.

        Raises:
            WorkFailedError: see there.
        """
        job: _Job[Item, Result] = _Job(item, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        self._arrived.set()
        try:
            return await job.answer
        finally:
            if job in self._waiting:
                self._waiting.remove(job)

    async def run(self) -> None:
        """Work until cancelled; a call that has begun is waited for."""
        self._arrived = asyncio.Event()  # of the loop that this runs in
        if self._waiting:
            self._arrived.set()
        with ThreadPoolExecutor(1, "model") as thread:
            while True:
                await self._arrived.wait()
                if len(self._waiting) < self._batch:
                    await asyncio.sleep(LINGER_S)
                jobs = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
                if not self._waiting:
                    self._arrived.clear()
                if jobs:
                    await self._carry_out(jobs, thread)

    async def _carry_out(self, jobs: list[_Job[Item, Result]], thread: ThreadPoolExecutor) -> None:
        """One call; where it fails, one for each item, so that one item fails no others."""
        results = await self._call([job.item for job in jobs], thread)
        if results is not None:
            for job, result in zip(jobs, results, strict=True):
                if not job.answer.done():
                    job.answer.set_result(result)
        elif len(jobs) == 1:
            if not jobs[0].answer.done():
                jobs[0].answer.set_exception(WorkFailedError())
        else:
            for job in jobs:
                if not job.answer.done():
                    await self._carry_out([job], thread)

    async def _call(self, items: list[Item], thread: ThreadPoolExecutor) -> Sequence[Result] | None:
        """The results; None where the work failed, which is logged."""
        self._begun = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, self._work, items)
        except Exception as error:  # whatever it is, the service goes on
            log.error("the work on %d images failed", len(items), exc_info=error)
            return None
        finally:
            self._done(len(items), self.busy_s)
            self._begun = None
