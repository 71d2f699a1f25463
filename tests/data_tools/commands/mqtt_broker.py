"""A broker for tests: as much of MQTT 5 and 3.1.1 as one publisher needs, with faults on request."""

import socket
import ssl
import threading
from collections.abc import Collection
from contextlib import suppress
from typing import BinaryIO

_CONNECT, _PUBLISH, _PING, _GOODBYE = 1, 3, 12, 14
_CONTENT_TYPE, _USER_PROPERTY = 0x03, 0x26


class Broker:
    """Takes messages while it is up.

    Attributes:
        levels: of the protocol that it speaks: 5, and 4 for 3.1.1.
        connack, puback: its answers, 0 for yes; None for no answer.
        goes_after: of so many messages of a connection the last is not acknowledged, and the connection ends.
        messages: topic and content of each that was acknowledged.
        keys: of those that had one.
        users: user, password and level of each connection.
    """

    def __init__(
        self, port: int = 0, levels: Collection[int] = (5, 4), certificate: ssl.SSLContext | None = None
    ) -> None:
        self.levels, self._certificate = levels, certificate
        self.connack: int | None = 0
        self.puback: int | None = 0
        self.goes_after: int | None = None
        self.messages: list[tuple[str, bytes]] = []
        self.keys: list[str] = []
        self.users: list[tuple[str, str, int]] = []
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}/fab/1"
        threading.Thread(target=self._accept, daemon=True).start()

    def end_connections(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # or accepting goes on
        self._server.close()
        self.end_connections()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self._server.accept()
                threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        with suppress(OSError, EOFError), peer:
            if self._certificate is not None:
                peer = self._certificate.wrap_socket(peer, server_side=True)
            self._open.append(peer)
            with peer, peer.makefile("rb") as words:
                self._answer(peer, words)
            peer.shutdown(socket.SHUT_RDWR)

    def _answer(self, peer: socket.socket, words: BinaryIO) -> None:
        kind, body = _packet(words)
        assert kind >> 4 == _CONNECT
        level = self._connect(body)
        if level not in self.levels:
            peer.sendall(b"\x20\x02\x00\x01")
            return
        if self.connack is not None:
            peer.sendall(b"\x20\x03\x00%c\x00" % self.connack if level == 5 else b"\x20\x02\x00%c" % self.connack)
        count = 0
        while self.connack in (0, None):
            kind, body = _packet(words)
            if kind >> 4 == _GOODBYE:
                return
            if kind >> 4 == _PING:
                peer.sendall(b"\xd0\x00")
            if kind >> 4 != _PUBLISH or self.puback is None:
                continue
            assert kind & 0x06 == 0x02, "not of quality 1"
            count += 1
            if count == self.goes_after:
                return
            number = self._publish(body, level)
            refused = b"\x40\x03%b%c" % (number, self.puback)
            peer.sendall(refused if self.puback else b"\x40\x02" + number)

    def _connect(self, body: "_Body") -> int:
        assert body.text() == "MQTT"
        level, flags, _ = body.byte(), body.byte(), body.take(2)
        if level == 5:
            body.take(body.length())
        body.text()  # the client's name
        self.users.append((body.text() if flags & 0x80 else "", body.text() if flags & 0x40 else "", level))
        return level

    def _publish(self, body: "_Body", level: int) -> bytes:
        topic, number = body.text(), body.take(2)
        key = ""
        if level == 5:
            properties = _Body(body.take(body.length()))
            while properties.rest:
                code = properties.byte()
                assert code in (_CONTENT_TYPE, _USER_PROPERTY)
                name = properties.text()
                key = properties.text() if code == _USER_PROPERTY and name == "Idempotency-Key" else key
        if not self.puback:
            self.messages.append((topic, body.rest))
            self.keys += [key] if key else []
        return number


class _Body:
    """The bytes of a packet, taken from the left."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def take(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def text(self) -> str:
        return self.take(int.from_bytes(self.take(2))).decode()

    def length(self) -> int:
        """Seven bits a byte, the lowest first."""
        value = place = 0
        while True:
            byte = self.byte()
            value, place = value + ((byte & 127) << place), place + 7
            if byte < 128:
                return value


def _packet(words: BinaryIO) -> tuple[int, _Body]:
    head = words.read(2)
    while head and head[-1] >= 128:
        head += words.read(1)
    if len(head) < 2:
        raise EOFError
    return head[0], _Body(words.read(_Body(head[1:]).length()))
