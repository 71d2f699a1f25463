"""The whole way from two runs' files to a picture: marks at places worked out by hand, and a stored picture to compare.

To store a new one after a change that was looked at: python -m tests.detect.test_golden_overlay
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.records import BOXED, Dataset, Prediction, PredictionHeader, PredictionSet, Sample, Splits
from data_tools.files.dataset_folder import data_hash, read_dataset, write_dataset
from data_tools.files.predictions import write_predictions
from data_tools.report.overlays import MOST_OPAQUE, PREDICTED, TRUTH
from detect.visualize import main

GOLDEN = Path(__file__).parent / "golden" / "overlay.png"
SIZE_HW = (100, 120)
BOX, FOUND, WRONG = (20, 30, 50, 45), (22, 28, 54, 48), (80, 70, 100, 90)
GRAY, SCRATCH = 100, 220
SCALE, DPI = 4, 200  # a panel is 2.4 inches for 120 pixels


def make_picture(folder: Path) -> NDArray[np.uint8]:
    """Overlay of one image by a detector that finds it and a map that points elsewhere: (h, w, 3) RGB."""
    pixels = np.full(SIZE_HW, GRAY, dtype=np.uint8)
    pixels[36:39, 22:48] = SCRATCH
    data = folder / "data"
    (data / "images").mkdir(parents=True)
    Image.fromarray(pixels).save(data / "images" / "1.png")
    sample = Sample(1, "1.png", SIZE_HW, np.array([BOX], dtype=float), np.ones(1, dtype=int), BOXED, "lot", "scratch")
    write_dataset(data, Dataset((sample,), ("defect",), data / "images", Splits(0, "none", (), (), (1,))))
    heatmap = np.zeros((5, 6), dtype=np.float32)  # cells of 20 pixels
    heatmap[3, 4] = 1.0
    runs = [
        _write(folder / "detector", "detect", [FOUND, WRONG], [0.95, 0.4], (38.0, 38.0), None, data),
        _write(folder / "classifier", "classify", [], [], (90.0, 70.0), heatmap, data),
    ]
    out = folder / "out"
    assert main(["--runs", *map(str, runs), "--out", str(out), "--ids", "1", "--dpi", str(DPI)]) == 0
    return np.asarray(Image.open(out / "000001_scratch.png").convert("RGB"))


def _write(
    run: Path,
    approach: str,
    boxes: Sequence[Sequence[float]],
    scores: Sequence[float],
    peak: tuple[float, float],
    heatmap: NDArray[np.float32] | None,
    data: Path,
) -> Path:
    prediction = Prediction(
        1,
        "1.png",
        SIZE_HW,
        0.9,
        np.array(boxes, dtype=float).reshape(-1, 4),
        np.array(scores),
        np.ones(len(boxes), dtype=int),
        peak,
        heatmap,
    )
    write_predictions(run / "predictions" / "test.jsonl", PredictionSet(PredictionHeader(approach), (prediction,)))
    manifest = {
        "approach": approach,
        "data": str(data),
        "data_hash": data_hash(read_dataset(data)),
        "finished": "2026-01-01",
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.uint8]:
    return make_picture(tmp_path_factory.mktemp("overlay"))


def panel(picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """0 the bare image, 1 the detector, 2 the classifier: a margin of .1 inch, a title and two lines of .15 inch."""
    x, y = 20 + number * (120 * SCALE + 20), 20 + 3 * 30
    return picture[y : y + 100 * SCALE, x : x + 120 * SCALE]


def rgb(colour: str) -> list[int]:
    return [round(255 * part) for part in to_rgb(colour)]


def share_of(pixels: NDArray[np.uint8], colour: Sequence[int]) -> float:
    return float((np.abs(pixels.astype(int) - np.array(colour)) <= 2).all(axis=-1).mean())


@pytest.mark.parametrize("number", [1, 2])
def test_the_true_box_is_sky_blue_just_outside_its_pixels(picture: NDArray[np.uint8], number: int) -> None:
    shown = panel(picture, number)
    x1, y1, x2, y2 = (SCALE * edge for edge in BOX)
    red, green, blue = rgb(TRUTH)
    assert red < green < blue  # a swap of red and blue would be seen
    sides = (shown[y1:y2, x1 - 2], shown[y1:y2, x2 + 1], shown[y1 - 2, x1:x2], shown[y2 + 1, x1:x2])
    assert min(share_of(side, (red, green, blue)) for side in sides[: 4 if number == 2 else 1]) > 0.8


def test_predicted_boxes_are_dashed_yellow(picture: NDArray[np.uint8]) -> None:
    x1, y1, x2, y2 = (SCALE * edge for edge in WRONG)
    shown = panel(picture, 1)
    for side in (shown[y1:y2, x1 - 2], shown[y1:y2, x2 + 1], shown[y2 + 1, x1:x2]):
        assert 0.3 < share_of(side, rgb(PREDICTED)) < 0.9
    assert share_of(panel(picture, 2), rgb(PREDICTED)) == 0  # the classifier has no boxes


@pytest.mark.parametrize(("number", "peak"), [(1, (38, 38)), (2, (90, 70))])
def test_the_peak_is_a_white_cross_at_its_place(picture: NDArray[np.uint8], number: int, peak: tuple[int, int]) -> None:
    shown = panel(picture, number)
    x, y, arm = peak[0] * SCALE, peak[1] * SCALE, round(4 / 72 * DPI)
    for dx, dy in ((arm, 0), (-arm, 0), (0, arm), (0, -arm)):
        assert shown[y + dy, x + dx].tolist() == [255, 255, 255]


def test_the_map_is_hot_at_its_cell_and_leaves_the_rest_bare(picture: NDArray[np.uint8]) -> None:
    shown = panel(picture, 2)
    value = (1 - 4.5 / 20) ** 2  # pixel (94, 74) has its centre 4.5 px beside and below the hot cell's at (90, 70)
    colour, opaque = 255 * np.array(colormaps["inferno"](round(255 * value))[:3]), MOST_OPAQUE * value
    expected = (1 - opaque) * GRAY + opaque * colour
    assert expected[0] > expected[2] + 50  # warm; with its channels swapped it would be blue
    assert shown[74 * SCALE, 94 * SCALE].tolist() == pytest.approx(expected.tolist(), abs=3)
    assert shown[20 * SCALE, 110 * SCALE].tolist() == [GRAY] * 3
    assert panel(picture, 0)[37 * SCALE + 2, 30 * SCALE].tolist() == [SCRATCH] * 3


def test_the_picture_is_the_stored_one(picture: NDArray[np.uint8]) -> None:
    stored = np.asarray(Image.open(GOLDEN).convert("RGB"))
    assert picture.shape == stored.shape
    difference = np.abs(picture.astype(int) - stored).mean()
    assert difference < 0.5, difference  # of 255; text may be set a little differently elsewhere
    assert np.abs(picture[..., ::-1].astype(int) - stored).mean() > 1  # so that this tells red from blue


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        GOLDEN.parent.mkdir(exist_ok=True)
        Image.fromarray(make_picture(Path(place))).convert("RGB").save(GOLDEN, optimize=True)
