"""Addresses that records are sent to; only scheme, host and port are ever said, the rest may be secret."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from data_tools.core.errors import InputError
from data_tools.files.regular import read_regular

_LONGEST = 1 << 16  # bytes of a file with an address


@dataclass(frozen=True)
class Address:
    """The parts of an address.

    Attributes:
        scheme, host: lower case; a host of IPv6 without brackets.
        port: None where it is the scheme's own.
        path, query: with their percent codes.
        user, password: without percent codes; None where there is no user.
    """

    scheme: str
    host: str
    port: int | None
    path: str = field(repr=False)
    query: str = field(repr=False)
    user: str | None = field(repr=False)
    password: str = field(repr=False)

    @property
    def shown(self) -> str:
        """What may be said of it."""
        place = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{place}" + ("" if self.port is None else f":{self.port}")


def parse_address(flag: str, text: str, schemes: Sequence[str], form: str) -> Address:
    """The address that a flag gives.

    Args:
        flag: in messages, which do not repeat the address.
        text: the address, or @FILE for a file that holds it, so that the list of processes does not show it.
        schemes: of which it must have one.
        form: what to give, in messages.

    Raises:
        InputError: another kind of address, or no such file.
    """
    if text.startswith("@"):
        try:
            text = read_regular(Path(text[1:]), _LONGEST).decode("utf-8", "replace").strip()
        except InputError as error:
            raise InputError(f"{flag} @FILE: {error}") from None
    refused = InputError(f"{flag}: give {form}, or @FILE with that in it; what is not ASCII as percent codes")
    try:
        parts = urlsplit(text)
        user = None if parts.username is None else unquote(parts.username, errors="strict")
        password = unquote(parts.password or "", errors="strict")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refused from None
    is_plain = text.isascii() and text.isprintable() and " " not in text and "#" not in text
    if parts.scheme not in schemes or not host or not is_plain:
        raise refused
    return Address(parts.scheme, host, port, parts.path, parts.query, user, password)
