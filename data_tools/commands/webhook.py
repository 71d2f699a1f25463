"""Each record of a watch sent to an address as well, by a thread of its own, so that prediction never waits for it."""

import base64
import logging
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPException
from types import TracebackType
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

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


class Webhook:
    """An address that takes a record a POST, as JSON.

    Args:
        url: http or https; a user and password in it are sent by Basic authentication.

    Raises:
        InputError: another kind of address. The message does not repeat it: it may hold a secret.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise InputError("--webhook: not an address; give http://HOST[:PORT]/PATH or https://...") from None
        is_plain = url.isascii() and url.isprintable() and " " not in url
        if parts.scheme not in ("http", "https") or not host or not is_plain:
            raise InputError(
                "--webhook: give http://HOST[:PORT]/PATH or https://..., what is not ASCII as percent codes"
            )
        place = f"[{host}]" if ":" in host else host
        self.shown = f"{parts.scheme}://{place}" + ("" if port is None else f":{port}")
        self._url = f"{self.shown}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Content-Type": "application/json"}
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        self._opener = OpenerDirector()  # without a handler of redirects, which could lead anywhere
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
            self._opener.add_handler(handler)

    def post(self, content: bytes, key: str, timeout: float) -> None:
        """Send a record; `key` is the same at each attempt.

        Raises:
            UndeliveredError: no answer, or one that is not 2xx.
        """
        headers = {**self._headers, "Idempotency-Key": key}
        try:
            with self._opener.open(Request(self._url, content, headers), timeout=timeout):
                return
        except HTTPError as error:
            with error:
                raise UndeliveredError(f"answered with status {error.code}") from None
        except URLError as error:
            raise UndeliveredError(str(error.reason)) from None
        except OSError as error:
            raise UndeliveredError(str(error) or type(error).__name__) from None
        except (HTTPException, ValueError) as error:  # whose words may repeat the address
            raise UndeliveredError(f"no answer of HTTP ({type(error).__name__})") from None


class Delivery:
    """Delivers what is unsent, in order and at least once, from entering to leaving; then says what is left.

    Args:
        webhook: takes the records.
        unsent: has them.
        timing: of attempts.
    """

    def __init__(self, webhook: Webhook, unsent: Unsent, timing: Timing | None = None) -> None:
        self._webhook, self._unsent, self._timing = webhook, unsent, timing or Timing()
        self._asked, self._until, self._saved = threading.Event(), 0.0, 0.0
        self._delivered, self._trouble = 0, ""
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def __enter__(self) -> "Delivery":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._until = time.monotonic() + self._timing.last
        self._asked.set()
        self._thread.join(self._timing.last + 2 * self._timing.timeout)  # an answer may come a byte at a time
        left = self._unsent.count()
        kept = f"; they are sent by the same command, which goes on from {self._unsent.path}" if left else ""
        say(f"webhook {self._webhook.shown}: {self._delivered} delivered, {left} unsent{kept}", to=sys.stderr)

    def _run(self) -> None:
        pause = self._timing.first
        while True:
            is_last, before = self._asked.is_set(), self._delivered
            trouble = self._deliver()
            self._say(trouble)
            if is_last or (trouble and self._asked.is_set()):
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
        self._webhook.post(line.content.rstrip(b"\n"), line.key, self._timing.timeout)
        self._unsent.sent(line)
        self._delivered += 1
        if time.monotonic() - self._saved >= self._timing.save:
            self._unsent.save()
            self._saved = time.monotonic()

    def _say(self, trouble: str) -> None:
        """Once for each reason: not at every attempt of a night."""
        if trouble and trouble != self._trouble:
            log.warning("webhook %s: %s; tried again until it succeeds", self._webhook.shown, trouble)
        elif self._trouble and not trouble:
            log.warning("webhook %s: delivers again", self._webhook.shown)
        self._trouble = trouble
