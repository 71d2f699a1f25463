import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet, Sample, Splits
from data_tools.files.dataset_folder import data_hash, read_dataset, write_dataset
from data_tools.files.predictions import write_predictions
from detect.visualize import main


@pytest.fixture
def run(tmp_path: Path, make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]) -> Path:
    """A run on three test images: a hit, a peak 20 px off in an image of a hostile type, and a good one."""
    (tmp_path / "data" / "images").mkdir(parents=True)
    samples = [
        make_sample(1, [(40, 40, 60, 60)]),
        make_sample(2, [(40, 40, 60, 60)], defect_type="../../x/y"),
        make_sample(3),
    ]
    for sample in samples:
        Image.fromarray(np.full((100, 100), 90, dtype=np.uint8)).save(tmp_path / "data" / "images" / sample.path)
    dataset = Dataset(tuple(samples), ("defect",), tmp_path / "data" / "images", Splits(0, "none", (), (), (1, 2, 3)))
    write_dataset(tmp_path / "data", dataset)
    predictions = (
        make_prediction(1, 0.9, peak=(50, 50)),
        make_prediction(2, 0.8, peak=(80, 50)),
        make_prediction(3, 0.1),
    )
    folder = tmp_path / "run"
    write_predictions(folder / "predictions" / "test.jsonl", PredictionSet(PredictionHeader("p"), predictions))
    manifest = {
        "approach": "detect",
        "data": str(tmp_path / "data"),
        "data_hash": data_hash(read_dataset(tmp_path / "data")),
        "finished": "2026-01-01T00:00:00Z",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def made(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


def test_the_worst_come_first_and_stay_in_the_folder(run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "deep" / "out"
    assert main(["--runs", str(run), "--out", str(out), "--num", "2", "--dpi", "60"]) == 0
    assert made(out) == {"000002_.._.._x_y.png", "000001_scratch.png", "contact_sheet.png"}
    first = capsys.readouterr().out.splitlines()[0]
    assert "000002" in first
    assert "off target" in first
    assert "20.0 px" in first


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_formats(run: Path, tmp_path: Path, kind: str, start: bytes) -> None:
    out = tmp_path / "out"
    assert main(["--runs", str(run), "--out", str(out), "--ids", "1", "--format", kind]) == 0
    assert made(out) == {f"000001_scratch.{kind}", f"contact_sheet.{kind}"}
    assert all(path.read_bytes().startswith(start) for path in out.iterdir())


def test_dpi_is_that_of_the_picture(run: Path, tmp_path: Path) -> None:
    for dpi in ("60", "120"):
        assert main(["--runs", str(run), "--out", str(tmp_path / dpi), "--ids", "1", "--dpi", dpi]) == 0
    small, large = (Image.open(tmp_path / dpi / "000001_scratch.png").width for dpi in ("60", "120"))
    assert large == pytest.approx(2 * small, abs=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num", "0"], "--num 0"),
        (["--dpi", "20"], "--dpi 20: between 50 and 1200"),
        (["--ids", "1", "99"], "[99] are not in the test split"),
        (["--format", "gif"], "format"),
    ],
)
def test_bad_usage_is_named_and_nothing_is_written(
    run: Path, tmp_path: Path, capsys: Any, arguments: list[str], message: str
) -> None:
    assert main(["--runs", str(run), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("place", ["data", "data/images", "data/images/deep", "file"])
def test_pictures_do_not_go_among_the_images(
    run: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("detect.visualize.evaluate", None)  # refused before anything is judged
    (tmp_path / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["--runs", str(run), "--out", str(tmp_path / place)]) == 2
    assert f"--out {tmp_path / place}: " in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["contact_sheet.png", "000001_scratch.png"])
def test_a_file_of_others_is_kept_and_pictures_are_drawn_anew(
    run: Path, tmp_path: Path, capsys: Any, name: str
) -> None:
    out = tmp_path / "out"
    drawing = ["--runs", str(run), "--out", str(out), "--num", "1", "--dpi", "60", "--ids", "1"]
    assert main(drawing) == 0
    assert main(drawing) == 0
    (out / name).write_text("mine")
    assert main(drawing) == 2
    assert f"{name} lies where a picture may go" in capsys.readouterr().err
    assert (out / name).read_text() == "mine"
