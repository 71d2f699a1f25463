"""Speed and memory of conversion at the size of the real data, against a loop of csv and Pillow in the same run.

python -m tests.benchmarks.bench_convert
python -m tests.benchmarks.bench_convert --rows 4000 --boxes 800

Fabricates an index of 38,302 rows of which 7,441 have boxes, and as many small images; converts the rows with --size,
then the rows with the images' own sizes, then a smaller folder of masks; each in a process of its own.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROWS, BOXES, MASKS = 38_302, 7_441, 2_000
_SIZE_HW = (267, 275)
_MEASURED = """
import resource, sys
from {module} import {function}
status = {function}({arguments!r})
usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
busy = sum(usage.ru_utime + usage.ru_stime for usage in usages)
print(f"measured {{busy:.3f}} {{max(usage.ru_maxrss for usage in usages) / 1024:.1f}}", file=sys.stderr)
sys.exit(status)
"""


def fabricate(folder: Path, rows: int, boxes: int) -> tuple[Path, Path]:
    """The CSV file and the images' folder; every image is a hard link to one file, since only headers are read."""
    rng = np.random.default_rng(0)
    images = folder / "images"
    images.mkdir()
    Image.fromarray(rng.integers(0, 255, _SIZE_HW, dtype=np.uint8)).save(folder / "one.bmp")
    one = folder / "one.bmp"
    with (folder / "areas.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "type", "x1", "y1", "x2", "y2"])
        for i in range(rows):
            name = f"WEL{930000 + i // 60:06d}13A_{i % 60:02d}_{i}.bmp"
            if i % 1000 == 0 and i:
                one = folder / f"one_{i}.bmp"  # a file has only so many links
                one.write_bytes((folder / "one.bmp").read_bytes())
            os.link(one, images / name)
            x, y = rng.integers(0, 200, 2)
            box = [x, y, x + 40, y + 30] if i < boxes else [""] * 4
            writer.writerow([name, "scratch" if i < boxes else "good", *box])
    return folder / "areas.csv", images


def fabricate_masks(folder: Path, count: int) -> Path:
    """A folder of images with masks."""
    rng = np.random.default_rng(1)
    (folder / "crack" / "masks").mkdir(parents=True)
    for i in range(count):
        mask = np.zeros(_SIZE_HW, dtype=np.uint8)
        y, x = rng.integers(0, 200, 2)
        mask[y : y + 30, x : x + 40] = 255
        Image.fromarray(rng.integers(0, 255, _SIZE_HW, dtype=np.uint8)).save(folder / "crack" / f"{i}_x.bmp")
        Image.fromarray(mask).save(folder / "crack" / "masks" / f"{i}_x.png")
    return folder


def peer_rows(table: Path, images: Path | None) -> float:
    """Seconds for reading the rows with csv, and with images their sizes with Pillow."""
    start = time.perf_counter()
    with table.open(newline="") as file:
        for row in csv.DictReader(file):
            _ = [float(row[key] or 0) for key in ("x1", "y1", "x2", "y2")]
            if images is not None:
                with Image.open(images / row["image"]) as image:
                    _ = image.size
    return time.perf_counter() - start


def peer_masks(folder: Path) -> float:
    """Seconds for decoding the images and masks one after the other, with the box of each mask."""
    start = time.perf_counter()
    for path in sorted(folder.rglob("*_x.*")):
        with Image.open(path) as image:
            image.convert("L").getbbox()
    return time.perf_counter() - start


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds, processor seconds and the largest resident MB of one conversion in its own process, start included."""
    code = _MEASURED.format(module="data_tools.convert", function="main", arguments=arguments)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    busy, megabytes = (float(word) for word in done.stderr.split()[-2:])
    return time.perf_counter() - start, busy, megabytes


def main() -> None:
    """Print seconds, MB, the ratio to the plain loop and how busy the machine was, for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--boxes", type=int, default=BOXES)
    parser.add_argument("--masks", type=int, default=MASKS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table, images = fabricate(folder, given.rows, given.boxes)
        masks = fabricate_masks(folder / "masked", given.masks)
        out, size = ["--replace", "--out", str(folder / "out")], f"{_SIZE_HW[0]},{_SIZE_HW[1]}"
        cases = {
            "rows": ([str(table), *out, "--size", size], peer_rows(table, None)),
            "rows and image sizes": ([str(table), *out, "--images", str(images)], peer_rows(table, images)),
            "masks, pixels decoded": ([str(masks), *out, "--group-by", "none"], peer_masks(masks)),
        }
        for case, (arguments, peer) in cases.items():
            seconds, busy, megabytes = measure(arguments)
            print(
                f"{case}: {seconds:.2f} s ({busy:.2f} s of processors), {megabytes:.0f} MB in the largest process; "
                f"plain loop {peer:.2f} s, ratio {seconds / peer:.1f}; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
