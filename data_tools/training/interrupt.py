"""Stopping on request: SIGTERM, as a scheduler sends it before it takes the machine away, and Ctrl-C."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

_AGAIN_S = 0.01
_ended = threading.Event()


class Stopped(Exception):  # noqa: N818 - it is no error
    """The work was asked to stop and has saved its state; the message says how to go on. Exit status 0."""


class Terminated(BaseException):
    """SIGTERM came where no state is to be saved."""


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, by an exception, so that what is half-written is removed on the way.

    Where either comes while Python clears up an object, which loses exceptions, it comes again a little later. Only in
    the main thread, to which Python delivers signals, and only where nobody else handles it.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the second one ends at once
        _ended.set()
        raise Terminated

    def lost(what: "sys.UnraisableHookArgs") -> None:
        if not issubclass(what.exc_type, Terminated | KeyboardInterrupt):
            before(what)
            return
        number = signal.SIGINT
        if issubclass(what.exc_type, Terminated):
            number = signal.SIGTERM
            signal.signal(number, end)
        again.append(threading.Timer(_AGAIN_S, os.kill, (os.getpid(), number)))
        again[-1].start()

    again: list[threading.Timer] = []
    before, sys.unraisablehook = sys.unraisablehook, lost
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.unraisablehook = before
        for timer in again:
            timer.cancel()
        _ended.clear()


def end_if_asked() -> None:
    """End the work where SIGTERM has come and a package has kept its exception to itself, as tracing of networks does.

    Raises:
        Terminated: see above.
    """
    if _ended.is_set():
        raise Terminated


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set; the handlers that were there before come back at the end.

    Ctrl-C after either of them is no request any more: it raises KeyboardInterrupt at once. Python delivers signals to
    the main thread alone; in any other thread the event is simply never set.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not asked.is_set():
            log.info("asked to stop: what is under way is finished and saved first; Ctrl-C again ends at once")
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
