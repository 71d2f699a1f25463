"""Stopping on request: SIGTERM, as a scheduler sends it before it takes the machine away."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):  # noqa: N818 - it is no error
    """The work was asked to stop and has saved its state; the message says how to go on. Exit status 0."""


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM sets; the handler that was there before comes back at the end.

    Python delivers signals to the main thread alone; in any other thread the event is simply never set.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
