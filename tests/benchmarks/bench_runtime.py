"""A run by torch, its bundles by onnxruntime and OpenVINO, and torchvision's eager ResNet50-FPN, at equal input size.

python -m tests.benchmarks.bench_runtime --run RUN --bundle BUNDLE [--int8 BUNDLE] --data DATASET

First each image of the test split is predicted by all, and scores, boxes and AP are compared with torch's. Then images
go one at a time through all of them, in another order each time, so that what else the machine does meets all alike.
A time is from gray levels in memory to boxes in the image's own pixels: preprocessing and suppression included, reading
of files not. Beside it stands the processor's time, which other work on the machine disturbs less. A cold start is a
new process from its first line to its first prediction. Threads are as OMP_NUM_THREADS says.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import torch
from numpy.typing import NDArray
from torchvision.models.detection import fasterrcnn_resnet50_fpn

from data_tools.core.records import Prediction, Sample
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.files.images import read_gray, resolve_under
from data_tools.loading.input_config import InputConfig
from data_tools.loading.resizing import resized
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.box_map import box_map
from data_tools.report.cells import number
from detect.bundled import BundledDetector, load_bundle
from detect.opening import AnyDetector
from detect.trained import load

WARM_UP, COLD_STARTS = 3, 3
TORCH = "torch fp32"
Gray = NDArray[np.uint8]


def main() -> int:
    """Print the tables; exit status 1 where a bundle in fp32 disagrees with its run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--int8", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--side", type=int, default=224)
    arguments = parser.parse_args()
    dataset = read_dataset(arguments.data)
    root = images_root_of(dataset, arguments.data)
    samples = dataset.split("test")
    paths = [resolve_under(root, sample.path) for sample in samples]
    images = [read_gray(path) for path in paths]
    detector = load(arguments.run)
    models: dict[str, AnyDetector] = {TORCH: detector}
    models |= {f"{engine} fp32": load_bundle(arguments.bundle, engine) for engine in ("onnx", "openvino")}
    if arguments.int8:
        models |= {f"{engine} int8": load_bundle(arguments.int8, engine) for engine in ("onnx", "openvino")}
    print(f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, openvino {openvino.__version__}")
    print(f"{detector.model.config.backbone}, {torch.get_num_threads()} threads, load average {os.getloadavg()[0]:.1f}")
    agreed = compare(models, samples, images, len(dataset.categories))
    size = InputConfig(size_hw=(arguments.side, arguments.side))
    runtimes = {name: at_size(model, size) for name, model in models.items()}
    runtimes["torchvision ResNet50-FPN"] = reference(arguments.side)
    print(f"{arguments.images} images at {arguments.side} px, one at a time")
    print_times(timed(runtimes, images[: arguments.images]))
    print_cold_starts(arguments.run, arguments.bundle, paths[0])
    return 0 if agreed else 1


def at_size(model: AnyDetector, size: InputConfig) -> Callable[[Gray], object]:
    """A model's prediction of one image, seen at that size."""
    if isinstance(model, BundledDetector):
        sized: AnyDetector = BundledDetector(replace(model.record, input=size), model._features, model._heads)
    else:
        sized = replace(model, input=size)
    return lambda image: sized.predict([image])


def reference(side: int) -> Callable[[Gray], object]:
    """torchvision's own detector as it is, with random weights."""
    model = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=side, max_size=side).eval()

    @torch.inference_mode()
    def predict(image: Gray) -> object:
        pixels = torch.from_numpy(resized(image, (side, side)).astype(np.float32) / 255)
        return model([pixels.expand(3, -1, -1)])

    return predict


def timed(runtimes: Mapping[str, Callable[[Gray], object]], images: Sequence[Gray]) -> dict[str, NDArray[np.float64]]:
    """Of each runtime (n, 2) seconds for each image: on the clock, and of the processor."""
    order = list(runtimes)
    rng = random.Random(0)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in order}
    for place, image in enumerate([*images[:WARM_UP], *images]):
        rng.shuffle(order)
        for name in order:
            start, spent = time.perf_counter(), time.process_time()
            runtimes[name](image)
            if place >= WARM_UP:
                times[name].append((time.perf_counter() - start, time.process_time() - spent))
    return {name: np.array(one) for name, one in times.items()}


def print_times(seconds: Mapping[str, NDArray[np.float64]]) -> None:
    """A line a runtime: images a second, percentiles in milliseconds, and how often the last one's medians they are."""
    slowest = np.median(list(seconds.values())[-1], axis=0)
    for name, one in seconds.items():
        p50, p95, p99 = 1e3 * np.percentile(one[:, 0], [50, 95, 99])
        faster = slowest / np.median(one, axis=0)
        print(
            f"{name:<26} {1 / one[:, 0].mean():6.1f} images/s  p50 {p50:6.1f} p95 {p95:6.1f} p99 {p99:6.1f} ms  "
            f"processor {1e3 * np.median(one[:, 1]):6.1f} ms  {faster[0]:.1f} times as fast, {faster[1]:.1f} by it"
        )


def print_cold_starts(run: Path, bundle: Path, image: Path) -> None:
    """The least seconds, of some, that a new process takes to its first prediction, and its memory."""
    for folder, runtime in ((run, "torch"), (bundle, "onnx"), (bundle, "openvino")):
        code = f"import detect; detect.load({str(folder)!r}, {runtime!r}).predict([{str(image)!r}])"
        # not getrusage, whose maximum a new process inherits from the one that started it
        code += "; print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
        seconds, memory = [], 0
        for _ in range(COLD_STARTS):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
            seconds.append(time.perf_counter() - start)
            memory = int(done.stdout)
        print(f"{runtime:<26} cold start {min(seconds):.2f} s, {memory / 1024:.0f} MB")


def compare(
    models: Mapping[str, AnyDetector], samples: Sequence[Sample], images: Sequence[Gray], num_classes: int
) -> bool:
    """Print what each finds beside torch; whether all in fp32 agree with it: scores by 0.01, boxes by 0.5 px."""
    pixels = {sample.image_id: image for sample, image in zip(samples, images, strict=True)}
    ours: list[Prediction] = []
    agreed = True
    print(f"{len(samples)} images, {sum(not sample.is_defect for sample in samples)} of them good")
    for name, model in models.items():
        theirs = model.predict_samples(samples, lambda sample: pixels[sample.image_id])
        ours = ours or theirs
        worst = max(abs(one.score - other.score) for one, other in zip(ours, theirs, strict=True))
        lone, count = lone_boxes(ours, theirs)
        precision = box_map(samples, theirs, num_classes)["ap"]
        area = roc_auc([one.score for one in theirs], [sample.is_defect for sample in samples])
        print(
            f"{name:<26} AP {number(precision, 4)}  AUC {number(area, 4)}  image scores within {worst:.1e}  "
            f"{lone} of {count} boxes without a counterpart"
        )
        agreed = agreed and ("int8" in name or (worst <= 0.01 and not lone))
    return agreed


def lone_boxes(ours: Sequence[Prediction], theirs: Sequence[Prediction]) -> tuple[int, int]:
    """How many boxes have no counterpart within 0.5 px and a score of 0.01, and how many there are."""
    lone = count = 0
    for one, other in zip(ours, theirs, strict=True):
        count += len(one.boxes_xyxy)
        for box, score in zip(one.boxes_xyxy, one.box_scores, strict=True):
            near = (np.abs(other.boxes_xyxy - box) < 0.5).all(axis=1) & (np.abs(other.box_scores - score) < 0.01)
            lone += not near.any()
    return lone, count


if __name__ == "__main__":
    raise SystemExit(main())
