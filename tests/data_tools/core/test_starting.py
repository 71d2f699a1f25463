"""Ctrl-C while a command's packages are imported ends it with status 130 and without a word."""

import atexit
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_tools.core import starting
from data_tools.core.starting import end_quietly_while_starting, interruptible

ROOT = Path(__file__).resolve().parents[3]
ASKED = "import os, signal, sys; sys.argv = {argv}; import {package}; os.kill(os.getpid(), signal.SIGINT)"


def interrupted(package: str, argv: list[str]) -> subprocess.CompletedProcess[str]:
    code = ASKED.format(package=package, argv=argv)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.parametrize("package", ["data_tools", "detect", "classify"])
def test_a_starting_command_ends_quietly(package: str) -> None:
    done = interrupted(package, ["-m", "--help"])
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_command_that_was_interrupted_in_an_executed_text_has_the_status_all_the_same() -> None:
    """As those are with which the standard library makes data classes; Python would end by the signal itself."""
    code = (
        "import signal, sys; sys.argv = ['-m']\n"
        "import detect\n"
        "from data_tools.core.starting import interruptible\n"
        "try:\n"
        "    with interruptible():\n"
        "        exec('signal.raise_signal(signal.SIGINT)')\n"
        "except KeyboardInterrupt:\n"
        "    print('told')\n"
        "    sys.exit(130)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "told\n", "")


def as_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without consequences for the end of this process."""
    monkeypatch.setattr(sys, "argv", ["-m"])
    monkeypatch.setattr(atexit, "register", lambda _: None)
    monkeypatch.setattr(starting, "_interrupted", [])


def test_who_imports_the_packages_handles_ctrl_c_himself() -> None:
    assert "KeyboardInterrupt" in interrupted("detect", ["notebook.py"]).stderr


def test_where_ctrl_c_is_ignored_it_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        as_command(monkeypatch)
        end_quietly_while_starting()
        with interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_that_works_is_interrupted_by_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        as_command(monkeypatch)
        end_quietly_while_starting()
        quiet = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptible():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is quiet is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
