import os
import signal
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands import predicting
from data_tools.commands.predicting import SOME_UNREADABLE
from data_tools.commands.prediction import job_of, predict_and_write, select
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from data_tools.files.prediction_journal import errors_path
from data_tools.files.predictions import read_predictions
from data_tools.training.interrupt import Stopped


def arguments(*words: Path | str, out: Path | str = "p.jsonl", **more: object) -> Namespace:
    images = [str(word) for word in words] or None
    given = {
        "data": None,
        "images": images,
        "split": "all" if "data" in more else None,
        "watch": None,
        "reference": None,
        "webhook": None,
        "mqtt": None,
        "engine": "local",
        "overlays": None,
        "resume": False,
        "skip_unreadable": False,
    }
    return Namespace(**{**given, "run": "run", "out": str(out), **more})


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")


def save_many(folder: Path, count: int) -> None:
    for i in range(1, count + 1):
        save(folder / f"{i:03d}.png", np.full((6, 8), i, np.uint8))


def never(*_: object) -> list[Prediction]:
    raise AssertionError("predicted before the flags were looked at")


Reader = Callable[[Sample], np.ndarray]


class Model:
    """Scores an image by its brightness, with a map; counts what it is given, and fails where it is told to."""

    def __init__(self, fails_after: int | None = None, with_maps: bool = False) -> None:
        self.seen: list[str] = []
        self.fails_after, self.with_maps = fails_after, with_maps
        self.most_at_once = 0

    def __call__(self, samples: Sequence[Sample], read: Reader) -> list[Prediction]:
        self.most_at_once = max(self.most_at_once, len(samples))
        if self.fails_after is not None and len(self.seen) >= self.fails_after:
            raise RuntimeError("killed")
        self.seen += [sample.path for sample in samples]
        return [self._one(sample, read(sample)) for sample in samples]

    def _one(self, sample: Sample, pixels: np.ndarray) -> Prediction:
        heatmap = np.arange(4, dtype=np.float32).reshape(2, 2) + sample.image_id if self.with_maps else None
        score = float(pixels.mean()) / 256
        boxes, none = np.zeros((0, 4)), np.zeros(0)
        return Prediction(
            sample.image_id, sample.path, sample.size_hw, score, boxes, none, none.astype(int), None, heatmap
        )


@pytest.mark.parametrize(("ends", "milliseconds"), [([3.0], 1000), ([3.0, 4.0], 250), ([3.0, 3.5, 4.5], 187.5)])
def test_how_long_an_image_takes_is_written_without_the_first_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: list[float], milliseconds: float
) -> None:
    """Chunks of 3, 4 and 4 images; the first takes three seconds, in which a network warms up."""
    done = iter((0, 3, 7, 11))
    clock = iter((0.0, *ends))
    monkeypatch.setattr(predicting.time, "perf_counter", lambda: next(clock))
    pace = predicting._Pace(next(done))
    assert pace.ms_per_image is None
    for _ in ends:
        pace.note(next(done))
    assert pace.ms_per_image == milliseconds


@pytest.mark.parametrize(("more", "is_told"), [({}, True), ({"overlays": "o"}, False)])
def test_the_header_tells_how_long_an_image_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict, is_told: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    save_many(tmp_path / "i", 3)
    assert predict_and_write(arguments("i", **more), "detect", {}, Model()) == 0
    assert (read_predictions(Path("p.jsonl")).header.ms_per_image is not None) == is_told


def test_what_is_left_out_of_a_folder_is_said_and_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "i" / "a.png", np.zeros((6, 8), np.uint8))
    save(tmp_path / "i" / "runs" / "b.png", np.zeros((6, 8), np.uint8))
    (tmp_path / "i" / "c.heic").write_bytes(b"")
    out = tmp_path / "p.jsonl"
    assert predict_and_write(arguments(tmp_path / "i", out=out), "detect", {}, Model()) == 0
    assert [p.file_name for p in read_predictions(out).predictions] == ["a.png"]
    said = capsys.readouterr().err
    assert "2 left out" in said
    assert ".heic images are not read" in said


def test_a_folder_of_other_images_names_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "c.heic").write_bytes(b"")
    out = tmp_path / "p.jsonl"
    with pytest.raises(InputError, match=r"\.heic images are not read"):
        predict_and_write(arguments(tmp_path, out=out), "detect", {}, never)
    assert [path.name for path in tmp_path.iterdir()] == ["c.heic"]


@pytest.mark.parametrize(("brightest", "said"), [(4095, "12 of 16 bits"), (65535, "")])
def test_12_bits_in_16_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], brightest: int, said: str) -> None:
    save(tmp_path / "a.png", np.linspace(0, brightest, 48).reshape(6, 8).astype(np.uint16))
    predict_and_write(arguments(tmp_path / "a.png", out=tmp_path / "p.jsonl"), "detect", {}, Model())
    written = capsys.readouterr().err
    assert said in written
    assert ("WARNING" in written) == bool(said)


def test_12_bits_in_16_are_said_of_a_dataset_and_behind_the_first_chunk(
    squares: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(squares / "images" / "20.png", np.full((64, 64), 4095, np.uint16))
    assert predict_and_write(arguments(data=str(squares), out=tmp_path / "d.jsonl"), "detect", {}, Model()) == 0
    assert "WARNING: 20.png uses 12 of 16 bits" in capsys.readouterr().err
    save_many(tmp_path / "i", 40)
    save(tmp_path / "i" / "z.png", np.full((6, 8), 4095, np.uint16))
    assert predict_and_write(arguments(tmp_path / "i", out=tmp_path / "i.jsonl"), "detect", {}, Model()) == 0
    assert "WARNING: z.png uses 12 of 16 bits" in capsys.readouterr().err


@pytest.mark.parametrize(
    "out", ["o.npz", "im.png", "features.json", "features.jsonl", "folder.jsonl", "im.png/p.jsonl", "listed.jsonl"]
)
def test_an_output_that_would_destroy_something_is_refused_before_the_work(tmp_path: Path, out: str) -> None:
    save(tmp_path / "im.png", np.zeros((6, 8), np.uint8))
    np.savez(tmp_path / "features.npz", a=1)
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "listed.errors.jsonl").write_text("my own\n")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    with pytest.raises(InputError, match="--out"):
        predict_and_write(arguments(tmp_path, out=tmp_path / out), "detect", {}, never)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_list_is_not_replaced_by_the_predictions(tmp_path: Path) -> None:
    listed = tmp_path / "list.jsonl"
    listed.write_text("a.png\n")
    with pytest.raises(InputError, match="is what the command reads"):
        predict_and_write(arguments(f"@{listed}", out=listed), "detect", {}, never)
    assert listed.read_text() == "a.png\n"


def test_a_prediction_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "im.png", np.zeros((6, 8), np.uint8))
    out = tmp_path / "a" / "p.jsonl"
    assert predict_and_write(arguments(tmp_path / "im.png", out=out), "detect", {"a": 1}, Model()) == 0
    assert capsys.readouterr().out == f"{out}\n"
    written = read_predictions(out)
    assert (written.header.producer, written.header.config) == ("detect: run", {"a": 1})
    assert len(written.predictions) == 1
    assert [path.name for path in out.parent.iterdir()] == ["p.jsonl"]


def test_unreadable_inputs_are_listed_and_the_others_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "i", tmp_path / "p.jsonl"
    save_many(folder, 2)
    (folder / "000.png").write_bytes((folder / "001.png").read_bytes()[:40])
    os.mkfifo(folder / "pipe.png")
    (folder / "lost.png").symlink_to("nowhere.png")
    (folder / "null.png").symlink_to("/dev/zero")
    (folder / "empty.png").mkdir()
    words = (folder, tmp_path / "absent.png")
    assert predict_and_write(arguments(*words, out=out), "detect", {}, Model()) == SOME_UNREADABLE
    # every input has its number, so that numbers do not depend on what could be read
    assert [(p.image_id, p.file_name) for p in read_predictions(out).predictions] == [
        (2, "i/001.png"),
        (3, "i/002.png"),
    ]
    listed = errors_path(out).read_text()
    for name in ("000.png", "pipe.png", "lost.png", "null.png", "empty.png", "absent.png"):
        assert name in listed
    assert "2 images predicted, 6 could not be read" in capsys.readouterr().err
    # what is read again without errors leaves no list behind
    assert predict_and_write(arguments(folder / "001.png", out=out), "detect", {}, Model()) == 0
    assert not errors_path(out).exists()


def test_nothing_readable_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match=r"none of the 1 images could be read: pipe\.png: not a regular file"):
        predict_and_write(arguments(tmp_path / "pipe.png", out=tmp_path / "p.jsonl"), "detect", {}, never)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe.png"]


def test_an_unreadable_image_of_a_dataset_is_an_error_unless_skipped(squares: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    (squares / "images" / "3.png").unlink()
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(squares / "images" / "5.png")
    with pytest.raises(InputError, match=r"3\.png \(image 3\): no such image; --skip_unreadable"):
        predict_and_write(arguments(data=str(squares), out=out), "detect", {}, Model())
    assert not out.exists()
    skipping = arguments(data=str(squares), out=out, skip_unreadable=True)
    assert predict_and_write(skipping, "detect", {}, Model()) == SOME_UNREADABLE
    assert [p.image_id for p in read_predictions(out).predictions] == [i for i in range(1, 25) if i not in (3, 5)]
    assert "is 9 x 9 pixels, but annotated as 64 x 64" in errors_path(out).read_text()


@pytest.mark.parametrize("with_maps", [False, True])
def test_resuming_gives_what_an_uninterrupted_process_gives(
    tmp_path: Path, with_maps: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "i"
    save_many(folder, 100)
    (folder / "050.png").write_bytes(b"")
    header = {"threshold": 0.2}
    whole, out = tmp_path / "whole.jsonl", tmp_path / "p.jsonl"
    assert predict_and_write(arguments(folder, out=whole), "detect", header, Model(with_maps=with_maps)) == 3
    with pytest.raises(RuntimeError, match="killed"):
        predict_and_write(arguments(folder, out=out), "detect", header, Model(60, with_maps))
    assert not out.exists()
    partial = tmp_path / "p.jsonl.partial"
    with partial.open("ab") as file:  # as a crash leaves it
        file.write(b'{"name": "097.png", "maps_e')
    second = Model(with_maps=with_maps)
    assert predict_and_write(arguments(folder, out=out, resume=True), "detect", header, second) == 3
    assert second.seen[0] == "065.png"  # two chunks of 32 were done
    mine, theirs = (path.read_text().splitlines()[1:] for path in (out, whole))  # the headers hold the time
    assert mine == theirs
    assert errors_path(out).read_text().replace("p.jsonl", "whole.jsonl") == errors_path(whole).read_text()
    assert out.with_suffix(".npz").exists() == with_maps
    assert not list(tmp_path.glob("*.partial*"))
    assert capsys.readouterr().err.count("49 of 99 images are flagged as defects (score 0.2 or more)\n") == 2


def interrupted(tmp_path: Path) -> tuple[Path, Path]:
    folder, out = tmp_path / "i", tmp_path / "p.jsonl"
    save_many(folder, 40)
    with pytest.raises(RuntimeError):
        predict_and_write(arguments(folder, out=out), "detect", {"cam": "a"}, Model(1))
    return folder, out


def test_resuming_another_job_is_refused_by_name(tmp_path: Path) -> None:
    folder, out = interrupted(tmp_path)
    again = arguments(folder, out=out, resume=True)
    with pytest.raises(InputError, match=r"another config\.cam: 'a', not 'b'"):
        predict_and_write(again, "detect", {"cam": "b"}, never)
    with pytest.raises(InputError, match=r"another producer: 'detect: run', not 'detect: other'"):
        predict_and_write(Namespace(**{**vars(again), "run": "other"}), "detect", {"cam": "a"}, never)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="another run_sha256"):
        predict_and_write(Namespace(**{**vars(again), "run": str(tmp_path / "run")}), "detect", {"cam": "a"}, never)
    (folder / "000.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"image 1 was 001\.png, is now 000\.png"):
        predict_and_write(again, "detect", {"cam": "a"}, never)
    (folder / "000.png").unlink()
    assert predict_and_write(again, "detect", {"cam": "a"}, Model()) == 0
    assert len(read_predictions(out).predictions) == 40


def test_damage_before_the_last_record_is_refused(tmp_path: Path) -> None:
    folder, out = interrupted(tmp_path)
    partial = tmp_path / "p.jsonl.partial"
    lines = partial.read_text().splitlines(keepends=True)
    partial.write_text("".join([*lines[:3], lines[3][:9] + "\n", *lines[4:]]))
    with pytest.raises(InputError, match="line 4: damaged"):
        predict_and_write(arguments(folder, out=out, resume=True), "detect", {"cam": "a"}, never)


def test_beginning_anew_says_what_it_drops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = interrupted(tmp_path)
    assert predict_and_write(arguments(folder, out=out), "detect", {"cam": "b"}, Model()) == 0
    assert "32 records of an unfinished process are dropped" in capsys.readouterr().err
    assert len(read_predictions(out).predictions) == 40


@pytest.mark.parametrize("asking", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_after_the_chunk_at_hand(tmp_path: Path, asking: signal.Signals) -> None:
    folder, out = tmp_path / "i", tmp_path / "p.jsonl"
    save_many(folder, 100)
    first, second = Model(), Model()

    def stopped(samples: Sequence[Sample], read: Reader) -> list[Prediction]:
        os.kill(os.getpid(), asking)
        return first(samples, read)

    with pytest.raises(Stopped, match="stopped after 32 of 100 images; go on with --resume"):
        predict_and_write(arguments(folder, out=out), "detect", {}, stopped)
    assert predict_and_write(arguments(folder, out=out, resume=True), "detect", {}, second) == 0
    assert (len(first.seen), len(second.seen)) == (32, 68)
    assert len(read_predictions(out).predictions) == 100


def test_a_signal_during_the_last_chunk_finishes_what_is_done(tmp_path: Path) -> None:
    folder, out = tmp_path / "i", tmp_path / "p.jsonl"
    save_many(folder, 3)

    def stopped(samples: Sequence[Sample], read: Reader) -> list[Prediction]:
        os.kill(os.getpid(), signal.SIGTERM)
        return Model()(samples, read)

    assert predict_and_write(arguments(folder, out=out), "detect", {}, stopped) == 0
    assert len(read_predictions(out).predictions) == 3


def test_two_processes_do_not_write_the_same_set(tmp_path: Path) -> None:
    save_many(tmp_path / "i", 2)
    out = tmp_path / "p.jsonl"
    inner = arguments(tmp_path / "i", out=out)

    def meanwhile(samples: Sequence[Sample], read: Reader) -> list[Prediction]:
        with pytest.raises(InputError, match="another process is writing there"):
            predict_and_write(inner, "detect", {}, never)
        return Model()(samples, read)

    assert predict_and_write(inner, "detect", {}, meanwhile) == 0


def test_a_chunk_is_all_that_a_model_is_given(tmp_path: Path) -> None:
    save_many(tmp_path / "i", 70)
    model = Model()
    predict_and_write(arguments(tmp_path / "i", out=tmp_path / "p.jsonl"), "detect", {}, model)
    assert model.most_at_once == 32
    assert len(model.seen) == 70


@pytest.mark.parametrize("flags", [{"images": ["i"]}, {"watch": "i", "images": None}])
def test_overlays_are_not_taken_for_further_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: dict[str, object]
) -> None:
    save_many(tmp_path / "i", 1)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="whose images are predicted"):
        predict_and_write(arguments(**flags, overlays="i/o"), "detect", {}, never)


def test_flags_that_name_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="--images PATH"):
        select(arguments())  # type: ignore[arg-type]


def test_models_of_one_name_are_told_apart_runs_and_bundles_alike(tmp_path: Path) -> None:
    told = set()
    for place, name in (("a", "manifest.json"), ("b", "manifest.json"), ("c", "SHA256SUMS"), ("d", "SHA256SUMS")):
        folder = tmp_path / place / "model"
        folder.mkdir(parents=True)
        (folder / name).write_text(f"of {place}")
        told.add(job_of(folder)["run_sha256"])
    assert len(told) == 4
    assert None not in told


def test_parquet_has_the_records_of_json_lines(tmp_path: Path) -> None:
    save_many(tmp_path / "i", 3)
    (tmp_path / "i" / "bad.png").write_bytes(b"no image")
    for name in ("a.parquet", "b.jsonl"):
        given = arguments(tmp_path / "i", out=tmp_path / name)
        assert predict_and_write(given, "detect", {}, Model(with_maps=True)) == SOME_UNREADABLE
        assert errors_path(tmp_path / name).exists()
    table, lines = (read_predictions(tmp_path / name) for name in ("a.parquet", "b.jsonl"))
    assert replace(table.header, ms_per_image=None) == replace(lines.header, ms_per_image=None)
    assert [one.score for one in table.predictions] == [one.score for one in lines.predictions]
    for a, b in zip(table.predictions, lines.predictions, strict=True):
        np.testing.assert_array_equal(a.heatmap, b.heatmap)
    with pytest.raises(InputError, match="--watch appends lines"):
        predict_and_write(arguments(out=tmp_path / "c.parquet", watch=str(tmp_path / "i")), "detect", {}, never)


def test_a_split_without_a_dataset_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    for more in ({}, {"images": None, "watch": str(tmp_path)}):
        given = arguments(tmp_path / "a.png", out=tmp_path / "p.jsonl", split="val", **more)
        with pytest.raises(InputError, match=r"^--split val: is a part of --data DATASET; give that with it$"):
            predict_and_write(given, "detect", {}, never)
