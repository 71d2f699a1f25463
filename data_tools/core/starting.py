"""Ctrl-C while a command starts, as its packages are imported, and once it is done: the process ends without a word.

Nothing is half-written then, so that there is nothing to clear up and nothing to say; a traceback would show no more
than which import it hit.
"""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_ENDED_BY_CTRL_C = 130
_interrupted: list[bool] = []


def end_quietly_while_starting() -> None:
    """Let Ctrl-C end the process with status 130 if `python -m` is about to run a module of the importing package.

    Not where a package is imported for its functions, and not where Ctrl-C is ignored, as in the background of a shell.
    """
    is_command = sys.argv[:1] == ["-m"]  # so it is called until the module is found, for which its package is imported
    if is_command and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
        atexit.register(_end_if_interrupted)  # the first to be registered is the last to be called


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt again for as long as the command works."""
    was_quiet = signal.getsignal(signal.SIGINT) is _end
    try:
        if was_quiet:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
    except KeyboardInterrupt:
        if was_quiet:
            _interrupted.append(True)
        raise
    finally:
        if was_quiet:
            signal.signal(signal.SIGINT, _end)


def _end_if_interrupted() -> None:
    """Keep the exit status: Python ends by the signal itself where Ctrl-C has hit a text that it was executing."""
    if _interrupted:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(_ENDED_BY_CTRL_C)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(_ENDED_BY_CTRL_C)
