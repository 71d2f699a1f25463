"""A run by torch, its bundle by onnxruntime, and torchvision's eager ResNet50-FPN: one image at a time, at equal size.

python -m tests.benchmarks.bench_runtime --run RUN --bundle BUNDLE --data DATASET [--images 50] [--side 224]

Each image goes through all of them, in another order each time, so that whatever else the machine does meets all alike.
A time is from gray levels in memory to boxes in the image's own pixels: preprocessing and suppression included, reading
of files not. A cold start is a new process from its first line to its first prediction. Threads are as OMP_NUM_THREADS
says.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torchvision.models.detection import fasterrcnn_resnet50_fpn

from data_tools.core.records import Prediction
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.files.images import read_gray, resolve_under
from data_tools.loading.input_config import InputConfig
from data_tools.loading.resizing import resize
from detect.bundled import BundledDetector, load_bundle
from detect.trained import load

WARM_UP, COLD_STARTS = 3, 3
Gray = NDArray[np.uint8]


def main() -> int:
    """Print the tables; exit status 1 where the runtimes disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--side", type=int, default=224)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    root = images_root_of(dataset, arguments.data)
    paths = [resolve_under(root, sample.path) for sample in dataset.samples[: arguments.images]]
    images = [read_gray(path) for path in paths]
    size = InputConfig(size_hw=(arguments.side, arguments.side))
    detector, bundled = load(arguments.run), load_bundle(arguments.bundle)
    ours = replace(detector, input=size)
    theirs = BundledDetector(replace(bundled.record, input=size), bundled._features, bundled._heads)
    runtimes: dict[str, Callable[[Gray], object]] = {
        "torch": lambda image: ours.predict([image]),
        "onnx fp32": lambda image: theirs.predict([image]),
        "torchvision's ResNet50-FPN": reference(arguments.side),
    }
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, load average {os.getloadavg()[0]:.1f}")
    name, threads = detector.model.config.backbone, torch.get_num_threads()
    print(f"{name}, {len(images)} images at {arguments.side} px, {threads} threads")
    print_times({name: np.array(times) for name, times in timed(runtimes, images).items()})
    print_cold_starts(arguments.run, arguments.bundle, paths[0])
    return 0 if agree([ours.predict([one])[0] for one in images], [theirs.predict([one])[0] for one in images]) else 1


def reference(side: int) -> Callable[[Gray], object]:
    """torchvision's own detector as it is, with random weights."""
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=side, max_size=side).eval()

    @torch.inference_mode()
    def predict(image: Gray) -> object:
        seen, _ = resize(image, np.zeros((0, 4)), (side, side))
        pixels = torch.from_numpy(seen.astype(np.float32) / 255)
        return model([pixels.expand(3, -1, -1)])

    return predict


def timed(runtimes: dict[str, Callable[[Gray], object]], images: Sequence[Gray]) -> dict[str, list[float]]:
    """Seconds of each runtime for each image."""
    order = list(runtimes)
    rng = random.Random(0)
    times: dict[str, list[float]] = {name: [] for name in order}
    for place, image in enumerate([*images[:WARM_UP], *images]):
        rng.shuffle(order)
        for name in order:
            start = time.perf_counter()
            runtimes[name](image)
            if place >= WARM_UP:
                times[name].append(time.perf_counter() - start)
    return times


def print_times(seconds: dict[str, NDArray[np.float64]]) -> None:
    """A line a runtime: images a second, percentiles in milliseconds, and how often the last one's median it is."""
    slowest = np.median(list(seconds.values())[-1])
    for name, one in seconds.items():
        p50, p95, p99 = 1e3 * np.percentile(one, [50, 95, 99])
        print(
            f"{name:<28} {1 / one.mean():6.1f} images/s  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  p99 {p99:6.1f} ms  "
            f"{slowest / np.median(one):.1f} times as fast"
        )


def print_cold_starts(run: Path, bundle: Path, image: Path) -> None:
    """The least seconds, of some, that a new process takes to its first prediction, and its memory."""
    for name, folder in (("torch", run), ("onnx fp32", bundle)):
        code = f"import detect; detect.load({str(folder)!r}).predict([{str(image)!r}])"
        # not getrusage, whose maximum a new process inherits from the one that started it
        code += "; print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
        seconds, memory = [], 0
        for _ in range(COLD_STARTS):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            seconds.append(time.perf_counter() - start)
            memory = int(done.stdout)
        print(f"{name:<28} cold start {min(seconds):.2f} s, {memory / 1024:.0f} MB")


def agree(ours: Sequence[Prediction], theirs: Sequence[Prediction]) -> bool:
    """Whether scores differ by 0.01 and boxes by 0.5 px at most; prints how many boxes have no counterpart."""
    lone = count = 0
    for one, other in zip(ours, theirs, strict=True):
        count += len(one.boxes_xyxy)
        for box, score in zip(one.boxes_xyxy, one.box_scores, strict=True):
            near = (np.abs(other.boxes_xyxy - box) < 0.5).all(axis=1) & (np.abs(other.box_scores - score) < 0.01)
            lone += not near.any()
    worst = max(abs(one.score - other.score) for one, other in zip(ours, theirs, strict=True))
    print(f"{len(ours)} images: scores within {worst:.1e}, {lone} of {count} boxes without a counterpart")
    return worst <= 0.01 and not lone


if __name__ == "__main__":
    raise SystemExit(main())
