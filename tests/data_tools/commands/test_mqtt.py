import os
import signal
import ssl
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from data_tools.commands import watching
from data_tools.commands.delivery import Delivery, Timing, UndeliveredError
from data_tools.commands.mqtt import Mqtt
from data_tools.commands.prediction import predict_and_write
from data_tools.commands.watching import Pace, watch
from data_tools.commands.webhook import Webhook
from data_tools.core.errors import InputError
from data_tools.core.records import PredictionHeader
from data_tools.files.unsent import Unsent
from tests.data_tools.commands.mqtt_broker import Broker
from tests.data_tools.commands.test_prediction import Model, arguments, never, save_many
from tests.data_tools.commands.test_webhook import (
    FAST,
    SECRETS,
    Receiver,
    assert_refused_without_repeating,
    until,
    write,
)

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LEVELS = pytest.mark.parametrize("levels", [(5, 4), (4,)], ids=["MQTT 5", "MQTT 3.1.1"])


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    made = Broker()
    yield made
    made.close()


def delivery(url: str, out: Path, timing: Timing = FAST) -> Delivery:
    return Delivery(Mqtt(url), Unsent(out, "mqtt"), timing)


def contents(broker: Broker) -> list[bytes]:
    return [content for _, content in broker.messages]


@LEVELS
def test_records_are_published_in_order_and_acknowledged(
    broker: Broker, out: Path, levels: Sequence[int], capsys: pytest.CaptureFixture[str]
) -> None:
    broker.levels = levels
    wanted = write(out, 1, 2, 3)
    with delivery(broker.url, out):
        until(lambda: len(broker.messages) == 3)
        wanted += write(out, 4)
        until(lambda: len(broker.messages) == 4)
        wanted += write(out, 5)  # has the last try alone
    assert broker.messages == [("fab/1", one) for one in wanted]
    assert len(set(broker.keys)) == (5 if 5 in levels else 0)
    assert [level for _, _, level in broker.users] == ([5] if 5 in levels else [5, 4])  # one connection for all
    assert f"mqtt mqtt://127.0.0.1:{broker.port}: 5 delivered, 0 unsent\n" in capsys.readouterr().err
    assert Unsent(out, "mqtt").count() == 0
    assert Unsent(out, "webhook").count() == 5  # which goes on by itself


def test_a_broker_that_is_down_at_first_gets_all(broker: Broker, out: Path) -> None:
    broker.close()
    wanted = write(out, *range(20))
    with delivery(broker.url, out):
        time.sleep(0.1)
        wanted += write(out, 20)
        late = Broker(broker.port)
        until(lambda: len(late.messages) == 21)
    late.close()
    assert contents(late) == wanted


@LEVELS
@pytest.mark.parametrize("answer", ["connack", "puback"])
def test_what_the_broker_refuses_is_unsent(
    broker: Broker,
    out: Path,
    levels: Sequence[int],
    answer: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not authorized; the acknowledgement of a record can say so in MQTT 5 alone."""
    if answer == "puback" and 5 not in levels:
        return
    broker.levels = levels
    setattr(broker, answer, 0x87 if 5 in levels else 5)
    wanted = write(out, 1, 2)
    with delivery(broker.url, out):
        until(lambda: len(broker.users) > 3)
    assert "refused: Not authorized; tried again until it succeeds" in caplog.text
    assert caplog.text.count("tried again") == 1
    assert f"0 delivered, 2 unsent; they are sent by the same command, which goes on from {out}.mqtt.unsent" in (
        capsys.readouterr().err
    )
    broker.connack = broker.puback = 0
    with delivery(broker.url, out):
        until(lambda: len(broker.messages) == 2)
    assert contents(broker) == wanted


@pytest.mark.parametrize("answer", ["connack", "puback"])
def test_a_broker_that_never_answers_holds_up_nobody(
    broker: Broker, out: Path, answer: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    setattr(broker, answer, None)
    write(out, 1)
    begun = time.monotonic()
    with delivery(broker.url, out, Timing(timeout=0.1, first=0.02, last=0.1)):
        until(lambda: "no answer within 0.1 s" in caplog.text)
    assert time.monotonic() - begun < 60
    assert "0 delivered, 1 unsent" in capsys.readouterr().err


def test_a_connection_that_ends_meanwhile_is_made_anew_without_a_word(
    broker: Broker, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = write(out, 1)
    with delivery(broker.url, out):
        until(lambda: len(broker.messages) == 1)
        broker.end_connections()
        time.sleep(0.1)
        wanted += write(out, 2)
        until(lambda: len(broker.messages) == 2)
    assert contents(broker) == wanted
    assert caplog.text == ""


def test_a_record_whose_acknowledgement_is_lost_comes_again(broker: Broker, out: Path) -> None:
    broker.goes_after = 3
    wanted = write(out, *range(6))
    with delivery(broker.url, out):
        until(lambda: len(broker.messages) == 6)
    assert contents(broker) == wanted
    assert len(broker.users) == 3  # two are acknowledged by each connection


def test_secrets_of_the_address_are_sent_and_never_said(
    broker: Broker, out: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write(out, 1)
    broker.connack = 0x86
    url = f"mqtt://anna:s3cret%40@127.0.0.1:{broker.port}/t0ken"
    with delivery(url, out):
        until(lambda: len(broker.users) > 1)
    broker.close()
    with delivery(url, out):
        time.sleep(0.1)
    assert broker.users[0][:2] == ("anna", "s3cret@")
    said = capsys.readouterr().err + caplog.text + "".join(p.read_text() for p in out.parent.iterdir() if p.is_file())
    assert "Bad user name or password" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_over_tls_a_broker_that_nobody_trusts_gets_nothing(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.load_cert_chain(CERTIFICATE)
    broker = Broker(certificate=certificate)
    url = f"mqtts://anna:s3cret@127.0.0.1:{broker.port}/fab/1"
    with pytest.raises(UndeliveredError, match="certificate verify failed"):
        Mqtt(url).send(b"{}", "k", 5.0)
    assert (broker.users, broker.messages) == ([], [])
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    sink = Mqtt(url)
    sink.send(b"{}", "k", 5.0)
    sink.close()
    broker.close()
    assert (broker.users, broker.messages) == ([("anna", "s3cret", 5)], [("fab/1", b"{}")])


@pytest.mark.parametrize(
    "url",
    [
        "t0ken",
        "http://host/t0ken",
        "mqtt://",
        "mqtt:///t0ken",
        "mqtt://host",
        "mqtt://host/",
        "mqtt://host:t0ken/a",
        "mqtt://host/t0ken/#",
        "mqtt://host/t0ken/%23",
        "mqtt://host/t0ken/+",
        "mqtt://host/t0ken?qos=0",
        "mqtt://host/t0ken%00",
        "mqtt://host/t0ken%ff",
        "mqtt://anna:s3cret%ff@host/a",
        "mqtt://host/t0ken a",
        f"mqtt://host/{'t0ken' * 20_000}",
        "@no such file",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    assert_refused_without_repeating("mqtt", url, tmp_path)


def test_a_topic_has_its_percent_codes_read() -> None:
    assert Mqtt("mqtt://host/fab%20%C3%A4/a%3Fb")._topic == "fab ä/a?b"


def test_it_is_for_watching_and_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_many(tmp_path / "i", 1)
    with pytest.raises(InputError, match="--mqtt is for --watch DIR"):
        predict_and_write(arguments(tmp_path / "i", mqtt="mqtt://127.0.0.1/a"), "detect", {}, never)
    monkeypatch.setitem(sys.modules, "paho", None)
    with pytest.raises(InputError, match="pip install paho-mqtt"):
        Mqtt("mqtt://127.0.0.1/a")


def test_a_watch_has_both_sinks_whose_addresses_lie_in_files(
    broker: Broker, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_many(tmp_path / "in", 3)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    receiver, seen = Receiver(), Model()

    def predict(samples, read):  # type: ignore[no-untyped-def]
        threading.Thread(target=stop_when_sent, daemon=True).start()
        return seen(samples, read)

    def stop_when_sent() -> None:
        until(lambda: len(receiver.bodies) == 3 and len(broker.messages) == 3)
        os.kill(os.getpid(), signal.SIGTERM)

    (tmp_path / "hook").write_text(f"{receiver.url}\n")
    (tmp_path / "mqtt").write_text(broker.url.replace("//", "//anna:s3cret@"))
    sinks = [Webhook(f"@{tmp_path / 'hook'}"), Mqtt(f"@{tmp_path / 'mqtt'}")]
    monkeypatch.setattr(watching, "Delivery", lambda sink, unsent: Delivery(sink, unsent, FAST))
    pace, header = Pace(settle=0.05, give_up=0.1, rescan=0.2), PredictionHeader("detect: run", {}, "best")
    out = tmp_path / "w.jsonl"
    assert watch(tmp_path / "in", out, header, {}, predict, pace, sinks) == 0
    receiver.close()
    assert contents(broker) == receiver.bodies == out.read_bytes().splitlines()[1:]
    assert broker.users == [("anna", "s3cret", 5)]
    assert capsys.readouterr().err.count("3 delivered, 0 unsent") == 2
