"""Class-activation maps against a plain forward pass and against the `grad-cam` package: time, and memory over images.

python -m tests.benchmarks.bench_cam [--repeats 11] [--batch 1] [--side 224] [--threads 1]

All run in turn in one process, in another order each round, and the ratios are medians over the rounds of the ratios
within a round. Time is the process's own processor time, so that others' load matters little; on one thread and an idle
machine it is wall-clock time. The memory check makes maps of many small
images and compares the process's size after the first tenth with that at the end.
"""

import argparse
import gc
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from classify.cam import cam_maps
from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_names import CLASSIFIER_METHODS

LIMITS = {"resnet50": (1.2, 3.5), "vgg16": (1.2, 2.0)}


def main() -> int:
    """Print the ratios; exit status 1 where one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--threads", type=int, default=1, help="processor time is counted over all of them")
    parser.add_argument("--images", type=int, default=1000, help="of the memory check")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"batch {arguments.batch}, {arguments.side} px, {arguments.threads} threads, torch {torch.__version__}, "
        f"load average {load}"
    )
    fine = [compare(name, arguments.batch, arguments.side, arguments.repeats) for name in LIMITS]
    fine.append(memory_is_flat(arguments.images))
    return 0 if all(fine) else 1


def compare(name: str, batch: int, side: int, repeats: int) -> bool:
    """Median milliseconds of processor time an image, of forward pass, our map and the package's, and their ratios."""
    model = Classifier(build_backbone(name, "none"), ClassifierConfig(name, "none")).eval()
    model.to(memory_format=torch.channels_last)
    images, layer = torch.rand(batch, 3, side, side), model.backbone.layer_of(32)
    targets = [ClassifierOutputTarget(0)] * batch

    @torch.inference_mode()
    def forward() -> None:
        model(images)

    def theirs() -> None:
        with GradCAM(model, [layer]) as cam:
            cam(images, targets)

    runs: dict[str, Callable[[], object]] = {
        "forward": forward,
        "ours": lambda: cam_maps(model, layer, images),
        "package": theirs,
        "ours, stride 16": lambda: cam_maps(model, model.backbone.layer_of(16), images),
    }
    seconds: dict[str, list[float]] = {label: [] for label in runs}
    labels, order = list(runs), random.Random(0)
    for repeat in range(repeats + 1):
        order.shuffle(labels)
        for label in labels:
            start = time.process_time()
            runs[label]()
            if repeat:  # the first round warms up
                seconds[label].append(time.process_time() - start)
    medians = {label: statistics.median(values) for label, values in seconds.items()}
    to_forward = median_ratio(seconds["ours"], seconds["forward"])
    to_package = median_ratio(seconds["package"], seconds["ours"])
    most, least = LIMITS[name]
    shown = ", ".join(f"{label} {1000 * value / batch:.0f}" for label, value in medians.items())
    print(f"{name}: ms an image: {shown}")
    print(
        f"  {to_forward:.2f} x a forward pass (at most {most}), {to_package:.1f} x faster than the package "
        f"(at least {least})"
    )
    return to_forward <= most and to_package >= least


def median_ratio(above: list[float], below: list[float]) -> float:
    """The median over the rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def memory_is_flat(images: int) -> bool:
    """Maps of many images by every method on an earlier and on the last layer: the process must not grow by 5 %."""
    torch.manual_seed(0)
    model = Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none"))
    methods = [method for method in CLASSIFIER_METHODS if method not in ("scorecam", "ablationcam")]
    early = 0.0
    for i in range(images):
        for stride in (16, 32):
            cam_maps(model, model.backbone.layer_of(stride), torch.rand(1, 3, 64, 64), methods[i % len(methods)])
        if i == images // 10:
            gc.collect()
            early = resident_mb()
    gc.collect()
    late = resident_mb()
    print(f"memory: {early:.0f} MB after {images // 10} images, {late:.0f} MB after {images}: ratio {late / early:.3f}")
    return late / early < 1.05


def resident_mb() -> float:
    """Size of this process in memory, from /proc."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
