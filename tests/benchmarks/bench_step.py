"""One training step of the detector against torchvision's reference loop at equal settings, and the share of the data.

python -m tests.benchmarks.bench_step --data DATASET [--steps 40] [--batch 8] [--threads 2] [--out step.json]

Both train the same backbone from the same weights on the same images, scaled to the same size in float32, with equal
anchors, proposals, RoIs and widths, the same layers learning, and load in the training process. A step is everything
from asking the loader for a batch to asking for the next one. Ours is the whole of `training.fit`: augmentation,
pasting, image head, moving average, gradient clipping and AdamW included. Theirs is what torchvision's
`references/detection/engine.py` does: a mirror, SGD, a check of the loss. The steps alternate, so that whatever else
the machine does meets both alike; seconds of the processor (summed over threads) stand beside those of the wall clock,
for a machine that is shared.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead

from data_tools.commands.configurations import resolve
from data_tools.core.anchors import STRIDES, AnchorConfig, level_sizes
from data_tools.core.records import Sample
from data_tools.files.atomic import write_json
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.loading.copy_paste import PasteConfig, Paster
from data_tools.loading.dataset import DefectDataset, make_loader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.samplers import BalancedSampler
from data_tools.loading.transforms import Augmentation, AugmentConfig
from data_tools.networks.backbones import build_backbone
from data_tools.networks.weights import PACKAGED_BACKBONE
from data_tools.training.fit import fit, seed_everything
from data_tools.training.fit_config import FitConfig
from detect.compare_detectors.schedule import linear_rule
from detect.compare_detectors.torchvision_peer import (
    LR,
    LR_IMAGES,
    BoxedImages,
    faster_rcnn,
    separate,
    sgd,
    total_loss,
)
from detect.compare_detectors.training import Recipe, train_step
from detect.config import DetectorConfig, HeadConfig, SamplingConfig
from detect.model import Detector

MOST_RATIO, MOST_DATA_SHARE = 1.0, 0.05
WARM_UP = 3


@dataclass
class Times:
    """Seconds of each step by one clock: ours to load, ours in all, theirs in all."""

    loading: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def without(self, first: int) -> "Times":
        """The same without the first steps."""
        return Times(self.loading[first:], self.ours[first:], self.theirs[first:])


Clocks = dict[str, Times]
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


class Alternating:
    """Our loader, which lets torchvision's loop make one step after each step that `fit` has made."""

    def __init__(self, loader: DataLoader[Any], theirs: Recipe, steps: int, times: Clocks) -> None:
        self.loader, self.theirs, self.steps, self.times = loader, theirs, steps, times
        self.dataset, self.sampler = loader.dataset, loader.sampler

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Any]:
        batches, theirs = iter(self.loader), iter(self.theirs.loader)
        for _ in range(self.steps):
            start = _now()
            batch = next(batches)
            loaded = _now()
            yield batch
            done = _now()
            train_step(self.theirs, next(theirs), self.theirs.lr(0.0, 0))
            end = _now()
            for name, times in self.times.items():
                times.loading.append(loaded[name] - start[name])
                times.ours.append(done[name] - start[name])
                times.theirs.append(end[name] - done[name])


def main(argv: Sequence[str] | None = None) -> int:
    """Print the ratio and the share; exit status 1 where one misses its goal beyond its noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="dataset folder with splits")
    parser.add_argument("--steps", type=int, default=40, help="of each, after three to warm up")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=None, help="JSON to write")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    torch.set_num_threads(arguments.threads)
    times = measure(arguments.data, arguments.steps + WARM_UP, arguments.batch, arguments.side)
    result = {name: summarise(of_clock) for name, of_clock in times.items()} | {
        "batch": arguments.batch,
        "side": arguments.side,
        "threads": arguments.threads,
        "torch": torch.__version__,
    }
    if arguments.out is not None:
        write_json(arguments.out, result)
    print(f"batch {arguments.batch}, {arguments.side} px, {arguments.threads} threads")
    for name in CLOCKS:
        ratio, share = result[name]["ratio"], result[name]["data_share"]
        ours, theirs = result[name]["ours_s"], result[name]["theirs_s"]
        print(f"{name} seconds a step: ours {ours:.3f}, torchvision's loop {theirs:.3f}")
        print(f"  ratio {ratio['value']:.3f} ({ratio['ci95'][0]:.3f}..{ratio['ci95'][1]:.3f}), goal {MOST_RATIO}")
        print(
            f"  data pipeline {share['value']:.1%} of ours ({result[name]['loading_s']:.4f} s), goal {MOST_DATA_SHARE}"
        )
    wall = result["wall"]
    return 0 if wall["ratio"]["ci95"][0] <= MOST_RATIO and wall["data_share"]["ci95"][0] <= MOST_DATA_SHARE else 1


def measure(data: Path, steps: int, batch: int, side: int) -> Clocks:
    """Train both side by side for so many steps; the first ones are left out of the times."""
    seed_everything(0)
    dataset = read_dataset(data)
    root, samples = images_root_of(dataset, data), dataset.split("train")
    needed = steps * batch
    samples = (samples * -(-needed // len(samples)))[:needed] if len(samples) < needed else samples
    config = DetectorConfig(  # one plain box head, as theirs
        batch_norm="frozen",
        sampling=SamplingConfig(proposals=100, jittered=0),
        anchors=AnchorConfig(ratios=(0.2, 0.5, 1.0, 2.0, 5.0)),
        norm="none",
        heads=HeadConfig(count=1),
    )
    classes, times = len(dataset.categories), {name: Times() for name in CLOCKS}
    theirs = their_recipe(samples, root, classes, config, batch, side)
    light = resolve("standard", "detect")
    augment = AugmentConfig("flips", **light["input"]["augment"])
    inputs = InputConfig((side, side), standardize=light["input"]["standardize"], augment=augment)
    fitting = FitConfig(epochs=1, batch_size=batch, mixed_precision="no", checkpoint_minutes=1e6)
    paster = Paster(samples, PasteConfig(jitter=1.0, **light["paste"]))
    ours = Alternating(our_loader(samples, root, inputs, paster, fitting), theirs, steps, times)
    model = Detector(build_backbone(PACKAGED_BACKBONE, "package"), config, classes)
    with tempfile.TemporaryDirectory() as folder:
        loader: Any = ours
        fit(
            model,
            loader,
            lambda network, one: network(one),
            lambda _: {"none": None},
            "none",
            fitting,
            Path(folder),
            resume=False,
        )
    return {name: of_clock.without(WARM_UP) for name, of_clock in times.items()}


def our_loader(
    samples: Sequence[Sample], root: Path, inputs: InputConfig, paster: Paster, fitting: FitConfig
) -> DataLoader[Any]:
    """As `detect.train` loads."""
    dataset = DefectDataset(samples, root, inputs, Augmentation(inputs.augment), 0, paster)
    positive = [sample.is_defect for sample in samples]
    sampler = BalancedSampler(positive, fitting.positive_share, 0, (), fitting.batch_size)
    return make_loader(dataset, sampler, fitting.batch_size, 0)


def their_recipe(
    samples: Sequence[Sample], root: Path, classes: int, config: DetectorConfig, batch: int, side: int
) -> Recipe:
    """torchvision's detector and loop with the sizes of our configuration; all images take part, as with us."""
    sizes = level_sizes(config.anchors, STRIDES)
    before, after = 3 * config.sampling.proposals, config.sampling.proposals
    network = faster_rcnn(
        PACKAGED_BACKBONE,
        classes,
        config.fpn_channels,
        norm_learns=True,
        fixed_size=(side, side),
        rpn_anchor_generator=AnchorGenerator(sizes, (config.anchors.decided_ratios,) * len(sizes)),
        rpn_pre_nms_top_n_train=before,
        rpn_post_nms_top_n_train=after,
        rpn_batch_size_per_image=64,
        box_batch_size_per_image=config.sampling.rois,
        box_nms_thresh=config.prediction.nms_iou,
    )
    network.roi_heads.box_head = TwoMLPHead(config.fpn_channels * 7 * 7, config.heads.channels)
    network.roi_heads.box_predictor = FastRCNNPredictor(config.heads.channels, classes + 1)
    network.train()
    loader: DataLoader[Any] = DataLoader(
        BoxedImages(samples, root, keep_empty=True), batch, shuffle=True, drop_last=True, collate_fn=separate
    )
    lr = linear_rule(LR, LR_IMAGES, batch) / 1000  # the warm-up's first rate: only the time matters here
    return Recipe(
        network,
        loader,
        lambda one: total_loss(network, one),
        sgd(network, lr),
        lambda *_: lr,
        lambda *_: [],
        lambda one: float(len(one[0]) * side * side),
    )


def summarise(times: Times, seed: int = 0, resamples: int = 2000) -> dict[str, Any]:
    """Median seconds, and the ratio of medians and the share of loading with 95 % bootstrap intervals over steps."""
    loading, ours, theirs = (np.array(values) for values in (times.loading, times.ours, times.theirs))
    drawn = np.random.default_rng(seed).integers(0, len(ours), (resamples, len(ours)))
    ratios = np.median(ours[drawn], axis=1) / np.median(theirs[drawn], axis=1)
    shares = loading[drawn].sum(axis=1) / ours[drawn].sum(axis=1)
    ratio, share = float(np.median(ours) / np.median(theirs)), float(loading.sum() / ours.sum())
    return {
        "steps": len(ours),
        "loading_s": float(np.median(loading)),
        "ours_s": float(np.median(ours)),
        "theirs_s": float(np.median(theirs)),
        "ratio": {"value": ratio, "ci95": np.percentile(ratios, [2.5, 97.5]).tolist()},
        "data_share": {"value": share, "ci95": np.percentile(shares, [2.5, 97.5]).tolist()},
    }


def _now() -> dict[str, float]:
    return {name: clock() for name, clock in CLOCKS.items()}


if __name__ == "__main__":
    raise SystemExit(main())
