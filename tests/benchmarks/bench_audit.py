"""Does the audit stay quick and its memory flat as the data grow?

python -m tests.benchmarks.bench_audit                       # 2,000 and 8,000 images
python -m tests.benchmarks.bench_audit --sizes 2000 41000    # the real case's number

Makes small noise images of lots and audits them without the label check: every image is decoded, near-duplicates are
searched by looks alone, and each property is cross-validated. Prints seconds, and the peak memory of a process of its
own, at each size; then the ratios. Time should grow about as the number of images, memory by about 12 kB an image,
most of which are the dataset's own records.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.core.records import BOXED, GOOD, Dataset, Sample, empty_boxes, empty_labels
from data_tools.files.dataset_folder import write_dataset
from data_tools.splitting.deal import make_splits

_SIZE_HW = (48, 56)


def fabricate(folder: Path, total: int) -> None:
    """Blurred noise with a bright spot on every fifth image; 20 images a lot."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    samples = []
    for i in range(1, total + 1):
        coarse = Image.fromarray(rng.integers(40, 200, (9, 11), dtype=np.uint8))
        pixels = np.array(coarse.resize(_SIZE_HW[::-1], Image.Resampling.BICUBIC))
        defect, lot = i % 5 == 0, f"SYN{i // 20:06d}0AA"
        name = f"{lot}_{i:06d}.png"
        if defect:
            pixels[10:16, 20:30] = 250
        Image.fromarray(pixels).save(folder / "images" / name, compress_level=1)
        boxes = np.array([[20.0, 10, 30, 16]]) if defect else empty_boxes()
        labels = np.ones(1, dtype=np.int64) if defect else empty_labels()
        status, kind = (BOXED, "spot") if defect else (GOOD, GOOD)
        samples.append(Sample(i, name, _SIZE_HW, boxes, labels, status, lot, kind))
    splits = make_splits(samples, group_by="auto: lot")
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))


def audit_alone(folder: Path) -> None:
    """Audit in this process and print seconds and peak MB of it and of its largest worker."""
    from data_tools.audit import main

    start = time.perf_counter()
    status = main([str(folder), "--labels", "no"])
    peaks = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"RESULT {time.perf_counter() - start:.2f} {peaks[0]:.0f} {peaks[1]:.0f} {status}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 8000])
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder is not None:
        audit_alone(arguments.folder)
        return
    rows = []
    for total in arguments.sizes:
        with tempfile.TemporaryDirectory() as name:
            fabricate(Path(name) / "data", total)
            command = [sys.executable, "-m", "tests.benchmarks.bench_audit", "--folder", str(Path(name) / "data")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, own, worker, status = done.stdout.split("RESULT ")[1].split()
        rows.append((total, float(seconds), float(own)))
        print(
            f"{total} images: {seconds} s, peak {own} MB (largest worker {worker} MB), exit status {status}", flush=True
        )
    if len(rows) < 2:
        return
    (first, seconds, megabytes), (last, more_seconds, more_megabytes) = rows[0], rows[-1]
    print(
        f"{last / first:.1f} times the images: {more_seconds / seconds:.1f} times the time, "
        f"{1000 * (more_megabytes - megabytes) / max(last - first, 1):.1f} kB more an image"
    )


if __name__ == "__main__":
    main()
