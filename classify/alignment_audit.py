"""How well class-activation maps line up with the images: bias, plateau size, resolution floor."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from classify import receptive_field
from classify.inference import predict
from classify.models import Classifier
from classify.trained import TrainedClassifier
from data_tools.core.geometry import centres, diagonal
from data_tools.core.heatmaps import peak
from data_tools.core.records import Prediction, Sample
from data_tools.loading.pairs import paired
from data_tools.metrics.bootstrap import RESAMPLES, Clusters
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS, mean_interval
from data_tools.metrics.peak_distance import peak_distances, summarise
from data_tools.networks.cam import evaluation_mode
from data_tools.report.cells import interval

# mean distance from a uniformly random point of a unit square to its centre
FLOOR_OF_STRIDE = 0.3826
_SIDE = 256  # of noise images


def audit_run(run: TrainedClassifier, boxed: Sequence[Sample], root: Path, cam: str | None = None) -> dict[str, Any]:
    """The audit of a run's maps over boxed images: `audit`, where cells look, and how fine they can be.

    Args:
        run: the classifier.
        boxed: images with boxes, at least one.
        root: folder that their paths are relative to.
        cam: method of the maps; None takes the run's own.

    Raises:
        InputError: no such method, or an image that cannot be read.
    """
    reading, _ = run.read_by(cam)
    scale, stride = float(np.mean([1 / run.input.shown_scale(one.size_hw) for one in boxed])), reading.cam.stride
    pixels = paired(root, run.input, run.templates)
    return audit(boxed, predict(run.model, boxed, pixels, run.input, reading)) | {
        "cam": reading.cam.method,
        "stride": stride,
        "resolution_floor_px": FLOOR_OF_STRIDE * stride * scale,
        "receptive_field_offset_px": receptive_field_offset(boxed, run),
        "looking_offset_px": [scale * value for value in looking_offset(run.model, stride)],
    }


def audit(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Where the peaks lie in relation to the true boxes.

    Args:
        samples: boxed ones; their predictions hold heat maps.
        predictions: in the order of the samples.

    Returns:
        "dx" and "dy": mean signed distance in pixels from the centre of the nearest box to the peak, x to the right and
        y down, with "ci95" (None for one group alone); "plateau_px2": median and largest area of the peaks' plateaus in
        square pixels; "peak_distance" as the evaluator summarises it; "n", "abstained". Undefined values are None.
    """
    rows = [(s, p) for s, p in zip(samples, predictions, strict=True) if p.peak_xy is not None]
    offsets = np.array([_offset(sample, p.peak_xy) for sample, p in rows if p.peak_xy]).reshape(-1, 2)
    groups = [sample.group for sample, _ in rows]
    furthest = max((diagonal(sample.size_hw) for sample in samples), default=0.0)
    bias: dict[str, Any] = {}
    for name, values in zip(("dx", "dy"), offsets.T, strict=True):
        ends = mean_interval(values, Clusters.of(groups), (-furthest, furthest), 0, RESAMPLES) if rows else None
        ci95 = None if ends is None else list(ends)
        bias[name] = {"mean_px": float(values.mean()), "ci95": ci95} if rows else None
    peaks = [peak(p.heatmap, p.size_hw) for _, p in rows if p.heatmap is not None]
    areas = [one.area_px for one in peaks if one is not None]
    return bias | {
        "plateau_px2": {"median": float(np.median(areas)), "largest": float(max(areas))} if areas else None,
        "peak_distance": summarise(peak_distances(samples, [p.peak_xy for p in predictions])),
        "n": len(samples),
        "abstained": len(samples) - len(rows),
    }


def looking_offset(model: Classifier, stride: int) -> tuple[float, float]:
    """How far from its own centre a cell of the layer looks on average, (dx, dy) in input pixels.

    The centroid of the absolute gradient of a middle cell with respect to noise images, minus the centre of the cell as
    every map of this project is read. Strided convolutions with symmetric padding look up and left of it: torchvision's
    ResNet-50 by up to 15.5 px at stride 32.
    """
    generator = torch.Generator().manual_seed(0)
    device = next(model.parameters()).device
    images = torch.rand(4, 3, _SIDE, _SIDE, generator=generator).to(device)
    if model.backbone.reference is not None:
        images = torch.cat([images, torch.zeros_like(images[:, :1])], dim=1)
    with torch.inference_mode(False), torch.enable_grad(), evaluation_mode(model):
        inputs = images.clone().requires_grad_()
        maps = model.backbone(inputs)[model.backbone.strides.index(stride)]
        row, column = maps.shape[2] // 2, maps.shape[3] // 2
        (gradient,) = torch.autograd.grad(maps[:, :, row, column].sum(), inputs)
    weight = gradient.abs().sum(dim=(0, 1)).double().cpu().numpy()
    places = np.arange(_SIDE) + 0.5
    x = float((weight.sum(axis=0) * places).sum() / weight.sum())
    y = float((weight.sum(axis=1) * places).sum() / weight.sum())
    return x - (column + 0.5) * _SIDE / maps.shape[3], y - (row + 0.5) * _SIDE / maps.shape[2]


def receptive_field_offset(samples: Sequence[Sample], run: TrainedClassifier) -> list[float] | None:
    """`receptive_field.looking_offset` as (dx, dy) in original pixels, mean over the samples; None where that is."""
    offsets: dict[tuple[int, int], tuple[float, float] | None] = {}
    rows = []
    for sample in samples:
        height, width = size_hw = run.input.target_hw(sample.size_hw)
        if size_hw not in offsets:
            offsets[size_hw] = receptive_field.looking_offset(run.model.backbone, run.reading.cam.stride, size_hw)
        offset = offsets[size_hw]
        if offset is None:
            return None
        x1, y1, x2, y2 = run.input.preprocess.window(sample.size_hw)
        rows.append((offset[0] * (x2 - x1) / width, offset[1] * (y2 - y1) / height))
    return [float(value) for value in np.mean(rows, axis=0)]


def describe(report: dict[str, Any]) -> str:
    """The audit as lines for people."""
    lines = [
        f"{report['cam']} at stride {report['stride']}, {report['n']} boxed images, {report['abstained']} abstained"
    ]
    for name in ("dx", "dy"):
        bias = report[name]
        text = "n/a"
        if bias is not None:
            ends = interval(bias["ci95"], 1, sign=True) or NOT_ENOUGH_GROUPS
            text = f"{bias['mean_px']:+.1f} px (95 % CI {ends})"
        lines.append(f"mean signed {name} of the peak from the nearest box's centre: {text}")
    plateau, mean = report["plateau_px2"], report["peak_distance"]["mean_px"]
    if plateau is not None:
        lines.append(f"plateau of the peak: median {plateau['median']:.0f} px2, largest {plateau['largest']:.0f} px2")
    middle = report["receptive_field_offset_px"]
    if middle is not None:
        x, y = (f"{value:+.1f} px" for value in middle)
        lines.append(
            f"the middle of a cell's receptive field is {x} in x and {y} in y from where it is drawn, by "
            "strides and padding alone; weights may look beside it"
        )
    dx, dy = report["looking_offset_px"]
    lines.append(f"cells look {dx:+.1f} px in x and {dy:+.1f} px in y from where they are drawn (measured on noise)")
    floor = report["resolution_floor_px"]
    lines.append(f"resolution floor of the layer: {floor:.1f} px (a perfect cell pick, to a point)")
    lines.append(f"mean peak distance to the box: {'n/a' if mean is None else f'{mean:.1f} px'}")
    return "\n".join(lines)


def _offset(sample: Sample, peak_xy: tuple[float, float]) -> NDArray[np.float64]:
    offsets = np.array(peak_xy) - centres(sample.boxes_xyxy)
    nearest: NDArray[np.float64] = offsets[int(np.hypot(*offsets.T).argmin())]
    return nearest
