"""Ctrl-C while a command's packages are imported ends it with status 130 and without a word."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_who_imports_the_packages_handles_ctrl_c_himself() -> None:
    assert "KeyboardInterrupt" in interrupted("detect", ["notebook.py"]).stderr


def test_where_ctrl_c_is_ignored_it_stays_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setattr(sys, "argv", ["-m"])
        end_quietly_while_starting()
        with interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_that_works_is_interrupted_by_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(sys, "argv", ["-m"])
        end_quietly_while_starting()
        quiet = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptible():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is quiet is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
