"""What ends a comparison or a screening lets the trainings under way save their state first."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from data_tools.files.runs import MANIFEST
from data_tools.training.interrupt import Stopped, Terminated, ended_by_sigterm
from detect.compare_detectors.cells import Cell, run
from detect.screening import training

SAVING = """
import pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def save(*_):
    time.sleep(0.5)
    (folder / "saved").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
(folder / "begun").touch()
time.sleep(60)
"""


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    (tmp_path / "saving.py").write_text(SAVING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folders = [tmp_path / f"cell{number}" for number in range(3)]
    return [Cell(one.name, tmp_path, 0, one, ("saving", str(one)), {"seed": 0}) for one in folders]


def asked_once_there_are(places: list[Path]) -> None:
    def ask() -> None:
        while not all(place.exists() for place in places):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()


def test_a_comparison_that_is_ended_waits_for_its_training_to_save(cells: list[Cell]) -> None:
    asked_once_there_are([cells[0].folder / "begun"])
    with pytest.raises(Terminated), ended_by_sigterm():
        run(cells[0])
    assert (cells[0].folder / "saved").exists()


def test_a_screening_that_is_ended_waits_for_its_trainings_to_save(cells: list[Cell]) -> None:
    asked_once_there_are([cell.folder / "begun" for cell in cells[:2]])
    with pytest.raises(Terminated), ended_by_sigterm():
        training.train(cells, jobs=2)
    assert [(cell.folder / "saved").exists() for cell in cells] == [True, True, False]
    assert not (cells[2].folder / "begun").exists()


def test_a_training_that_was_asked_to_stop_is_no_bad_input(cells: list[Cell], tmp_path: Path) -> None:
    (tmp_path / "saving.py").write_text("")  # leaves with status 0 and nothing finished, as `Stopped` does
    with pytest.raises(Stopped, match="the same command goes on"):
        run(cells[0])
    assert not (cells[0].folder / MANIFEST).exists()
