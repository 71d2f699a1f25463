"""A loss that tells the classifier where the defect is: its own class-activation map against the boxes.

With global average pooling and one linear layer the logit is the mean over the cells of weights times activations, plus
the bias. That product, the evidence of a cell, is the class-activation map; it needs no backward pass and can itself be
learned from.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from data_tools.loading.batch import Batch
from data_tools.networks.pooling import own_cells
from data_tools.training import processes

_LEAST = 1e-12


def evidence_map(activations: Tensor, weights: Tensor) -> Tensor:
    """(n, c, rows, columns) activations of the pooled layer and (c,) weights -> (n, rows, columns) logit units."""
    # not einsum, which would compute in half precision under autocast
    return (activations.float() * weights.float().view(1, -1, 1, 1)).sum(dim=1)


def cam_loss(evidence: Tensor, batch: Batch, stride: int) -> Tensor:
    """Mean over the images that say where evidence belongs: `outside_boxes` for boxed and `unevenness` for good ones.

    Defects without an annotated area say nothing and do not count. A scalar; 0 for a batch of such images alone. The
    mean is over all processes' images, weighed as `processes.average` says.

    Args:
        evidence: (n, rows, columns) as `evidence_map` gives it, over the padded images.
        batch: its boxes, statuses and sizes.
        stride: of the map. An image has the cells that it would have alone, and they lie as its map is drawn, evenly.
    """
    padded_hw, grid_hw = _pair(batch.images.shape[2:]), _pair(evidence.shape[1:])
    terms = []
    for cells, size_hw, target, defect in zip(evidence, batch.sizes_hw, batch.targets, batch.defect, strict=True):
        own, boxes = own_cells(size_hw, padded_hw, grid_hw, stride), target["boxes"]
        visible = cells[: own[0], : own[1]]
        if len(boxes):
            terms.append(outside_boxes(visible, cells_of_boxes(boxes, size_hw, own)))
        elif not bool(defect):
            terms.append(unevenness(visible))
    total = torch.stack(terms).sum() if terms else evidence.sum() * 0.0
    return total / processes.average(total.new_tensor(float(len(terms)))).clamp(min=1e-6)


def outside_boxes(evidence: Tensor, inside: Tensor) -> Tensor:
    """Minus the logarithm of the share of the softmax over all cells that lies in boxes; 0 at best.

    Pointing as a choice among the cells, learned by cross-entropy. What all cells have in common does not matter, so
    it leaves the image's logit free. A flat map is wrong here: where positive evidence alone counts, as in the
    energy-based pointing game, a map without any has no loss, and training ends there.

    Args:
        evidence, inside: (rows, columns); `inside` in 0..1 as `cells_of_boxes` gives it.
    """
    weights = inside.clamp_min(_LEAST).log()
    return torch.logsumexp(evidence.flatten(), 0) - torch.logsumexp((evidence + weights).flatten(), 0)


def unevenness(evidence: Tensor) -> Tensor:
    """Mean excess of a (rows, columns) map's cells over their mean, in logit units; 0 exactly for a flat map."""
    return (evidence - evidence.mean()).relu().mean()


def cells_of_boxes(boxes_xyxy: Tensor, size_hw: tuple[int, int], grid_hw: tuple[int, int]) -> Tensor:
    """(rows, columns) in 0..1: 1 for the cell a box covers most, for others their coverage in relation to that one.

    So a box smaller than a cell can be pointed at perfectly too, and every box counts alike.

    Args:
        boxes_xyxy: (m, 4) in pixels of the input, m >= 1.
        size_hw: height and width of the input.
        grid_hw: rows and columns of its map.
    """
    across = _overlap(boxes_xyxy[:, 0], boxes_xyxy[:, 2], size_hw[1], grid_hw[1])
    down = _overlap(boxes_xyxy[:, 1], boxes_xyxy[:, 3], size_hw[0], grid_hw[0])
    covered = down[:, :, None] * across[:, None, :]
    most = covered.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12)
    return (covered / most).amax(dim=0)


def _overlap(low: Tensor, high: Tensor, pixels: int, cells: int) -> Tensor:
    """(m,) spans -> (m, cells) pixels that each shares with each cell."""
    edges = torch.linspace(0.0, float(pixels), cells + 1, device=low.device)
    return (torch.minimum(high[:, None], edges[1:]) - torch.maximum(low[:, None], edges[:-1])).clamp(min=0.0)


def _pair(shape: Sequence[int]) -> tuple[int, int]:
    return int(shape[0]), int(shape[1])
