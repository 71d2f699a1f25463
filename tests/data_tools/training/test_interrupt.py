import os
import signal
import threading

import pytest

from data_tools.training.interrupt import Terminated, ended_by_sigterm, stop_requests


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


def test_a_handler_that_is_there_stays() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
    try:
        with ended_by_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]
