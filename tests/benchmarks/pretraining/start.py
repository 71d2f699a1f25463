"""A detector that starts from one trained on other defects: all parts, heads with other anchors or classes included."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

import detect.training
from data_tools.files.checkpoint_files import best_weights
from data_tools.files.runs import read_manifest
from detect.model import Detector

ALL_PARTS = ("backbone", "fpn", "rpn", "box_heads", "image_head")


@dataclass(frozen=True)
class Start:
    """Weights of a trained detector, and the anchors' ratios that its proposal head knows."""

    state: Mapping[str, Tensor]
    ratios: tuple[float, ...]
    scales: tuple[float, ...]


def start_of(run: Path) -> Start:
    """From the best checkpoint of a training run."""
    anchors = read_manifest(run).values["anchors"]
    return Start(load_file(best_weights(run)), tuple(anchors["ratios"]), tuple(anchors["scales"]))


def take_over(model: Detector, start: Start, parts: Sequence[str] = ALL_PARTS) -> None:
    """Fill the parts of `model`; what the start does not know, as the types of an image, stays as it is."""
    own = model.state_dict()
    taken: dict[str, Tensor] = {}
    for key, value in start.state.items():
        if key not in own or not key.startswith(tuple(f"{part}." for part in parts)):
            continue
        if ".cls_logits." in key or (".bbox_pred." in key and key.startswith("rpn.")):
            value = _of_nearest_anchors(value, start, model, moves=".bbox_pred." in key, bias=key.endswith("bias"))
        elif ".box_predictor." in key and value.shape != own[key].shape:
            value = _each_class(value, own[key], 4 if ".bbox_pred." in key else 1)
        elif key.startswith("image_head.linear") and value.shape != own[key].shape:
            value = torch.cat([value[:1], own[key][1:]])
        assert value.shape == own[key].shape, key
        taken[key] = value
    model.load_state_dict(taken, strict=False)


def _of_nearest_anchors(value: Tensor, start: Start, model: Detector, moves: bool, bias: bool) -> Tensor:
    """The proposal head's rows of each anchor from those of the start's nearest ratio; biases mend what it is off."""
    anchors = model.config.anchors
    assert anchors.scales == start.scales
    scales, width = len(anchors.scales), 4 if moves else 1
    rows = []
    for ratio in anchors.decided_ratios:
        place = min(range(len(start.ratios)), key=lambda i: abs(math.log(start.ratios[i] / ratio)))
        part = value[place * scales * width : (place + 1) * scales * width].clone()
        if moves and bias:  # log sizes count from the anchor, which has half the ratio's logarithm more in height
            off = 0.5 * math.log(ratio / start.ratios[place])
            part.view(scales, 4)[:, 2:] += torch.tensor([off, -off])
        rows.append(part)
    return torch.cat(rows)


def _each_class(value: Tensor, own: Tensor, width: int) -> Tensor:
    """One class's rows for every class there is now."""
    classes = len(own) // width - 1
    return torch.cat([value[:width], *[value[width : 2 * width]] * classes])


@contextmanager
def started_from(run: Path | None, parts: Sequence[str] = ALL_PARTS) -> Iterator[None]:
    """Within it, `detect.train` starts from a run's weights; None leaves ImageNet's."""
    if run is None:
        yield
        return
    start, original = start_of(run), detect.training.prepare

    def prepared(*given: Any) -> Any:
        made = original(*given)
        take_over(made.model, start, parts)
        return made

    detect.training.prepare = prepared
    try:
        yield
    finally:
        detect.training.prepare = original
