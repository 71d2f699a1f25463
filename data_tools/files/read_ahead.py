"""Images decoded ahead of the work on them, in order, so many at a time that memory stays flat."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Condition
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.files.image_sources import Source
from data_tools.files.images import read_gray
from data_tools.files.templates import Templates

CHUNK = 32
CHUNK_PIXELS = 64_000_000
_WORKERS = 2  # decoding lets go of Python's lock, and the network has the other cores

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a source holds.

    Attributes:
        source: what was read.
        pixels: (h, w) uint8; None where it could not be read.
        reason: why it could not be read; "" where it could.
        template: (h, w) uint8 of a perfect part, which the pixels are to be compared with; None without templates.
        lacks_template: whether the reason is that, and not the image.
    """

    source: Source
    pixels: NDArray[np.uint8] | None
    reason: str = ""
    template: NDArray[np.uint8] | None = None
    lacks_template: bool = False


def decode(source: Source, templates: Templates | None = None) -> Decoded:
    """Read a source; whatever is wrong with it, or with the template that it shall have, is said in the result."""
    if source.reason:
        return Decoded(source, None, source.reason)
    pixels, reason = pixels_or_reason(lambda: read_gray(source.path), str(source.path))
    if pixels is None:
        return Decoded(source, None, reason)
    if source.size_hw is not None and pixels.shape != source.size_hw:
        height, width = pixels.shape
        noted = f"{source.size_hw[1]} x {source.size_hw[0]}"
        return Decoded(source, None, f"is {width} x {height} pixels, but annotated as {noted}")
    return Decoded(source, pixels) if templates is None else _with_template(source, pixels, templates)


def _with_template(source: Source, pixels: NDArray[np.uint8], templates: Templates) -> Decoded:
    def read() -> NDArray[np.uint8]:
        return templates.read_beside(source.name, source.path, pixels.shape)

    template, reason = pixels_or_reason(read, source.name)
    if template is None:
        return Decoded(source, None, reason, lacks_template=True)
    return Decoded(source, pixels, template=template)


def pixels_or_reason(read: Callable[[], NDArray[np.uint8]], place: str) -> tuple[NDArray[np.uint8] | None, str]:
    """What `read` gives, or None and why it cannot; `place` starts its messages and is left out of them."""
    try:
        return read(), ""
    except InputError as error:
        return None, str(error).removeprefix(f"{place}: ")
    except MemoryError:
        return None, "too large for the memory that is left"


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Result], weigh: Callable[[Result], int]
) -> Iterator[Result]:
    """`read` of each item, in order, by threads that work while the results before are used.

    As many results are read ahead as a chunk holds, fewer where the last one was heavy, and none is begun while those
    before it that are not yet used weigh a chunk. An exception comes up in its turn, and leaving early waits for what
    is being read.

    Args:
        items: taken one by one in the calling thread.
        read: must be safe in a thread.
        weigh: how much of `CHUNK_PIXELS` a result takes.
    """
    waiting: deque[tuple[int, Future[Result]]] = deque()
    held, most = _Held(), _WORKERS

    def read_in_turn(number: int, item: Item) -> Result:
        held.wait_for_room(number)
        result = read(item)
        held.put(number, weigh(result))
        return result

    def next_result() -> tuple[Result, int]:
        number, future = waiting.popleft()
        result = future.result()
        return result, held.take(number)

    with ThreadPoolExecutor(_WORKERS, "read-ahead") as pool:
        try:
            for number, item in enumerate(items):
                waiting.append((number, pool.submit(read_in_turn, number, item)))
                while len(waiting) >= most:
                    result, weight = next_result()
                    most = min(max(CHUNK_PIXELS // max(weight, 1), _WORKERS), CHUNK)
                    yield result
                    del result  # or it would be held while the next one is waited for
            while waiting:
                yield next_result()[0]
        finally:
            for _, future in waiting:
                future.cancel()
            held.let_all()


class _Held:
    """The weights of what is read and not yet used, by number; whoever reads on waits here while they are a chunk's."""

    def __init__(self) -> None:
        self._weights: dict[int, int] = {}
        self._is_open, self._changed = False, Condition()

    def wait_for_room(self, number: int) -> None:
        """What comes later is not counted: it is used only after this number."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_open or self._weight_before(number) < CHUNK_PIXELS)

    def put(self, number: int, weight: int) -> None:
        with self._changed:
            self._weights[number] = weight

    def take(self, number: int) -> int:
        """The weight of a result that is used now."""
        with self._changed:
            weight = self._weights.pop(number)
            self._changed.notify_all()
        return weight

    def let_all(self) -> None:
        """Nobody waits any more."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def _weight_before(self, number: int) -> int:
        return sum(weight for other, weight in self._weights.items() if other < number)


def chunks(items: Iterable[Item], weigh: Callable[[Item], int], most: int = CHUNK) -> Iterator[list[Item]]:
    """So many in succession as are predicted together: `most`, or fewer where they weigh `CHUNK_PIXELS`."""
    chunk: list[Item] = []
    weight = 0
    for item in items:
        chunk.append(item)
        weight += weigh(item)
        if len(chunk) >= most or weight >= CHUNK_PIXELS:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def decoded_chunks(
    sources: Iterable[Source], most: int = CHUNK, templates: Templates | None = None
) -> Iterator[list[Decoded]]:
    """The sources in chunks, decoded ahead; with `templates` those that have none are as such that cannot be read."""
    return chunks(read_ahead(sources, partial(decode, templates=templates), pixels_held), pixels_held, most)


def pixels_held(one: Decoded) -> int:
    """How many pixels are held, of the template too."""
    return sum(0 if pixels is None else pixels.size for pixels in (one.pixels, one.template))
