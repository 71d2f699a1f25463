import os
import signal
import sys
import threading
import time
import weakref
from contextlib import suppress

import pytest

from data_tools.training.interrupt import Terminated, end_if_asked, ended_by_sigterm, stop_requests


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_the_first_is_a_request_and_ctrl_c_after_it_ends_at_once(first: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with stop_requests() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), first)
        assert stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)  # a scheduler may repeat itself
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_thread_is_never_asked() -> None:
    seen: list[bool] = []

    def work() -> None:
        with stop_requests() as stop:
            seen.append(stop.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_sigterm_ends_the_work_by_an_exception_and_its_handler_goes() -> None:
    with pytest.raises(Terminated), ended_by_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


class Thing:
    """What weak references can be to."""


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGTERM, Terminated), (signal.SIGINT, KeyboardInterrupt)])
def test_a_signal_that_comes_while_an_object_goes_is_not_lost(
    number: signal.Signals, kind: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        thing = Thing()
        _watcher = weakref.ref(thing, lambda _: os.kill(os.getpid(), number))
        del thing
        time.sleep(5)

    hook = sys.unraisablehook
    with pytest.raises(kind), ended_by_sigterm():
        work()
    assert sys.unraisablehook is hook
    assert "Traceback" not in capsys.readouterr().err


def test_a_signal_that_a_package_keeps_to_itself_is_not_lost() -> None:
    def work() -> None:
        with suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
        end_if_asked()

    with pytest.raises(Terminated), ended_by_sigterm():
        work()
    end_if_asked()  # what comes later in the process was not asked to end


def test_a_handler_that_is_there_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with ended_by_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]
