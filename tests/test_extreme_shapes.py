"""Images of 40 x 4,000 pixels through every step of the baseline, the report and overlays.

The detector's slices have theirs in tests/detect/test_slicing.py.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

import classify
from classify.config import ClassifierConfig
from classify.predict import main as predict
from data_tools.core.records import Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.loading.input_config import InputConfig
from data_tools.training.fit_config import FitConfig
from detect.evaluate import main as evaluate
from detect.visualize import main as visualize

FIT = FitConfig(steps=2, epoch_steps=2, batch_size=4, warmup_steps=1, mixed_precision="no")


def test_every_step(tmp_path: Path, make_sample: Callable[..., Sample]) -> None:
    """Half of the images lie, half stand."""
    rng, folder, samples = np.random.default_rng(0), tmp_path / "data", []
    (folder / "images").mkdir(parents=True)
    for i in range(1, 13):
        pixels = rng.integers(40, 90, (40, 4000), dtype=np.uint8)
        boxes = [(2000, 10, 2030, 30)] if i % 2 else []
        pixels[10:30, 2000:2030] = 255 if boxes else 60
        if i % 4 > 1:
            pixels, boxes = np.ascontiguousarray(pixels.T), [(y1, x1, y2, x2) for x1, y1, x2, y2 in boxes]
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        samples.append(make_sample(i, boxes, pixels.shape))
    ids = tuple(range(1, 13))
    splits = Splits(0, "none", ids[:4], ids[4:8], ids[8:])
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    data = read_dataset(folder)
    plain = ClassifierConfig(backbone="simple_cnn", weights="none")
    seen = InputConfig(max_pixels=96 * 96)
    classify.train(data, classify.Settings(model=plain, input=seen, fit=FIT), tmp_path / "classify")
    run = str(tmp_path / "classify")
    words = ["--runs", run, "--out", str(tmp_path / "report.json"), "--html", str(tmp_path / "report.html")]
    assert evaluate(words) == 0
    assert visualize(["--runs", run, "--out", str(tmp_path / "overlays"), "--ids", "9", "11"]) == 0
    assert len(list((tmp_path / "overlays").glob("*.png"))) == 3
    for one in classify.load(tmp_path / "classify").predict(data, cam="layercam"):
        assert one.heatmap is not None
        height, width = one.size_hw
        assert one.peak_xy is None or (0 <= one.peak_xy[0] <= width and 0 <= one.peak_xy[1] <= height)
    images = [str(folder / "images" / f"{i}.png") for i in (1, 2)]
    drawn = ["--overlays", str(tmp_path / "drawn")]
    assert predict(["--run", run, "--images", *images, "--out", str(tmp_path / "p.jsonl"), *drawn]) == 0
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 2
