"""One process at a time in a run folder; the other one is a real process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.files.run_lock import LOCK, refuse_if_in_use, sole_process

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import os, sys, time
from pathlib import Path
from data_tools.files.run_lock import sole_process
with sole_process(Path(sys.argv[1])):
    if sys.argv[2] != "fork" or os.fork() == 0:
        print(os.getpid(), flush=True)
    time.sleep(60)
"""


def start(folder: Path, mode: str = "") -> tuple["subprocess.Popen[str]", str]:
    """A process that holds the folder, and its number, or that of a child forked from it, as a loader's workers are."""
    words = [sys.executable, "-c", HOLD, str(folder), mode]
    holder = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert holder.stdout is not None
    return holder, holder.stdout.readline().strip()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process, _ = start(tmp_path / "run")
    yield process
    process.kill()
    process.wait()


def test_the_second_process_is_refused_with_the_number_of_the_first(
    holder: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    for _ in range(2):  # the first refusal must not take the number away
        with pytest.raises(InputError, match=rf"run: in use by process {holder.pid}$"), sole_process(tmp_path / "run"):
            raise AssertionError("both are in there")
        with pytest.raises(InputError, match=f"process {holder.pid}"):
            refuse_if_in_use(tmp_path / "run")


def test_a_killed_process_leaves_no_lock(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    holder.kill()
    holder.wait()
    assert (tmp_path / "run" / LOCK).exists()
    refuse_if_in_use(tmp_path / "run")
    with sole_process(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).read_text() == f"{os.getpid()}\n"


def test_neither_do_its_children(tmp_path: Path) -> None:
    process, child = start(tmp_path / "run", "fork")
    process.kill()
    process.wait()
    try:
        with sole_process(tmp_path / "run"):
            pass
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with sole_process(tmp_path / "new"):
        pass
    assert list(tmp_path.iterdir()) == []
    with sole_process(tmp_path / "new"):
        (tmp_path / "new" / "a").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]
    refuse_if_in_use(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()
    (tmp_path / "empty").mkdir()
    with sole_process(tmp_path / "empty"):
        pass
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"), sole_process(tmp_path / "file" / "run"):
        pass
