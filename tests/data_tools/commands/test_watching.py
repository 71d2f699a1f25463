import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.prediction import predict_and_write
from data_tools.commands.watching import Pace, Watcher, watch
from data_tools.core.errors import InputError
from data_tools.core.records import PredictionHeader
from data_tools.files.prediction_journal import errors_path
from data_tools.files.predictions import read_predictions
from data_tools.files.templates import Templates
from data_tools.files.watch_log import WatchLog
from tests.data_tools.commands.test_prediction import Model, arguments, never, save_many

HEADER = PredictionHeader("detect: run", {"a": 1}, "best")
PACE = Pace(settle=1.0, give_up=5.0, rescan=2.0)


class Bench:
    """A watched folder with a clock that is set by hand."""

    def __init__(self, root: Path) -> None:
        self.folder, self.out = root / "in", root / "w.jsonl"
        self.folder.mkdir(exist_ok=True)
        self.now, self.model, self.asked = 0.0, Model(), threading.Event()
        self.templates: Templates | None = None
        self.log = self.open()
        self.watcher = Watcher(self.folder, self.log, self.model, PACE, lambda: self.now)

    def open(self, job: str = "j") -> WatchLog:
        present = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}
        return WatchLog(self.out, HEADER, {"run_sha256": job}, present)

    def restart(self) -> None:
        self.log.__exit__(None, None, None)
        self.log = self.open()
        self.watcher = Watcher(self.folder, self.log, self.model, PACE, lambda: self.now, self.templates)

    def wait(self, seconds: float) -> None:
        """Half a second at a time, as in the loop."""
        for _ in range(int(seconds * 2)):
            self.watcher.step(self.asked)
            self.now += 0.5
        self.watcher.step(self.asked)

    def predicted(self) -> list[tuple[int, str]]:
        return [(one.image_id, one.file_name) for one in read_predictions(self.out).predictions]

    def unreadable(self) -> list[str]:
        path = errors_path(self.out)
        return [json.loads(line)["file_name"] for line in path.open().readlines()[1:]] if path.exists() else []


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.log.__exit__(None, None, None)


def test_what_is_there_and_what_comes_is_predicted_once(bench: Bench) -> None:
    save_many(bench.folder, 2)
    bench.wait(5)
    assert bench.predicted() == [(1, "001.png"), (2, "002.png")]
    save_many(bench.folder / "lot", 1)
    bench.wait(10)
    assert bench.predicted() == [(1, "001.png"), (2, "002.png"), (3, "lot/001.png")]
    assert bench.model.seen == ["001.png", "002.png", "lot/001.png"]


def test_12_bits_in_16_are_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(np.full((6, 8), 4095, np.uint16)).save(bench.folder / "a.png")
    bench.wait(3)
    assert bench.predicted() == [(1, "a.png")]
    assert "a.png uses 12 of 16 bits" in caplog.text


def test_a_slow_writer_is_waited_for(bench: Bench) -> None:
    save_many(bench.folder / "../made", 1)
    content = (bench.folder / "../made/001.png").read_bytes()
    slow = bench.folder / "slow.png"
    for end in range(20, len(content) - 20, 10):  # grows every half second
        slow.write_bytes(content[:end])
        bench.wait(0.5)
    bench.wait(2)  # a pause longer than it takes to settle
    assert bench.predicted() == []
    assert bench.unreadable() == []
    slow.write_bytes(content)
    bench.wait(2)
    assert bench.predicted() == [(1, "slow.png")]


def test_a_file_that_is_moved_in_is_predicted_under_its_name(bench: Bench) -> None:
    save_many(bench.folder / "../made", 1)
    (bench.folder / "../made/001.png").rename(bench.folder / ".new.png.tmp")
    bench.wait(4)
    (bench.folder / ".new.png.tmp").rename(bench.folder / "new.png")
    bench.watcher.notice([bench.folder / ".new.png.tmp", bench.folder / "new.png"])
    bench.wait(1)  # before the next look at the whole folder
    assert bench.predicted() == [(1, "new.png")]


def test_what_cannot_be_read_is_listed_and_stops_nothing(bench: Bench) -> None:
    os.mkfifo(bench.folder / "pipe.png")
    (bench.folder / "torn.png").write_bytes(b"\x89PNG")
    (bench.folder / "lost.png").symlink_to("nowhere.png")
    (bench.folder / "empty.png").write_bytes(b"")
    save_many(bench.folder, 1)
    bench.wait(3)
    assert bench.predicted() == [(1, "001.png")]
    assert bench.unreadable() == []
    bench.wait(10)
    assert sorted(bench.unreadable()) == ["empty.png", "lost.png", "pipe.png", "torn.png"]
    bench.restart()
    bench.wait(10)
    assert len(bench.unreadable()) == 4
    save_many(bench.folder / "../made", 1)
    (bench.folder / "torn.png").write_bytes((bench.folder / "../made/001.png").read_bytes())
    bench.wait(4)
    assert bench.predicted() == [(1, "001.png"), (2, "torn.png")]


def test_a_restart_goes_on_and_mends_a_torn_line(bench: Bench) -> None:
    save_many(bench.folder, 2)
    bench.wait(3)
    whole = bench.out.read_bytes()
    bench.out.write_bytes(whole[:-20])  # the second prediction was torn
    save_many(bench.folder, 3)  # written anew: other versions
    bench.restart()
    bench.wait(4)
    assert bench.predicted() == [(1, "001.png"), (2, "001.png"), (3, "002.png"), (4, "003.png")]
    bench.restart()
    bench.wait(4)
    assert len(bench.predicted()) == 4


def test_an_image_that_the_model_fails_on_stops_no_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    save_many(bench.folder, 3)
    whole = Model()

    def failing(samples, read):  # type: ignore[no-untyped-def]
        if any(sample.path == "002.png" for sample in samples):
            raise RuntimeError("out of memory")
        return whole(samples, read)

    monkeypatch.setattr(bench.watcher, "_predict", failing)
    bench.wait(3)
    assert [name for _, name in bench.predicted()] == ["001.png", "003.png"]
    assert "prediction failed: out of memory" in errors_path(bench.out).read_text()


def test_files_that_are_gone_are_forgotten(bench: Bench) -> None:
    save_many(bench.folder, 50)
    bench.wait(3)
    assert len(bench.log._versions) == 50
    for path in sorted(bench.folder.iterdir())[:49]:
        path.unlink()
    bench.wait(3)
    assert len(bench.log._versions) == 1
    assert len(bench.watcher._waiting) == 0
    assert len(bench.predicted()) == 50


def test_a_folder_that_cannot_be_listed_for_a_while_makes_nothing_new(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_many(bench.folder, 3)
    bench.wait(3)

    def denied(_: object) -> None:
        raise OSError(116, "stale file handle")

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", denied)
        bench.wait(9)
    assert bench.unreadable() == ["."]
    bench.wait(9)
    assert len(bench.predicted()) == 3
    assert bench.unreadable() == ["."]


@pytest.fixture
def paired(bench: Bench) -> Bench:
    """One that needs templates, of which it has that of 001.png; the model looks at them."""
    save_many(bench.folder / "../templates", 1)
    bench.templates, alone = Templates(bench.folder / "../templates"), bench.model

    def comparing(samples, read):  # type: ignore[no-untyped-def]
        assert all(read.template(sample).shape == sample.size_hw for sample in samples)
        return alone(samples, read)

    bench.model = comparing  # type: ignore[assignment]
    bench.restart()
    return bench


@pytest.mark.parametrize("restarts", [False, True])
def test_an_image_is_predicted_once_its_template_has_come(paired: Bench, restarts: bool) -> None:
    save_many(paired.folder, 3)
    paired.wait(3)
    assert paired.predicted() == [(1, "001.png")]
    assert paired.unreadable() == []  # a template that is being written is waited for
    paired.wait(30)
    assert paired.unreadable() == ["002.png", "003.png"]
    if restarts:
        paired.restart()
        paired.wait(30)
        assert paired.unreadable() == ["002.png", "003.png"]
    save_many(paired.folder / "../templates", 2)
    paired.wait(5)
    assert paired.predicted() == [(1, "001.png"), (2, "002.png")]
    paired.restart()
    paired.wait(30)
    assert paired.predicted() == [(1, "001.png"), (2, "002.png")]
    assert paired.unreadable() == ["002.png", "003.png"]
    (paired.folder / "003.png").unlink()
    paired.wait(3)
    assert paired.log._lacking == {}


def test_a_damaged_template_is_listed_once_and_tried_again_when_it_changes(paired: Bench) -> None:
    template = paired.folder / "../templates/001.png"
    content = template.read_bytes()
    template.write_bytes(content[:45])
    save_many(paired.folder, 1)
    paired.wait(60)
    assert (paired.predicted(), paired.unreadable()) == ([], ["001.png"])
    template.write_bytes(content[:46])  # no better, for the same reason
    paired.wait(60)
    assert (paired.predicted(), paired.unreadable()) == ([], ["001.png"])
    Image.new("L", (3, 3)).save(template)
    paired.wait(60)
    assert (paired.predicted(), paired.unreadable()) == ([], ["001.png", "001.png"])
    assert "is 3 x 3 pixels, and the image 8 x 6" in errors_path(paired.out).read_text()
    template.write_bytes(content)
    paired.wait(5)
    assert paired.predicted() == [(1, "001.png")]
    assert paired.watcher._tried == {}


def test_another_job_is_refused(bench: Bench) -> None:
    bench.log.__exit__(None, None, None)
    with pytest.raises(InputError, match="another run_sha256: 'j', not 'k'"):
        bench.open("k")
    bench.out.write_text('{"schema": 1, "producer": "x"}\n')
    with pytest.raises(InputError, match="another producer"):
        bench.open()
    bench.log = WatchLog(bench.out.with_name("other.jsonl"), HEADER, {}, ())


def test_a_set_that_grows_is_not_replaced_by_another_command(bench: Bench) -> None:
    save_many(bench.folder, 1)
    bench.wait(3)
    before = bench.out.read_bytes()
    with pytest.raises(InputError, match="grows by --watch"):
        predict_and_write(arguments(bench.folder, out=bench.out), "detect", {"a": 1}, never)
    assert bench.out.read_bytes() == before


def test_a_restart_beside_a_folder_that_cannot_be_listed_predicts_nothing_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_many(bench.folder, 2)
    pace = Pace(settle=0.05, give_up=0.1, rescan=0.1)
    looks = iter(range(100))
    scan = os.scandir

    def at_first_denied(path: object) -> object:
        if next(looks) == 0:
            raise PermissionError(13, "denied")
        return scan(path)  # type: ignore[call-overload]

    def predict(samples, read):  # type: ignore[no-untyped-def]
        if samples[0].path == "003.png":
            os.kill(os.getpid(), signal.SIGTERM)
        return bench.model(samples, read)

    bench.restart()
    bench.wait(3)
    bench.log.__exit__(None, None, None)
    save_new = bench.folder / "003.png"
    save_new.write_bytes((bench.folder / "001.png").read_bytes())
    monkeypatch.setattr(os, "scandir", at_first_denied)
    assert watch(bench.folder, bench.out, HEADER, {"run_sha256": "j"}, predict, pace) == 0
    assert bench.model.seen == ["001.png", "002.png", "003.png"]
    bench.log = WatchLog(bench.out.with_name("other.jsonl"), HEADER, {}, ())


def test_watching_ends_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the clock of the wall and, where it is installed, what the system tells."""
    save_many(tmp_path / "in", 1)
    seen = Model()

    def predict(samples, read):  # type: ignore[no-untyped-def]
        if samples[0].path == "001.png":
            save_many(tmp_path / "in" / "late", 1)
        else:
            os.kill(os.getpid(), 15)
        return seen(samples, read)

    pace = Pace(settle=0.05, give_up=0.1, rescan=0.2)
    assert watch(tmp_path / "in", tmp_path / "w.jsonl", HEADER, {}, predict, pace) == 0
    assert "2 predicted, 0 unreadable" in capsys.readouterr().err
    assert len(read_predictions(tmp_path / "w.jsonl").predictions) == 2
    with pytest.raises(InputError, match="no such folder"):
        watch(tmp_path / "absent", tmp_path / "w.jsonl", HEADER, {}, predict, pace)
