"""Records sent to an HTTP address."""

import base64
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from data_tools.commands.address import parse_address
from data_tools.commands.delivery import UndeliveredError


class Webhook:
    """An address that takes a record a POST, as JSON.

    Args:
        url: http or https, or @FILE, see `parse_address`; a user and password in it are sent by Basic authentication.

    Raises:
        InputError: another kind of address. The message does not repeat it: it may hold a secret.
    """

    kind = "webhook"

    def __init__(self, url: str) -> None:
        address = parse_address("--webhook", url, ("http", "https"), "http://HOST[:PORT]/PATH or https://...")
        self.shown = address.shown
        self._url = f"{self.shown}{address.path or '/'}" + (f"?{address.query}" if address.query else "")
        self._headers = {"Content-Type": "application/json"}
        if address.user is not None:
            user = f"{address.user}:{address.password}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        self._opener = OpenerDirector()  # without a handler of redirects, which could lead anywhere
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPDefaultErrorHandler(), HTTPErrorProcessor()):
            self._opener.add_handler(handler)

    def send(self, content: bytes, key: str, timeout: float) -> None:
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

    def close(self) -> None:
        """Nothing is open: each record has a connection of its own."""
