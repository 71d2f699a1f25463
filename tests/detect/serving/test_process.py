"""The service as a process: its port, its packages, its signals."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Sample, unlabelled
from data_tools.files.predictions import read_predictions
from data_tools.loading.input_config import InputConfig
from data_tools.loading.learned_sizes import LearnedSizes, ScaleNotice
from detect.predict import main as predict_main
from detect.serve import main
from detect.serving.running import Server, listening, warm_up
from detect.serving.service import Service
from tests.architecture import ROOT
from tests.detect.serving.conftest import MeanGray, png
from tests.detect.test_bundle import bundle, run  # noqa: F401 - fixtures
from tests.installed import hidden_from, packages_of

GRAY = {"Content-Type": "image/png"}


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Noise of three sizes."""
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i:02}.png" for i in range(12)]
    for i, path in enumerate(paths):
        Image.fromarray(rng.integers(0, 256, (64 + 8 * (i % 3), 64), dtype=np.uint8)).save(path)
    return paths


@contextmanager
def served(words: list[str], before: str = "", **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address of a service in a process of its own, in which some lines are carried out first."""
    code = f"import sys\n{before}\nfrom detect.serve import main\nstatus = main({words!r})\n"
    code += "print('torch' in sys.modules and sys.modules['torch'] is not None)\nsys.exit(status)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.wait()


def test_a_bundle_is_served_as_it_predicts_with_the_two_extras_alone(
    bundle: Path,  # noqa: F811
    images: list[Path],
    tmp_path: Path,
) -> None:
    """Nothing else is to be had, torch first of all; SIGTERM comes while requests wait, and each is answered."""
    hidden = hidden_from(packages_of("runtime") | packages_of("serve"))
    assert {"torch", "matplotlib", "jinja2", "pandas", "scipy", "httpx"} <= set(hidden)
    before = f"for name in {hidden!r}: sys.modules[name] = None"
    log = tmp_path / "log.jsonl"
    words = ["--run", str(bundle), "--port", "0", "--threshold", "0.5", "--log", str(log)]
    with served(words, before) as (address, process), ThreadPoolExecutor(len(images)) as threads:
        assert address.startswith("http://127.0.0.1:")

        def post(path: Path) -> httpx.Response:
            try:
                return httpx.post(f"{address}/predict", files={"file": (path.name, path.read_bytes())}, timeout=60)
            except httpx.ConnectError:  # not begun; one that is begun and dropped raises another error
                return httpx.Response(503)

        first = [post(path) for path in images[:3]]
        waiting = [threads.submit(post, path) for path in images]
        wait(waiting, return_when=FIRST_COMPLETED)
        process.send_signal(signal.SIGTERM)
        answers = [one.result() for one in waiting]
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert out.strip() == "False"  # no torch
    assert "Traceback" not in err
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 1
    given = [answer.json() for answer in (*first, *answers) if answer.status_code == 200]
    logged = [json.loads(line) for line in log.read_text().splitlines()[1:]]
    assert sorted(line["image_id"] for line in logged if line["status"] == 200) == sorted(a["image_id"] for a in given)
    for answer in given:
        assert_is_as_predicted(answer, bundle, tmp_path)


def assert_is_as_predicted(answer: dict, folder: Path, images: Path) -> None:
    """What detect.predict writes for the same file alone."""
    out = images / f"{answer['file_name']}.jsonl"
    if not out.exists():
        words = ["--run", str(folder), "--images", str(images / answer["file_name"]), "--out", str(out)]
        assert predict_main(words) == 0
    (one,) = read_predictions(out).predictions
    assert (answer["file_name"], tuple(answer["size_hw"])) == (one.file_name, one.size_hw)
    assert answer["score"] == pytest.approx(one.score, abs=1e-5)
    np.testing.assert_allclose(answer["boxes_xyxy"], one.boxes_xyxy, atol=0.01)
    np.testing.assert_allclose(answer["box_scores"], one.box_scores, atol=1e-5)
    assert answer["box_labels"] == one.box_labels.tolist()
    assert answer["peak_xy"] == pytest.approx(one.peak_xy, abs=0.01)
    assert answer["decision"] == ("defect" if one.score >= 0.5 else "good")


def test_sigterm_refuses_new_requests_and_answers_old_ones(make_service: Callable[..., Service]) -> None:
    """On a real socket, where a body beyond the limit is answered and a client that hangs up is counted, too."""
    detector = MeanGray()
    with listening("127.0.0.1", 0) as at:
        server = Server(make_service(detector, max_bytes=200_000))
        thread = threading.Thread(target=server.run, args=([at],))
        thread.start()
        address = f"http://127.0.0.1:{at.getsockname()[1]}"
        with ThreadPoolExecutor(1) as threads, httpx.Client(base_url=address, timeout=20) as client:
            assert client.post("/predict", content=bytes(8_000_000), headers=GRAY).status_code == 413
            with pytest.raises(OSError):
                send_without_end(*at.getsockname()[:2])
            hang_up_half_way(*at.getsockname()[:2])
            while server.service.in_flight:
                time.sleep(0.01)
            assert 'defects_requests_total{status="400"} 1.0' in client.get("/metrics").text
            detector.hold.clear()
            begun = threads.submit(httpx.post, f"{address}/predict", content=png(204), headers=GRAY, timeout=20)
            while not server.service.in_flight:
                time.sleep(0.01)
            server.handle_exit(signal.SIGTERM, None)
            assert client.get("/ready").status_code == 503
            refused = client.post("/predict", content=png(204), headers=GRAY)
            assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
            assert thread.is_alive()
            detector.hold.set()
            assert begun.result().json()["score"] == 0.8
        thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("known", [None, LearnedSizes((300, 200), (400, 400))])
def test_nothing_is_said_of_the_first_image_which_nobody_sent(
    known: LearnedSizes | None, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning of its size would frighten at each start, and be missing when an image of another size comes."""

    class Looking(MeanGray):
        def predict_samples(self, samples: Sequence[Sample], pixels: Callable[[Sample], np.ndarray], /):
            self.notice.look(samples, InputConfig(size_hw=(64, 64)))
            return super().predict_samples(samples, pixels)

    detector = Looking()
    detector.notice = ScaleNotice(known)
    warm_up(detector)
    assert detector.sizes == [1]
    assert not caplog.records
    detector.predict_samples([unlabelled(1, "a.png", (64, 64))], lambda _: np.zeros((64, 64), dtype=np.uint8))
    assert len(caplog.records) == (known is not None)


def send_without_end(host: str, port: int) -> None:
    """A body of no said length, until the other side has had enough."""
    with socket.create_connection((host, port), timeout=20) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n")
        client.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(500):
            client.sendall(b"100000\r\n" + bytes(0x100000) + b"\r\n")


def hang_up_half_way(host: str, port: int) -> None:
    """Announce 1,000 bytes, send 30 and close the connection."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head + png(204)[:30])
        time.sleep(0.1)


def test_a_taken_port_is_said_before_anything_else(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ["--run", str(tmp_path / "none"), "--port", port, "--log", str(tmp_path / "log")]
        assert main(words) == 2
    error = capsys.readouterr().err
    assert f"--port {port}: cannot listen there: Address already in use" in error
    assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "70000"], "--port must be at least 0 and at most 65535"),
        (["--host", "192.0.2.1"], "cannot listen there"),
        (["--host", "no host"], "cannot listen there"),
        (["--batch", "0"], "--batch must be at least 1"),
        (["--queue", "0"], "--queue must be at least 1"),
        (["--max_bytes", "0"], "--max_bytes must be at least 1"),
        (["--timeout_s", "0"], "--timeout_s must be above 0"),
        (["--threshold", ".nan"], "--threshold"),
        (["--port", "0"], "no run there"),
    ],
)
def test_bad_usage_is_one_message(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["--run", str(tmp_path), "--log", str(tmp_path / "log"), *words]) == 2
    assert list(tmp_path.iterdir()) == []
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1


def test_missing_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    assert main(["--run", str(tmp_path)]) == 2
    assert "not installed: uvicorn, prometheus-client; pip install" in capsys.readouterr().err


def test_help_needs_none_of_the_packages() -> None:
    code = "import sys, detect.serve as door; door.build_parser().format_help(); print('fastapi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
