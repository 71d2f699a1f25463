"""What a person checks before leaving a training alone."""

from torch import nn

from data_tools.core.records import SPLIT_NAMES
from data_tools.loading.input_config import InputConfig
from data_tools.loading.windows import clipped, is_left
from data_tools.networks.backbones import describe_parts
from data_tools.networks.weights import Weights
from data_tools.training.experiment import Experiment


def describe_start(experiment: Experiment, parts: dict[str, nn.Module], weights: Weights, config: InputConfig) -> str:
    """What a person checks before leaving a run alone: data, input size, weights, trainable and frozen parts."""
    lines = [f"run: {experiment.folder}", f"data: {experiment.data}"]
    for split in SPLIT_NAMES:
        samples = experiment.dataset.split(split)
        counts = {status: sum(s.status == status for s in samples) for status in ("good", "boxed", "unboxed")}
        lines.append(f"  {split:<5} " + ", ".join(f"{count} {status}" for status, count in counts.items()))
    sizes = {sample.size_hw for sample in experiment.dataset.samples}
    native = " and ".join(f"{h} x {w}" for h, w in sorted(sizes)) if len(sizes) < 3 else f"{len(sizes)} sizes"
    seen = {config.target_hw(size) for size in sizes}
    pixels = sorted(h * w for h, w in seen)
    size = (
        "native"
        if seen == sizes
        else " and ".join(f"{h} x {w}" for h, w in sorted(seen))
        if len(seen) < 3
        else (f"{len(seen)} sizes of {pixels[0]:,} to {pixels[-1]:,} pixels")
    )
    lines.append(f"images: {native} (height x width), effective input size: {size}")
    if config.preprocess.crop_px:
        lines.append(f"crop of {config.preprocess.crop_px} px: {_boxes_cut(experiment, config)}")
    lines.append(f"backbone weights: {weights.description}")
    for name, keys in (("missing", weights.missing), ("unexpected", weights.unexpected)):
        if keys:
            lines.append(f"  {name} keys: {len(keys)} ({', '.join(keys[:3])}, ...)")
    return "\n".join([*lines, describe_parts(parts)])


def _boxes_cut(experiment: Experiment, config: InputConfig) -> str:
    """How many boxes of the dataset the crop cuts, and how many it loses."""
    cut, lost, total = 0, 0, 0
    for sample in experiment.dataset.samples:
        boxes = sample.boxes_xyxy
        inside = clipped(boxes, config.preprocess.window(sample.size_hw))
        gone = ~is_left(inside)
        total, lost = total + len(boxes), lost + int(gone.sum())
        cut += int(((inside != boxes).any(axis=1) & ~gone).sum())
    return f"of {total} boxes {cut} are cut and {lost} lost"
