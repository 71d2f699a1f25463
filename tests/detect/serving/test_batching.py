import asyncio
import threading
from collections.abc import Sequence
from contextlib import asynccontextmanager

import pytest

from detect.serving.batching import Batcher, WorkFailedError


@asynccontextmanager
async def at_work(batcher: Batcher):
    task = asyncio.create_task(batcher.run())
    yield
    task.cancel()
    await asyncio.wait([task])


def test_items_that_come_together_go_together_and_each_gets_its_own_result() -> None:
    calls: list[list[int]] = []

    def work(items: Sequence[int]) -> list[int]:
        calls.append(list(items))
        return [item * item for item in items]

    async def ten() -> list[int]:
        batcher = Batcher(work, 4, lambda images, seconds: None)
        async with at_work(batcher):
            return await asyncio.gather(*(batcher.answer(i) for i in range(10)))

    assert asyncio.run(ten()) == [i * i for i in range(10)]
    assert calls == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_who_stops_waiting_is_not_worked_for() -> None:
    seen: list[int] = []
    go_on = threading.Event()

    def work(items: Sequence[int]) -> Sequence[int]:
        assert go_on.wait(10)
        seen.extend(items)
        return items

    async def impatient() -> None:
        batcher = Batcher(work, 1, lambda images, seconds: None)
        async with at_work(batcher):
            first = asyncio.create_task(batcher.answer(1))
            await asyncio.sleep(0.05)
            assert batcher.busy_s > 0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await batcher.answer(2)
            assert batcher.waiting == 0
            go_on.set()
            assert await first == 1
            assert await batcher.answer(3) == 3
            assert batcher.busy_s == 0

    asyncio.run(impatient())
    assert seen == [1, 3]


def test_one_that_fails_fails_alone_and_the_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def work(items: Sequence[int]) -> list[float]:
        return [1 / item for item in items]

    async def with_a_zero() -> tuple[list, float]:
        batcher = Batcher(work, 8, lambda images, seconds: None)
        async with at_work(batcher):
            results = await asyncio.gather(*(batcher.answer(i) for i in (1, 0, 2)), return_exceptions=True)
            return results, await batcher.answer(4)

    (one, failed, half), later = asyncio.run(with_a_zero())
    assert (one, half, later) == (1.0, 0.5, 0.25)
    assert isinstance(failed, WorkFailedError)
    assert "ZeroDivisionError" in caplog.text
