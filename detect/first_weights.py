"""Heads that have seen defects before: where a detector's anchors, classes and types differ, what is nearest."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from detect.model import Detector

RATIOS, SCALES = "anchors.ratios", "anchors.scales"
_PARTS = ("rpn", "box_heads", "image_head")


def take_heads(model: Detector, given: Mapping[str, Tensor]) -> list[str]:
    """Fill proposal head, box heads and image head where they fit; the names of the parts that were filled.

    A part of another width stays as it is. An anchor takes the rows of the given one of the nearest ratio, a class
    those of the one given class. What is not given, as a third box head or the image's types, stays as it is.

    Args:
        model: changed in place.
        given: a detector's weights under this model's names, with its anchors' height / width as `RATIOS` (n,) and
            their sides in strides as `SCALES` (m,).
    """
    own, filled = model.state_dict(), []
    for part in _PARTS:
        taken = {key: _fitted(key, value, own[key], model, given) for key, value in given.items() if key in own}
        taken = {key: value for key, value in taken.items() if key.startswith(f"{part}.")}
        if taken and all(value.shape == own[key].shape for key, value in taken.items()):
            model.load_state_dict(taken, strict=False)
            filled.append(part)
    return filled


def _fitted(key: str, value: Tensor, own: Tensor, model: Detector, given: Mapping[str, Tensor]) -> Tensor:
    """A tensor of the heads, brought to this model's anchors, classes and types."""
    if key.startswith(("rpn.head.cls_logits", "rpn.head.bbox_pred")):
        return _of_nearest_anchors(key, value.float(), model, given)
    if ".box_predictor." in key and len(own) > len(value):
        width = 4 if ".bbox_pred." in key else 1
        return torch.cat([value[:width], *[value[width : 2 * width]] * (len(own) // width - 1)])
    if key.startswith("image_head.linear") and value.shape[1:] == own.shape[1:]:
        return torch.cat([value[:1], own[1:]])
    return value


def _of_nearest_anchors(key: str, value: Tensor, model: Detector, given: Mapping[str, Tensor]) -> Tensor:
    """The rows of each anchor, ratio by ratio and scale by scale; biases of sizes mend what the given ratio is off."""
    ratios, scales = given[RATIOS].tolist(), model.config.anchors.scales
    if len(scales) != len(given[SCALES]) or not torch.allclose(given[SCALES].float(), torch.tensor(scales)):
        return value[:0]
    width = 4 if ".bbox_pred." in key else 1
    rows = []
    for ratio in model.config.anchors.decided_ratios:
        place = min(range(len(ratios)), key=lambda i: abs(math.log(ratios[i] / ratio)))
        part = value[place * len(scales) * width : (place + 1) * len(scales) * width].clone()
        if width == 4 and key.endswith("bias"):
            # a box's log width and height count from the anchor's, which change by half the ratio's logarithm
            off = 0.5 * math.log(ratio / ratios[place])
            part.view(-1, 4)[:, 2:] += torch.tensor([off, -off])
        rows.append(part)
    return torch.cat(rows)
