"""Region-proposal network of torchvision with the box loss averaged over the boxes that carry it.

torchvision divides the box loss by all sampled anchors. With one small defect an image, nearly all of those are
background, and the boxes hardly learn within a short budget; averaged over the foreground alone they do.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers

from detect.losses import box_loss, objectness_loss


class Draws:
    """Each image's random numbers for the samplers of one training step: given before, taken in it, gone after it."""

    def __init__(self) -> None:
        self._generators: Sequence[torch.Generator] | None = None

    @contextmanager
    def of(self, generators: Sequence[torch.Generator]) -> Iterator[None]:
        """Samplers draw from these, one an image, inside."""
        self._generators = generators
        try:
            yield
        finally:
            self._generators = None

    @property
    def generators(self) -> Sequence[torch.Generator]:
        """Of the images at hand.

        Raises:
            RuntimeError: outside of `of`.
        """
        if self._generators is None:
            raise RuntimeError("boxes are sampled inside `Draws.of` alone, which says whose random numbers to take")
        return self._generators


class SampleSampler(BalancedPositiveNegativeSampler):  # type: ignore[misc]
    """torchvision's sampler with each image's random numbers from its own generator.

    Args:
        batch_size_per_image, positive_fraction: torchvision's.
        draws: where the generators come from.
    """

    def __init__(self, batch_size_per_image: int, positive_fraction: float, draws: Draws) -> None:
        super().__init__(batch_size_per_image, positive_fraction)
        self.draws = draws

    def __call__(self, matched: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks of the sampled positives (labels >= 1) and negatives (label 0) of each image."""
        pairs = [self._sample(labels, one) for labels, one in zip(matched, self.draws.generators, strict=True)]
        return [positive for positive, _ in pairs], [negative for _, negative in pairs]

    def _sample(self, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        positive, negative = torch.where(labels >= 1)[0], torch.where(labels == 0)[0]
        n_positive = min(len(positive), int(self.batch_size_per_image * self.positive_fraction))
        n_negative = min(len(negative), self.batch_size_per_image - n_positive)
        return (
            _mask(labels, positive, n_positive, generator),
            _mask(labels, negative, n_negative, generator),
        )


class BalancedRpn(RegionProposalNetwork):  # type: ignore[misc]
    """torchvision's region-proposal network with the box loss averaged over foreground anchors.

    Args:
        sampler: of the anchors that a training step learns from.
        options: torchvision's arguments, of which the sampler's own are given by it.
    """

    def __init__(self, *positional: Any, sampler: SampleSampler, **options: Any) -> None:
        batch = {"batch_size_per_image": sampler.batch_size_per_image, "positive_fraction": sampler.positive_fraction}
        super().__init__(*positional, **batch, **options)
        self.fg_bg_sampler = sampler

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Objectness loss of the sampled anchors and box loss of the foreground ones, each as `sum_and_count`."""
        positive_masks, negative_masks = self.fg_bg_sampler(labels)
        positive = torch.where(torch.cat(positive_masks))[0]
        sampled = torch.cat([positive, torch.where(torch.cat(negative_masks))[0]])
        all_labels, all_targets = torch.cat(labels), torch.cat(regression_targets)
        objectness = objectness_loss(objectness.flatten()[sampled], all_labels[sampled])
        boxes = box_loss(pred_bbox_deltas[positive], all_targets[positive])
        return objectness, boxes

    def propose(
        self, images: ImageList, features: "OrderedDict[str, Tensor]", count: int
    ) -> tuple[list[Tensor], list[Tensor]]:
        """At most `count` proposals an image with their objectness in 0..1, best first, after suppression."""
        maps = list(features.values())
        objectness, deltas = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        sizes = [one.shape[1] * one.shape[2] * one.shape[3] for one in objectness]
        scores, offsets = concat_box_prediction_layers(objectness, deltas)
        boxes = self.box_coder.decode(offsets.detach(), anchors).view(len(anchors), -1, 4)
        limits: tuple[dict[str, int], dict[str, int]] = (self._pre_nms_top_n, self._post_nms_top_n)  # type: ignore[has-type]
        try:
            self._pre_nms_top_n = dict.fromkeys(limits[0], 3 * count)
            self._post_nms_top_n = dict.fromkeys(limits[1], count)
            proposals: tuple[list[Tensor], list[Tensor]] = self.filter_proposals(
                boxes, scores, images.image_sizes, sizes
            )
        finally:
            self._pre_nms_top_n, self._post_nms_top_n = limits
        return proposals


def _mask(labels: Tensor, among: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """uint8 mask of `count` random ones of the places `among`."""
    mask = torch.zeros_like(labels, dtype=torch.uint8)
    mask[among[torch.randperm(len(among), generator=generator, device=among.device)[:count]]] = 1
    return mask
