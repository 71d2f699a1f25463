"""Each record of a watch sent elsewhere as well, by a thread of its own, so that prediction never waits for it."""

import logging
import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.files.unsent import Line, Unsent

log = logging.getLogger(__name__)


class UndeliveredError(Exception):
    """A record was not accepted; the message says why, without the address, which may hold a secret."""


@dataclass(frozen=True)
class Timing:
    """Of deliveries, in seconds.

    Attributes:
        timeout: of connecting, and of each wait for the answer.
        first, longest: pause after a failure; doubled from one to the other.
        poll: from one look for new records to the next.
        last: how long what is unsent is sent after the watch was asked to stop.
        save: from one note of what was delivered to the next; after a kill at most so much is sent twice.
    """

    timeout: float = 5.0
    first: float = 1.0
    longest: float = 60.0
    poll: float = 0.2
    last: float = 5.0
    save: float = 1.0


class Sink(Protocol):
    """What takes records, one at a time.

    Attributes:
        kind: in words.
        shown: its address, without what may be secret.
    """

    kind: str
    shown: str

    def send(self, content: bytes, key: str, timeout: float) -> None:
        """Have a record accepted; `key` is the same at each attempt.

        Raises:
            UndeliveredError: it is not accepted, or not known to be.
        """

    def close(self) -> None:
        """Let go of what is open."""


class Delivery:
    """Delivers what is unsent, in order and at least once, from entering to leaving; then says what is left.

    Args:
        sink: takes the records.
        unsent: has them.
        timing: of attempts.
    """

    def __init__(self, sink: Sink, unsent: Unsent, timing: Timing | None = None) -> None:
        self._sink, self._unsent, self._timing = sink, unsent, timing or Timing()
        self._asked, self._until, self._saved = threading.Event(), 0.0, 0.0
        self._delivered, self._trouble = 0, ""
        self._name = f"{sink.kind} {sink.shown}"
        self._thread = threading.Thread(target=self._run, name=sink.kind, daemon=True)

    def __enter__(self) -> "Delivery":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._until = time.monotonic() + self._timing.last
        self._asked.set()
        self._thread.join(self._timing.last + 2 * self._timing.timeout)  # an answer may come a byte at a time
        left = self._unsent.count()
        kept = f"; they are sent by the same command, which goes on from {self._unsent.path}" if left else ""
        say(f"{self._name}: {self._delivered} delivered, {left} unsent{kept}", to=sys.stderr)

    def _run(self) -> None:
        pause = self._timing.first
        while True:
            is_last, before = self._asked.is_set(), self._delivered
            trouble = self._deliver()
            self._say(trouble)
            if is_last or (trouble and self._asked.is_set()):
                self._sink.close()
                return
            if self._delivered > before:
                pause = self._timing.first
            self._asked.wait(pause if trouble else self._timing.poll)
            pause = min(2 * pause, self._timing.longest) if trouble else self._timing.first

    def _deliver(self) -> str:
        """Deliver what there is, until something fails; why it did, "" where nothing did."""
        trouble = ""
        try:
            for line in self._unsent.lines():
                if self._asked.is_set() and time.monotonic() > self._until:
                    break
                self._deliver_one(line)
        except (UndeliveredError, InputError, OSError) as error:
            trouble = str(error)
        try:
            self._unsent.save()
        except (InputError, OSError) as error:
            trouble = trouble or str(error)
        return trouble

    def _deliver_one(self, line: Line) -> None:
        self._sink.send(line.content.rstrip(b"\n"), line.key, self._timing.timeout)
        self._unsent.sent(line)
        self._delivered += 1
        if time.monotonic() - self._saved >= self._timing.save:
            self._unsent.save()
            self._saved = time.monotonic()

    def _say(self, trouble: str) -> None:
        """Once for each reason: not at every attempt of a night."""
        if trouble and trouble != self._trouble:
            log.warning("%s: %s; tried again until it succeeds", self._name, trouble)
        elif self._trouble and not trouble:
            log.warning("%s: delivers again", self._name)
        self._trouble = trouble
