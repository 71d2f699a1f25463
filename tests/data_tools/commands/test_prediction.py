from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.commands.prediction import predict_and_write, select
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction
from data_tools.files.predictions import read_predictions


def arguments(folder: Path) -> Namespace:
    return Namespace(data=None, images=[str(folder)], split="test")


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")


def test_what_is_left_out_of_a_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "a.png", np.zeros((6, 8), np.uint8))
    save(tmp_path / "runs" / "b.png", np.zeros((6, 8), np.uint8))
    (tmp_path / "c.heic").write_bytes(b"")
    chosen = select(arguments(tmp_path))  # type: ignore[arg-type]
    assert [(sample.path, sample.size_hw) for sample in chosen.samples] == [("a.png", (6, 8))]
    said = capsys.readouterr().err
    assert "2 left out" in said
    assert ".heic images are not read" in said


def test_a_folder_of_other_images_names_their_suffix(tmp_path: Path) -> None:
    (tmp_path / "c.heic").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.heic images are not read"):
        select(arguments(tmp_path))  # type: ignore[arg-type]


@pytest.mark.parametrize(("brightest", "said"), [(4095, "12 of 16 bits"), (65535, "")])
def test_12_bits_in_16_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], brightest: int, said: str) -> None:
    save(tmp_path / "a.png", np.linspace(0, brightest, 48).reshape(6, 8).astype(np.uint16))
    select(arguments(tmp_path))  # type: ignore[arg-type]
    written = capsys.readouterr().err
    assert said in written
    assert bool(said) == bool(written)


@pytest.mark.parametrize(
    "out", ["o.npz", "im.png", "features.json", "features.jsonl", "folder.jsonl", "im.png/p.jsonl"]
)
def test_an_output_that_would_destroy_something_is_refused_before_the_work(tmp_path: Path, out: str) -> None:
    save(tmp_path / "im.png", np.zeros((6, 8), np.uint8))
    np.savez(tmp_path / "features.npz", a=1)
    (tmp_path / "folder.jsonl").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    given = Namespace(**vars(arguments(tmp_path)), out=str(tmp_path / out), run="run")

    def never(*_: object) -> list[Prediction]:
        raise AssertionError("predicted before the output was looked at")

    with pytest.raises(InputError, match="--out"):
        predict_and_write(given, "detect", {}, never)  # type: ignore[arg-type]
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_prediction_is_written(tmp_path: Path, make_prediction, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "im.png", np.zeros((6, 8), np.uint8))
    out = tmp_path / "a" / "p.jsonl"
    given = Namespace(**vars(arguments(tmp_path)), out=str(out), run="run")
    predict_and_write(given, "detect", {}, lambda samples, _: [make_prediction(s.image_id) for s in samples])  # type: ignore[arg-type]
    assert capsys.readouterr().out == f"{out}\n"
    assert len(read_predictions(out).predictions) == 1
