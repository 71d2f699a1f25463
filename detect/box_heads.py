"""Box heads in a row, each judging and refining the boxes of the one before (Cai & Vasconcelos, Cascade R-CNN, 2018).

Each is torchvision's box head with the box loss averaged over the foreground boxes, for the reason given in
`detect.proposals`. A later head calls a box foreground only if it fits better, so it learns to tell a box that holds
the whole defect from one that holds a part, which a single head cannot.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import clip_boxes_to_image

from detect.losses import box_loss, class_loss
from detect.proposals import SampleSampler

Maps = OrderedDict[str, Tensor]
Sizes = Sequence[tuple[int, int]]
_LOSS_WEIGHTS = (1.0, 0.5, 0.25)
_SHIFT, _STRETCH = 0.35, 0.6  # at most so much of a side, and of its logarithm


class BoxHead(RoIHeads):  # type: ignore[misc]
    """One box head: classifies boxes and moves them.

    Args:
        sampler: of the boxes that a training step learns from.
        options: torchvision's arguments, of which the sampler's own are given by it.
    """

    def __init__(self, *positional: Any, sampler: SampleSampler, **options: Any) -> None:
        batch = {"batch_size_per_image": sampler.batch_size_per_image, "positive_fraction": sampler.positive_fraction}
        super().__init__(*positional, **batch, **options)
        self.fg_bg_sampler = sampler

    def forward_boxes(self, maps: Maps, boxes: list[Tensor], sizes_hw: Sizes) -> tuple[Tensor, Tensor]:
        """Logits (n, classes) and box deltas (n, classes, 4) of all images' boxes, the background being class 0."""
        logits, deltas = self.box_predictor(self.box_head(self.box_roi_pool(maps, boxes, list(sizes_hw))))
        return logits, deltas.reshape(len(deltas), logits.shape[1], 4)

    def losses(
        self, logits: Tensor, deltas: Tensor, labels: list[Tensor], box_targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Class loss of all boxes and box loss of the foreground ones, each as `sum_and_count`.

        Args:
            logits, deltas: from `forward_boxes`.
            labels, box_targets: of each image's boxes: (n,) class ids and (n, 4) deltas.
        """
        all_labels, all_targets = torch.cat(labels), torch.cat(box_targets)
        positive = torch.where(all_labels > 0)[0]
        chosen = deltas[positive, all_labels[positive]]
        boxes = box_loss(chosen, all_targets[positive])
        return class_loss(logits, all_labels), boxes

    @torch.no_grad()
    def moved(self, boxes: list[Tensor], logits: Tensor, deltas: Tensor, sizes_hw: Sizes) -> list[Tensor]:
        """Each image's boxes where this head puts them, for their likeliest class, cut to the image."""
        likeliest = logits[:, 1:].argmax(dim=1) + 1
        chosen = deltas[torch.arange(len(deltas), device=deltas.device), likeliest]
        moved = self.box_coder.decode(chosen, boxes).reshape(-1, 4)
        parts = moved.split([len(one) for one in boxes])
        return [clip_boxes_to_image(one, size) for one, size in zip(parts, sizes_hw, strict=True)]


class BoxHeads(nn.Module):
    """A row of box heads; one alone is Faster R-CNN.

    Args:
        heads: at most 3, each stricter about what is foreground than the one before.
        jittered: shaken copies of each true box that join the proposals in training, see `shaken`.
    """

    def __init__(self, heads: Sequence[BoxHead], jittered: int = 0) -> None:
        super().__init__()
        self.heads, self.jittered = nn.ModuleList(heads), jittered

    def row(self) -> list[BoxHead]:
        """The heads in their order."""
        return [cast(BoxHead, head) for head in self.heads]

    def losses(
        self,
        maps: Maps,
        proposals: list[Tensor],
        sizes_hw: Sizes,
        targets: list[dict[str, Tensor]],
        generators: Sequence[torch.Generator],
    ) -> dict[str, Tensor]:
        """Both losses of each head as `sum_and_count`, later heads with less weight, as in the paper's implementation.

        Args:
            maps: of the pyramid.
            proposals, sizes_hw, targets: of each image.
            generators: of each image's random numbers.
        """
        parts: dict[str, Tensor] = {}
        boxes, row = proposals, self.row()
        if self.jittered:
            rows = zip(proposals, targets, sizes_hw, generators, strict=True)
            boxes = [
                torch.cat([one, shaken(target["boxes"], self.jittered, size, draws)])
                for one, target, size, draws in rows
            ]
        for place, (head, weight) in enumerate(zip(row, _LOSS_WEIGHTS, strict=False)):
            boxes, _, labels, box_targets = head.select_training_samples(boxes, targets)
            logits, deltas = head.forward_boxes(maps, boxes, sizes_hw)
            losses = head.losses(logits, deltas, labels, box_targets)
            for name, loss in zip(self.loss_names(place), losses, strict=True):
                parts[name] = loss * loss.new_tensor([weight, 1.0])
            if place + 1 < len(row):
                boxes = head.moved(boxes, logits, deltas, sizes_hw)
        return parts

    @staticmethod
    def loss_names(place: int) -> tuple[str, str]:
        """What the losses of the head at that place in the row are called."""
        suffix = "" if place == 0 else f"_{place + 1}"
        return f"loss_classifier{suffix}", f"loss_box_reg{suffix}"

    def forward(self, maps: Maps, proposals: list[Tensor], sizes_hw: Sizes) -> list[dict[str, Tensor]]:
        """Of each image "boxes" (n, 4), "scores" (n,) and "labels" (n,), best first, after suppression.

        The last head's boxes with the mean of all heads' class probabilities.
        """
        boxes, probabilities, row = proposals, [], self.row()
        for place, head in enumerate(row):
            logits, deltas = head.forward_boxes(maps, boxes, sizes_hw)
            probabilities.append(logits.softmax(dim=1))
            if place + 1 < len(row):
                boxes = head.moved(boxes, logits, deltas, sizes_hw)
        # the log of a probability is a logit of the same probability
        logits = torch.stack(probabilities).mean(dim=0).clamp_min(1e-12).log()
        detections = zip(*row[-1].postprocess_detections(logits, deltas.flatten(1), boxes, list(sizes_hw)), strict=True)
        return [dict(zip(("boxes", "scores", "labels"), one, strict=True)) for one in detections]


def shaken(boxes_xyxy: Tensor, copies: int, size_hw: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Copies (n * copies, 4) of boxes (n, 4), moved and stretched at random and cut to the image.

    The region proposals of the first epochs seldom fit a small defect, so a box head would see few boxes to move and
    few that hold a part of a defect. These fit it well, hardly, and in part (as the noised boxes of Li et al., DN-DETR,
    CVPR 2022).
    """
    many = boxes_xyxy.repeat_interleave(copies, dim=0)
    sides = many[:, 2:] - many[:, :2]
    noise = torch.rand(2, *sides.shape, generator=generator, device=many.device) * 2 - 1
    centres = (many[:, :2] + many[:, 2:]) / 2 + _SHIFT * noise[0] * sides
    half = sides * torch.exp(_STRETCH * noise[1]) / 2
    cut: Tensor = clip_boxes_to_image(torch.cat([centres - half, centres + half], dim=1), size_hw)
    return cut
