"""Peak memory of predicting one large image, beyond what the process holds after a small one; on Linux.

python -m tests.benchmarks.bench_memory --out FOLDER [--size 9000 12000]

Writes the image as gray PNG, gray TIFF, 16-bit gray PNG and RGB JPEG, trains a detector and a baseline for two steps,
and predicts each file by either in a process of its own: first an image of 1,000 px, then the large one. By slices of
1,024 px where the approach has them. What a network of another size needs is the same for both images.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.core.records import BOXED, GOOD, Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.loading.input_config import InputConfig, SliceConfig
from data_tools.training.fit_config import FitConfig

SIDE, SMALL, STEPS = 1024, 1000, 2
_MB = 1e6


@dataclass(frozen=True)
class Measured:
    """Resident bytes after the small image, and their peak with the large one."""

    before: int
    peak: int


def write_images(folder: Path, size_hw: tuple[int, int]) -> list[Path]:
    """The files to predict, all of one picture with noise, which compresses badly as real ones do."""
    height, width = size_hw
    rng = np.random.default_rng(0)
    tile = rng.integers(60, 120, (500, 500), dtype=np.uint8)
    picture = np.tile(tile, (-(-height // 500), -(-width // 500)))[:height, :width]
    picture[height // 3 : height // 3 + 40, width // 2 : width // 2 + 30] = 250
    writers: dict[str, Callable[[Path], None]] = {
        "gray.png": lambda path: Image.fromarray(picture).save(path, compress_level=1),
        "gray.tif": lambda path: Image.fromarray(picture).save(path, compression="tiff_adobe_deflate"),
        "gray16.png": lambda path: Image.fromarray(picture.astype(np.uint16) * 257).save(path, compress_level=1),
        "rgb.jpg": lambda path: Image.fromarray(picture).convert("RGB").save(path, quality=90),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in writers.items():
        if not (folder / name).is_file():
            write(folder / name)
    Image.fromarray(picture[:SMALL, :SMALL]).save(folder / "small.png")
    return [folder / name for name in writers]


def write_training(folder: Path) -> Dataset:
    """Twelve images of 1,200 px, every second with a white square."""
    (folder / "images").mkdir(parents=True)
    rng, samples = np.random.default_rng(0), []
    for i in range(1, 13):
        pixels = rng.integers(40, 90, (1200, 1200), dtype=np.uint8)
        boxes = np.array([[500.0, 500, 560, 560]] if i % 2 else []).reshape(-1, 4)
        pixels[500:560, 500:560] = 255 if i % 2 else 60
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        status, kind = (BOXED, "square") if i % 2 else (GOOD, GOOD)
        labels = np.ones(len(boxes), dtype=np.int64)
        samples.append(Sample(i, f"{i}.png", (1200, 1200), boxes, labels, status, f"g{i}", kind))  # type: ignore[arg-type]
    splits = Splits(0, "none", tuple(range(1, 9)), (9, 10), (11, 12))
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return read_dataset(folder)


def train(approach: str, data: Dataset, run: Path) -> None:
    """A run of two steps on a small network."""
    import classify
    import detect
    from classify.config import ClassifierConfig

    fit = FitConfig(steps=STEPS, epoch_steps=STEPS, batch_size=4, warmup_steps=1, mixed_precision="no")
    if approach == "detect":
        seen = InputConfig(max_pixels=224 * 224, slices=SliceConfig(side_px=SIDE))
        model = detect.DetectorConfig(backbone="simple_cnn", weights="none", frozen_to_stride=0, fpn_channels=16)
        detect.train(data, detect.Settings(model=model, input=seen, fit=fit), run)
    else:
        seen = InputConfig(max_pixels=224 * 224)
        model = ClassifierConfig(backbone="simple_cnn", weights="none")
        classify.train(data, classify.Settings(model=model, input=seen, fit=fit), run)


def measure(approach: str, run: Path, small: Path, large: Path) -> Measured:
    """In a process of its own."""
    words = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench_memory",
        "--measure",
        approach,
        *map(str, (run, small, large)),
    ]
    environment = os.environ | {"DEFECTS_PIXEL_LIMIT": "1000000000"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{approach}, {large.name}: failed\n{done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def _measure_here(approach: str, run: str, small: str, large: str) -> None:
    import classify
    import detect

    trained = (detect if approach == "detect" else classify).load(run)
    trained.predict(small)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak until now
    trained.predict(large)
    print(json.dumps([before, _resident("VmHWM")]))


def _resident(key: str) -> int:
    """Bytes, as Linux counts them; a process's own accounts would begin with its parent's peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=(9000, 12000), help="height and width in pixels")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.measure:
        _measure_here(*words.measure)
        return
    files = write_images(words.out / "images", tuple(words.size))
    data = read_dataset(words.out / "data") if (words.out / "data").is_dir() else write_training(words.out / "data")
    print(f"{words.size[1]:,} x {words.size[0]:,} px; MB of memory beyond those held after {SMALL} px, bytes a pixel")
    for approach in ("detect", "classify"):
        run = words.out / approach
        if not run.is_dir():
            train(approach, data, run)
        for path in files:
            found = measure(approach, run, words.out / "images" / "small.png", path)
            more = found.peak - found.before
            base, each = found.before / _MB, more / (words.size[0] * words.size[1])
            print(f"{approach:9} {path.name:11} {more / _MB:8,.0f} MB  {each:5.2f} B/px  (base {base:,.0f} MB)")


if __name__ == "__main__":
    main()
