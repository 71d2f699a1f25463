"""data_tools.audit NEW --against OTHER: from images and predictions in files to warnings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.audit import main
from data_tools.core.records import (
    BOXED,
    GOOD,
    Dataset,
    Prediction,
    PredictionHeader,
    PredictionSet,
    Sample,
    Splits,
    empty_boxes,
)
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.predictions import write_predictions

SIZE = (24, 24)
LOTS, EACH = 24, 3


def pixels_of(rng: np.random.Generator, level: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.clip(np.rint(rng.normal(level, 12, size)), 0, 255).astype(np.uint8)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """24 lots of 3 images, the lots of five levels of gray; the last 18 lots are validation, with a defect each."""
    rng, folder, samples = np.random.default_rng(0), tmp_path / "known", []
    (folder / "images").mkdir(parents=True)
    for i in range(LOTS * EACH):
        Image.fromarray(pixels_of(rng, 100 + i // EACH % 5)).save(folder / "images" / f"{i}.png")
        defect = i % EACH == 0
        boxes, labels = (np.array([[2.0, 2, 8, 8]]), np.ones(1, int)) if defect else (empty_boxes(), np.zeros(0, int))
        status, kind = (BOXED, "scratch") if defect else (GOOD, GOOD)
        samples.append(Sample(i + 1, f"{i}.png", SIZE, boxes, labels, status, f"lot{i // EACH}", kind))
    ids = tuple(range(1, LOTS * EACH + 1))
    splits = Splits(0, "", ids[: LOTS * EACH // 4], ids[LOTS * EACH // 4 :], ())
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Path]:
    def make(lots: int, add: float = 0.0, size: tuple[int, int] = SIZE) -> Path:
        rng = np.random.default_rng(1)
        for lot in range(lots):
            (tmp_path / "new" / f"L{lot}").mkdir(parents=True)
            for i in range(EACH):
                pixels = pixels_of(rng, 100 + lot % 5 + add, size)
                Image.fromarray(pixels).save(tmp_path / "new" / f"L{lot}" / f"{i}.png")
        return tmp_path / "new"

    return make


def record(image_id: int, name: str, score: float) -> Prediction:
    return Prediction(image_id, name, SIZE, score, empty_boxes(), np.zeros(0), np.zeros(0, dtype=int))


def predict(tmp_path: Path, new: Path, add: float) -> list[str]:
    """Scores of validation, defects above; scores of the new images, good ones with something added."""
    rng = np.random.default_rng(2)
    known = [
        record(i, f"{i - 1}.png", 0.9 if i % EACH == 1 else float(rng.uniform(0.1, 0.4)))
        for i in range(LOTS * EACH // 4 + 1, LOTS * EACH + 1)
    ]
    names = sorted(path.relative_to(new).as_posix() for path in new.rglob("*.png"))
    unknown = [record(i, name, float(rng.uniform(0.1, 0.4)) + add) for i, name in enumerate(names, start=1)]
    for name, records in (("val", known), ("new", unknown)):
        write_predictions(tmp_path / f"{name}.jsonl", PredictionSet(PredictionHeader("m"), tuple(records)))
    return ["--predictions", str(tmp_path / "new.jsonl"), "--validation", str(tmp_path / "val.jsonl")]


def test_a_folder_of_brighter_images_is_a_warning(reference: Path, new: Callable[..., Path], capsys) -> None:
    assert main([str(new(6, add=10)), "--against", str(reference)]) == 0
    out = capsys.readouterr().out
    assert "new: 18 images beside" in out.splitlines()[0]
    assert "warning: mean gray value has shifted: 1" in out
    assert "warning: spread" not in out


def test_like_images_are_no_warning(reference: Path, new: Callable[..., Path], capsys) -> None:
    assert main([str(new(6)), "--against", str(reference)]) == 0
    out = capsys.readouterr().out
    assert "no difference shown" in out.splitlines()[0]
    assert "note: compared by lot (24 lots of" in out


def test_one_lot_is_named_and_another_size_is_seen(reference: Path, new: Callable[..., Path], capsys) -> None:
    assert main([str(new(1, size=(24, 30))), "--against", str(reference)]) == 0
    assert "warning: 1 of 1 lots lie further out than those of" in (out := capsys.readouterr().out)
    assert ": L0 (conformal" in out


def test_a_format_that_the_reference_does_not_have_is_a_fact(reference: Path, new: Callable[..., Path], capsys) -> None:
    folder = new(1)
    Image.fromarray(np.zeros(SIZE, np.uint16) + 25700).save(folder / "L0" / "deep.png")
    (folder / "L0" / "broken.png").write_bytes(b"nothing")
    assert main([str(folder), "--against", str(reference)]) == 0
    out = capsys.readouterr().out
    assert "warning: 1 of 4 images of" in out
    assert "PNG I;16 16 bit instead of PNG L 8 bit" in out
    assert "1 images are not readable and not compared; the first:" in out


def test_another_size_than_the_only_one_is_a_fact_that_few_lots_do_not_hide(
    reference: Path, new: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    few = read_dataset(reference)
    few = replace(few, samples=tuple(replace(one, group="lot") for one in few.samples), splits=None)
    write_dataset(tmp_path / "few", few)
    folder = new(1)
    assert main([str(folder), "--against", str(tmp_path / "few")]) == 0
    assert "no difference shown; not enough groups to show" in capsys.readouterr().out.splitlines()[0]
    Image.fromarray(np.zeros((30, 24), np.uint8)).save(folder / "L0" / "high.png")
    assert main([str(folder), "--against", str(tmp_path / "few")]) == 0
    out = capsys.readouterr().out
    assert "1 warnings" in out.splitlines()[0]
    assert "warning: 1 of 4 images of" in out
    assert "are not 24 x 24 (height x width), as all" in out
    assert "most of them 30 x 24" in out


def test_shifted_scores_are_a_warning_and_like_ones_are_not(
    reference: Path, new: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    folder = new(6)
    assert main([str(folder), "--against", str(reference), *predict(tmp_path, folder, 0.0)]) == 0
    assert "no difference shown" in capsys.readouterr().out.splitlines()[0]
    assert main([str(folder), "--against", str(reference), *predict(tmp_path, folder, 0.3)]) == 0
    assert "warning: score of images not flagged has shifted" in capsys.readouterr().out
    assert main([str(folder), "--against", str(reference), *predict(tmp_path, folder, 0.8)]) == 0
    assert "warning: share of flagged images has shifted: 0 in validation, 1 in the new" in capsys.readouterr().out


def test_a_dataset_is_audited_and_compared(reference: Path, tmp_path: Path, capsys) -> None:
    """Beside itself nothing has changed, and the lots of the same names are said; drift changes no exit status."""
    page = tmp_path / "audit.html"
    words = [str(reference), "--labels", "no", "--against", str(reference), "--html", str(page)]
    status = main([str(reference), "--labels", "no"])
    capsys.readouterr()
    assert main(words) == status
    out = capsys.readouterr().out
    assert "24 lots have names that are in" in out
    assert "has shifted" not in out
    assert "compared by lot" in page.read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--predictions", "x.jsonl"], "go together"),
        (["--html", "x.html"], "--html has nothing to go by"),
        (["--apply", "x.csv"], "without --against"),
    ],
)
def test_flags_that_do_not_fit(reference: Path, new: Callable[..., Path], capsys, more: list[str], words: str) -> None:
    assert main([str(new(1)), "--against", str(reference), *more]) == 2
    assert words in capsys.readouterr().err


def test_predictions_of_other_images_are_refused(
    reference: Path, new: Callable[..., Path], tmp_path: Path, capsys
) -> None:
    folder = new(2)
    words = predict(tmp_path, folder, 0.0)
    write_predictions(
        tmp_path / "new.jsonl",
        PredictionSet(PredictionHeader("m"), (record(1, "L9/0.png", 0.1), record(2, "L0/0.png", 0.1))),
    )
    assert main([str(folder), "--against", str(reference), *words]) == 2
    assert "L9/0.png is no image of" in capsys.readouterr().err
    words = ["--predictions", words[3], "--validation", words[3]]
    assert main([str(reference), "--labels", "no", "--against", str(reference), *words]) in (0, 2)
    assert main([str(tmp_path / "none"), "--against", str(reference)]) == 2
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--against", str(reference)]) == 2
    assert "neither a dataset folder" in capsys.readouterr().err
