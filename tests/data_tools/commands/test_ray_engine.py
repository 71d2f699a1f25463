"""By Ray the file is the same as by one process, also where a process is killed in the middle."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.predicting import Inputs, Predict, predict_inputs
from data_tools.commands.ray_engine import each_by_ray
from data_tools.core.errors import InputError, WorkerLostError
from data_tools.core.records import Prediction, PredictionHeader, Sample
from data_tools.files.image_sources import NamedImages

HEADER = PredictionHeader("test", {}, "best")
COUNT = 150  # several chunks for each process


def maker(killed: Path | None) -> Callable[[], Predict]:
    """A model that says how bright an image is; a process that sees the middle one is killed, the first time."""

    def predict(samples: Sequence[Sample], read: Callable) -> list[Prediction]:
        if killed and not killed.exists() and any(sample.image_id == COUNT // 2 for sample in samples):
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        none = np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64)
        return [
            Prediction(one.image_id, one.path, one.size_hw, float(read(one).mean()), *none, None, None)
            for one in samples
        ]

    return lambda: predict


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    folder = tmp_path / "images"
    folder.mkdir()
    for i in range(COUNT):
        Image.fromarray(np.full((20, 30), i, np.uint8)).save(folder / f"{i:03}.png")
    (folder / "050.png").write_bytes(b"no image")
    return [str(folder)]


def test_a_killed_process_loses_nothing_and_doubles_nothing(images: list[str], tmp_path: Path, capsys) -> None:
    local, spread, killed = tmp_path / "local.jsonl", tmp_path / "ray.jsonl", tmp_path / "killed"
    for out, by_ray in ((local, None), (spread, maker(killed))):
        assert predict_inputs(Inputs(NamedImages(images)), out, HEADER, {}, False, maker(None)(), by_ray) == 3
    assert killed.exists()
    assert spread.read_text().split("\n")[1:] == local.read_text().split("\n")[1:]  # the headers hold the time
    assert len(local.read_text().splitlines()) == COUNT  # the header, and all but one
    mine, theirs = (Path(f"{out.with_suffix('')}.errors.jsonl").read_text() for out in (local, spread))
    assert mine.splitlines()[1:] == theirs.splitlines()[1:]


def test_what_a_process_refuses_is_refused_here() -> None:
    def refuse() -> None:
        raise InputError("no such run")

    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(InputError, match=r"^no such run$"):
        list(each_by_ray([[1]], lambda chunk, made: chunk, refuse))
    assert signal.getsignal(signal.SIGTERM) is handler


def test_chunks_are_taken_as_they_are_needed_and_what_fails_comes_up_in_its_turn() -> None:
    taken, most = [], 2 * len(os.sched_getaffinity(0))

    def chunks() -> Iterator[int]:
        for number in range(10_000):
            taken.append(number)
            yield number

    def work(chunk: int, made: int) -> int:
        if chunk == 3 * most:
            raise ValueError("a fault of the work")
        return chunk + made

    results = each_by_ray(chunks(), work, lambda: 100)
    for number in range(3 * most):
        assert next(results) == 100 + number
        assert len(taken) <= number + most + 1
    with pytest.raises(ValueError, match=r"^a fault of the work$"):
        next(results)


def test_images_that_kill_every_process_end_the_work() -> None:
    def work(chunk: int, made: None) -> int:
        if chunk == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return chunk

    results = each_by_ray(iter(range(3)), work, lambda: None)
    assert next(results) == 0
    with pytest.raises(WorkerLostError, match=r"^4 processes were killed over the same images.* kept for --resume$"):
        next(results)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "auto", "127.0.0.1:port"])
def test_a_cluster_that_does_not_answer_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=f"RAY_ADDRESS {address}: no cluster"):
        list(each_by_ray([[1]], lambda chunk, made: chunk, lambda: None))
    assert signal.getsignal(signal.SIGTERM) is handler


def test_ray_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="ray is not installed; pip install ray"):
        list(each_by_ray([[1]], lambda chunk, made: chunk, lambda: None))
