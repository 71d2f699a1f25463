import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_tools.commands import watching
from data_tools.commands.delivery import Delivery, Timing, UndeliveredError
from data_tools.commands.prediction import predict_and_write
from data_tools.commands.watching import Pace, watch
from data_tools.commands.webhook import Webhook
from data_tools.core.errors import InputError
from data_tools.core.records import PredictionHeader
from data_tools.files.prediction_journal import errors_path
from data_tools.files.unsent import Unsent
from tests.architecture import ROOT
from tests.data_tools.commands.test_prediction import Model, arguments, never, save_many

FAST = Timing(timeout=2.0, first=0.02, longest=0.1, poll=0.02, last=2.0, save=0.0)
SECRETS = ("anna", "s3cret", "t0ken")


class Receiver:
    """Takes records while it is up; answers with `status`."""

    def __init__(self, port: int = 0) -> None:
        self.status, self.location = 200, ""
        self.bodies: list[bytes] = []
        self.keys: list[str] = []
        self.asked: list[tuple[str, str | None]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked.append((self.path, self.headers["Authorization"]))
                if receiver.status == 200:
                    receiver.bodies.append(body)
                    receiver.keys.append(self.headers["Idempotency-Key"])
                self.send_response(receiver.status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/in"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Receiver()
    yield made
    made.close()


def write(path: Path, *ids: int) -> list[bytes]:
    lines = [json.dumps({"image_id": one}) for one in ids]
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))
    return [line.encode() for line in lines]


def assert_refused_without_repeating(kind: str, url: str, place: Path) -> None:
    """An address of a kind of sink is no address, and the message says so without its secrets, before any work."""
    (place / "in").mkdir()
    given = arguments(out=place / "w.jsonl", watch=str(place / "in"), **{kind: url})
    with pytest.raises(InputError, match=f"--{kind}") as caught:
        predict_and_write(given, "detect", {}, never)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert [path.name for path in place.iterdir()] == ["in"]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_records_are_delivered_in_order_and_as_they_come(
    receiver: Receiver, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = write(out, 1, 2, 3)
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        until(lambda: len(receiver.bodies) == 3)
        wanted += write(out, 4)
        until(lambda: len(receiver.bodies) == 4)
        wanted += write(out, 5)  # has the last try alone
    assert receiver.bodies == wanted
    assert len(set(receiver.keys)) == 5
    assert "5 delivered, 0 unsent\n" in capsys.readouterr().err
    assert Unsent(out, "webhook").count() == 0


def test_what_could_not_be_read_is_delivered_too(receiver: Receiver, out: Path) -> None:
    write(out, 1)
    errors_path(out).write_text('{"errors_of": "w.jsonl"}\n{"file_name": "a.png"}\n')
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        until(lambda: len(receiver.bodies) == 2)
    assert receiver.bodies == [b'{"image_id": 1}', b'{"file_name": "a.png"}']


def test_a_receiver_that_is_down_at_first_gets_all(out: Path, receiver: Receiver) -> None:
    receiver.close()
    wanted = write(out, *range(20))
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        time.sleep(0.2)
        wanted += write(out, 20)
        late = Receiver(receiver.port)
        until(lambda: len(late.bodies) == 21)
    late.close()
    assert late.bodies == wanted


@pytest.mark.parametrize("status", [204 + 100, 301, 400, 401, 404, 429, 500, 503])
def test_any_answer_but_success_counts_as_undelivered(
    receiver: Receiver,
    out: Path,
    status: int,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver.status, receiver.location = status, f"{receiver.url}/elsewhere"
    wanted = write(out, 1, 2)
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        until(lambda: len(receiver.asked) > 2)
    assert {path for path, _ in receiver.asked} == {"/in"}  # nothing is redirected
    assert f"answered with status {status}" in caplog.text
    assert caplog.text.count("tried again") == 1
    assert "0 delivered, 2 unsent; " in capsys.readouterr().err
    receiver.status = 200
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        until(lambda: len(receiver.bodies) == 2)
    assert receiver.bodies == wanted


def test_a_receiver_that_never_answers_holds_up_nobody(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(out, 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        begun = time.monotonic()
        with Delivery(Webhook(url), Unsent(out, "webhook"), Timing(timeout=0.2, first=0.02, last=0.2)):
            pass
    assert time.monotonic() - begun < 60
    assert "0 delivered, 1 unsent" in capsys.readouterr().err


def test_an_answer_that_is_no_http_is_said_without_its_words(out: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(out, 1)

    def answer(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.recv(1 << 16)
            peer.sendall(b"t0ken\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as odd:
        threading.Thread(target=answer, args=(odd,), daemon=True).start()
        webhook = Webhook(f"http://127.0.0.1:{odd.getsockname()[1]}/?key=t0ken")
        with pytest.raises(UndeliveredError, match="no answer of HTTP") as caught:
            webhook.send(b"{}", "k", 5.0)
    assert "t0ken" not in str(caught.value)
    assert caplog.text == ""


def test_a_failure_to_note_what_was_delivered_sends_nothing_twice_in_this_process(
    receiver: Receiver, out: Path
) -> None:
    wanted = write(out, 1, 2)
    unsent = Unsent(out, "webhook")
    unsent.path.mkdir()
    with Delivery(Webhook(receiver.url), unsent, FAST):
        until(lambda: len(receiver.bodies) == 2)
        wanted += write(out, 3)
        until(lambda: len(receiver.bodies) == 3)
    assert receiver.bodies == wanted


KILLED = """
import sys, time
from pathlib import Path
from data_tools.commands.delivery import Delivery, Timing
from data_tools.commands.webhook import Webhook
from data_tools.files.unsent import Unsent
with Delivery(Webhook(sys.argv[1]), Unsent(Path(sys.argv[2]), "webhook"), Timing(first=0.02, poll=0.02, save=0.0)):
    time.sleep(60)
"""


def test_after_a_kill_it_goes_on_from_the_note(receiver: Receiver, out: Path) -> None:
    wanted = write(out, *range(200))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, receiver.url, str(out)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    until(lambda: len(receiver.bodies) > 50)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Unsent(out, "webhook").count() < 200
    with Delivery(Webhook(receiver.url), Unsent(out, "webhook"), FAST):
        until(lambda: receiver.bodies[-1] == wanted[-1])
    assert list(dict.fromkeys(receiver.bodies)) == wanted
    assert len(set(receiver.keys)) == 200  # a double has the key of the first
    assert len(receiver.bodies) <= 201  # each was noted, but perhaps the one that was under way


def test_secrets_of_the_address_are_sent_and_never_said(
    receiver: Receiver, out: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    write(out, 1)
    url = f"http://anna:s3cret%40@127.0.0.1:{receiver.port}/in?key=t0ken"
    receiver.status = 500
    with Delivery(Webhook(url), Unsent(out, "webhook"), FAST):
        until(lambda: len(receiver.asked) > 1)
    receiver.close()
    with Delivery(Webhook(url), Unsent(out, "webhook"), FAST):
        time.sleep(0.1)
    path, authorization = receiver.asked[0]
    assert path == "/in?key=t0ken"
    assert authorization == "Basic " + base64.b64encode(b"anna:s3cret@").decode()
    said = capsys.readouterr().err + caplog.text + "".join(p.read_text() for p in out.parent.iterdir() if p.is_file())
    assert "unsent" in said
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "t0ken",
        "file:///t0ken",
        "ftp://anna:s3cret@host/",
        "http://",
        "http:///t0ken",
        "http://host:t0ken/",
        "http://host:99999/t0ken",
        "http://[t0ken/",
        "http://host/t0ken t0ken",
        "http://host/t0ken\r\nX: 1",
        "http://höst/t0ken",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    assert_refused_without_repeating("webhook", url, tmp_path)


def test_it_is_for_watching(tmp_path: Path) -> None:
    save_many(tmp_path / "i", 1)
    with pytest.raises(InputError, match="--watch DIR"):
        predict_and_write(arguments(tmp_path / "i", webhook="http://127.0.0.1/"), "detect", {}, never)


def test_a_watch_delivers_the_lines_that_it_appends(
    receiver: Receiver, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    save_many(tmp_path / "in", 2)
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    seen, out = Model(), tmp_path / "w.jsonl"

    def predict(samples, read):  # type: ignore[no-untyped-def]
        threading.Thread(target=stop_when_listed, daemon=True).start()
        return seen(samples, read)

    def stop_when_listed() -> None:
        until(lambda: errors_path(out).exists() and errors_path(out).read_bytes().count(b"\n") == 2)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(watching, "Delivery", lambda sink, unsent: Delivery(sink, unsent, FAST))
    pace, header = Pace(settle=0.05, give_up=0.1, rescan=0.2), PredictionHeader("detect: run", {}, "best")
    assert watch(tmp_path / "in", out, header, {}, predict, pace, [Webhook(receiver.url)]) == 0
    lines = [path.read_bytes().splitlines()[1:] for path in (out, errors_path(out))]
    assert [len(some) for some in lines] == [2, 1]
    assert sorted(receiver.bodies) == sorted(lines[0] + lines[1])
    assert "3 delivered, 0 unsent" in capsys.readouterr().err
