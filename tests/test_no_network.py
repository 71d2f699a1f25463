"""Nothing leaves the machine: the main job in a network namespace without routes, where nobody even tries."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.architecture import ROOT, modules
from tests.faults.jobs import DETECT, TINY, make_source

# a Unix socket leads nowhere; names are looked up, and connections made, with these events
WATCHED = """
import importlib, json, sys
asked = []

def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        asked.append(f"{event} {arguments[0]!r}")
    elif event in ("socket.connect", "socket.sendto", "socket.bind") and not isinstance(arguments[1], (str, bytes)):
        asked.append(f"{event} {arguments[1]!r}")

sys.addaudithook(watch)
statuses = []
for module, words in json.loads(sys.argv[1]):
    try:
        statuses.append(importlib.import_module(module).main(words) if words is not None else 0)
        importlib.import_module(module)
    except OSError as error:
        statuses.append(str(error))
print(json.dumps([statuses, asked]), file=sys.stderr)
"""
JOBS: list[tuple[str, list[str]]] = [
    ("data_tools.convert", ["src", "--format", "yolo", "--copy", "--group-by", "none", "--out", "data"]),
    ("data_tools.audit", ["data", "--html", "audit.html"]),
    ("detect.train", [*DETECT, "d"]),
    ("classify.train", [*TINY, "c"]),
    ("detect.predict", ["--run", "d", "--data", "data", "--split", "all", "--out", "d.jsonl"]),
    ("classify.predict", ["--run", "c", "--images", "src/images", "--out", "c.jsonl"]),
    ("detect.evaluate", ["--runs", "d", "c", "--resamples", "100", "--out", "r.json", "--html", "r.html"]),
    ("detect.visualize", ["--runs", "d", "c", "--num", "1", "--out", "overlays"]),
]


@cache
def without_routes() -> tuple[str, ...]:
    """The words that start a program in a network namespace of its own; none where the kernel forbids it."""
    for words in (("unshare", "-rn"), ("unshare", "-n")):
        if (
            shutil.which("unshare")
            and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
        ):
            return words
    return ()


def watched(folder: Path, jobs: Sequence[tuple[str, Sequence[str] | None]]) -> tuple[list[object], list[str]]:
    """The exit status of each job, None for an import alone, and every attempt to reach a network."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(
        [*without_routes(), sys.executable, "-c", WATCHED, json.dumps(jobs)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    statuses, asked = json.loads(done.stderr.splitlines()[-1])
    return statuses, asked


def say_if_routes() -> None:
    if not without_routes():
        pytest.skip("the kernel forbids a network namespace; that nobody tried was seen all the same")


def test_an_attempt_is_seen(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(
        "import urllib.request\ndef main(words):\n    urllib.request.urlopen('http://192.0.2.1/', timeout=1)\n"
    )
    statuses, asked = watched(tmp_path, [("asks", [])])
    assert "192.0.2.1" in asked[0]
    assert isinstance(statuses[0], str)
    say_if_routes()
    assert "unreachable" in statuses[0].lower()


def test_every_module_is_imported_and_asks_nobody(tmp_path: Path) -> None:
    names = sorted(name for name in modules() if not name.endswith("__main__"))
    assert len(names) > 250
    statuses, asked = watched(tmp_path, [(name, None) for name in names])
    assert asked == []
    assert statuses == [0] * len(names)
    say_if_routes()


def test_the_main_job_asks_nobody(tmp_path: Path) -> None:
    make_source(tmp_path / "src")
    statuses, asked = watched(tmp_path, JOBS)
    assert asked == []
    assert statuses == [2 if name == "data_tools.audit" else 0 for name, _ in JOBS]  # so few images are unsafe
    say_if_routes()
