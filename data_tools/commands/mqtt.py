"""Records published to an MQTT broker."""

import secrets
import ssl
from contextlib import suppress
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import unquote

from data_tools.commands.address import Address, parse_address
from data_tools.commands.delivery import UndeliveredError
from data_tools.core.errors import InputError

_FORM = "mqtt://HOST[:PORT]/TOPIC or mqtts://..."
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_LONGEST_TOPIC = 65_535  # bytes
_ALIVE_S = 30  # from one sign of life to the next where no record is sent
_NEWEST, _OLDER = 5, 4  # protocol levels of MQTT 5 and 3.1.1
_OTHER_LEVEL = 132  # the broker's answer to a level that it does not speak
_GOODBYE_S = 1.0


class Mqtt:
    """A topic that takes a record a message, as JSON, at quality of service 1: the broker acknowledges each.

    MQTT 5 says of a record that the broker refuses, and has its key as the user property `Idempotency-Key`; 3.1.1 is
    spoken with a broker that knows no 5, and has neither.

    Args:
        url: mqtt or mqtts, or @FILE, see `parse_address`; its path is the topic.

    Raises:
        InputError: another kind of address, no topic to publish to, or the package paho-mqtt is not installed.
    """

    kind = "mqtt"

    def __init__(self, url: str) -> None:
        self._address = parse_address("--mqtt", url, tuple(_PORTS), _FORM)
        self.shown = self._address.shown
        self._topic = _topic_of(self._address)
        self._level = _NEWEST
        self._connection: _Connection | None = None
        if find_spec("paho") is None:
            raise InputError("--mqtt: paho-mqtt is not installed; pip install paho-mqtt, or '.[mqtt]' here")

    def send(self, content: bytes, key: str, timeout: float) -> None:
        """Publish a record; `key` is the same at each attempt.

        Raises:
            UndeliveredError: no connection, or the broker refuses the record or does not acknowledge it in time. What
                was published then may have arrived.
        """
        if self._connection is None or self._connection.has_ended:
            self._connection = self._connected(timeout)
        try:
            self._connection.publish(self._topic, content, key, timeout)
        except UndeliveredError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; the next record opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, timeout: float) -> "_Connection":
        connection = _Connection(self._address, self._level)
        try:
            connection.open(timeout)
        except _OtherLevelError:
            self._level = _OLDER
            connection = _Connection(self._address, self._level)
            connection.open(timeout)
        return connection


class _OtherLevelError(UndeliveredError):
    """The broker does not speak this version of the protocol."""


class _Connection:
    """One connection of paho's client, whose own thread says what happens."""

    def __init__(self, address: Address, level: int) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        self._address, self._level, self.has_ended = address, level, False
        self._happened: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"defects-{secrets.token_hex(7)}",  # 22 letters: 3.1.1 has brokers refuse more than 23
            protocol=MQTTProtocolVersion(level),
            reconnect_on_failure=False,
        )
        self._client.on_connect = lambda _client, _data, _flags, reason, _more: self._note("connected", reason)
        self._client.on_publish = lambda _client, _data, _number, reason, _more: self._note("acknowledged", reason)
        self._client.on_disconnect = lambda _client, _data, _flags, reason, _more: self._note("ended", reason)
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context())

    def open(self, timeout: float) -> None:
        """Connect, and wait until the broker agrees.

        Raises:
            UndeliveredError: it does not.
        """
        self._client.connect_timeout = timeout
        port = self._address.port or _PORTS[self._address.scheme]
        try:
            self._client.connect(self._address.host, port, _ALIVE_S)
        except (OSError, ValueError) as error:
            raise UndeliveredError(str(error) or type(error).__name__) from None
        self._client.loop_start()
        try:
            self._await("connected", timeout)
        except UndeliveredError:
            self.close()
            raise

    def publish(self, topic: str, content: bytes, key: str, timeout: float) -> None:
        """Publish, and wait until the broker acknowledges it.

        Raises:
            UndeliveredError: it does not.
        """
        self._client.publish(topic, content, qos=1, properties=self._properties(key))
        self._await("acknowledged", timeout)

    def close(self) -> None:
        """Say goodbye; a broker that takes no words is not waited for long."""
        if not self.has_ended:
            self._client.disconnect()
            with suppress(UndeliveredError):
                self._await("ended", _GOODBYE_S)

    def _note(self, what: str, reason: Any) -> None:
        """Called by paho's thread."""
        self.has_ended = self.has_ended or what == "ended"
        self._happened.put((what, reason))

    def _await(self, what: str, timeout: float) -> None:
        try:
            happened, reason = self._happened.get(timeout=timeout)
        except Empty:
            raise UndeliveredError(f"no answer within {timeout:g} s") from None
        if happened == "connected" and reason.value == _OTHER_LEVEL:
            raise _OtherLevelError(str(reason))
        if reason.is_failure:
            raise UndeliveredError(f"refused: {reason}" if happened == what else f"the connection ended: {reason}")
        if happened != what:
            raise UndeliveredError("the broker ended the connection")

    def _properties(self, key: str) -> Any:
        if self._level != _NEWEST:
            return None
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.UserProperty = ("Idempotency-Key", key)
        return properties


def _topic_of(address: Address) -> str:
    """The topic that an address names.

    Raises:
        InputError: none, or one to which nothing can be published. The message does not repeat it.
    """
    try:
        topic = unquote(address.path[1:], errors="strict")
    except UnicodeDecodeError:
        topic = ""
    is_one = topic.isprintable() and not set(topic) & set("+#") and len(topic.encode()) <= _LONGEST_TOPIC
    if not topic or not is_one or address.query:
        raise InputError(f"--mqtt: give {_FORM}; the topic without the wildcards + and #, and ? as %3F")
    return topic
