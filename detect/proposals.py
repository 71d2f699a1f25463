"""Region-proposal network of torchvision with the box loss averaged over the boxes that carry it.

torchvision divides the box loss by all sampled anchors. With one small defect an image, nearly all of those are
background, and the boxes hardly learn within a short budget; averaged over the foreground alone they do.
"""

from collections import OrderedDict

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, concat_box_prediction_layers


class BalancedRpn(RegionProposalNetwork):  # type: ignore[misc]
    """torchvision's region-proposal network with the box loss averaged over foreground anchors."""

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Objectness (binary cross-entropy over the sampled anchors) and box loss (smooth L1 over foreground ones)."""
        positive_masks, negative_masks = self.fg_bg_sampler(labels)
        positive = torch.where(torch.cat(positive_masks))[0]
        sampled = torch.cat([positive, torch.where(torch.cat(negative_masks))[0]])
        all_labels, all_targets = torch.cat(labels), torch.cat(regression_targets)
        box_loss = functional.smooth_l1_loss(
            pred_bbox_deltas[positive], all_targets[positive], beta=1 / 9, reduction="sum"
        ) / max(4 * len(positive), 1)
        objectness_loss = functional.binary_cross_entropy_with_logits(
            objectness.flatten()[sampled], all_labels[sampled]
        )
        return objectness_loss, box_loss

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
            found: tuple[list[Tensor], list[Tensor]] = self.filter_proposals(boxes, scores, images.image_sizes, sizes)
        finally:
            self._pre_nms_top_n, self._post_nms_top_n = limits
        return found
