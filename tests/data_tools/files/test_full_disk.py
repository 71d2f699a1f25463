"""A full disk: the message names what could not be written, as it would have been called."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader
from data_tools.files.atomic import atomic_folder, atomic_path, write_text
from data_tools.files.full_disk import named_if_full
from data_tools.files.prediction_journal import Journal, Record
from data_tools.files.watch_log import WatchLog

FULL = errno.ENOSPC
needs_dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")


def refuse(number: int, name: str | None = None) -> None:
    raise OSError(number, os.strerror(number), name)


def test_a_file_that_had_no_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "a.json"):
        refuse(FULL)
    assert caught.value.filename == str(tmp_path / "a.json")
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "a.json") as temporary:
        refuse(errno.EFBIG, str(temporary))
    assert caught.value.filename == str(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_a_folder_is_named_as_it_would_be_called(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        with atomic_path(folder / "best" / "state.json"):
            refuse(errno.EDQUOT)

    with pytest.raises(OSError) as caught, atomic_folder(tmp_path / "run") as temporary:
        fill(temporary)
    assert caught.value.filename == str(tmp_path / "run" / "best" / "state.json")
    with pytest.raises(OSError) as caught, atomic_folder(tmp_path / "run"):
        refuse(FULL)
    assert caught.value.filename == str(tmp_path / "run")


def test_other_failures_and_other_files_are_left_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "a.json"):
        refuse(errno.EPIPE)
    assert caught.value.filename is None
    with pytest.raises(OSError) as caught, atomic_path(tmp_path / "a.json"):
        refuse(FULL, "/elsewhere/b.json")
    assert caught.value.filename == "/elsewhere/b.json"
    with pytest.raises(InputError, match="reason"), named_if_full(tmp_path):
        raise InputError("reason")


@needs_dev_full
def test_what_grows_is_named(tmp_path: Path) -> None:
    empty = np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=int)
    record = Record("a.png", Prediction(1, "a.png", (8, 8), 0.5, *empty))
    journal = Journal(tmp_path / "p.jsonl", PredictionHeader("made up"), {}, False)
    watched = WatchLog(tmp_path / "w.jsonl", PredictionHeader("made up"), {}, None)
    with open("/dev/full", "wb", buffering=0) as full:
        for log, write, name in (
            (journal, lambda: journal.write([record]), "p.jsonl.partial"),
            (watched, lambda: watched.append(record, (1, 1)), "w.jsonl"),
        ):
            before, log._lines = log._lines, full  # type: ignore[attr-defined, union-attr]
            with pytest.raises(OSError) as caught:
                write()
            assert caught.value.filename == str(tmp_path / name)
            log._lines = before  # type: ignore[attr-defined, union-attr]
            log.__exit__(None, None, None)


def test_what_has_room_is_written(tmp_path: Path) -> None:
    write_text(tmp_path / "a.json", "{}")
    assert (tmp_path / "a.json").read_text() == "{}"
