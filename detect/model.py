"""Faster R-CNN with a feature pyramid (Ren et al. 2015; Lin et al. 2017) and an image-level head on the same features.

Built from torchvision's region-proposal network and RoI heads. Differences from torchvision's own detector: images keep
their size, images with unknown boxes teach the image head alone, and every image also gets a defect logit.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from data_tools.core.anchors import STRIDES, level_sizes
from data_tools.loading.batch import Batch
from data_tools.loading.sample_random import SampleDropout
from data_tools.networks.backbones import Backbone, first_layers, freeze_statistics
from data_tools.networks.pooling import max_pool, mean_pool
from data_tools.training import processes
from detect.box_heads import BoxHead, BoxHeads
from detect.config import DetectorConfig
from detect.detections import Detections
from detect.losses import sum_and_count
from detect.proposals import BalancedRpn, Draws, SampleSampler
from detect.roi_pooling import PyramidPool

_NAMES = ("p2", "p3", "p4", "p5")
_RPN_LOSSES = ("loss_objectness", "loss_rpn_box_reg")
_PAD_TO = 32
_POOLED = 7  # cells a side of a box
_CHANNELS_A_GROUP = 8
_ANCHORS_SAMPLED, _POSITIVE_ANCHORS = 64, 0.5  # an image
_POSITIVE_ROIS = 0.25  # at most this share of a box head's samples holds a defect
_LINEAR_LAYERS = 2  # of a box head
# of each box head in a row: which overlap makes a proposal foreground, and its units of a box's place and log size
_STAGES = ((0.5, (10.0, 10.0, 5.0, 5.0)), (0.6, (20.0, 20.0, 10.0, 10.0)), (0.7, (30.0, 30.0, 15.0, 15.0)))


@dataclass(frozen=True)
class RawDetections:
    """What the network says of one image, boxes in input pixels, best first.

    Attributes:
        boxes_xyxy: (n, 4); scores: (n,) in 0..1; labels: (n,) class ids from 1.
        image_logit: of the image-level head.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    image_logit: float

    def as_arrays(self) -> Detections:
        """The same as numpy arrays, without gradients."""
        boxes, scores, labels = (one.detach().cpu() for one in (self.boxes_xyxy, self.scores, self.labels))
        return Detections(boxes.float().numpy(), scores.float().numpy(), labels.numpy(), self.image_logit)


class ImageHead(nn.Module):
    """Mean and maximum of the backbone's last map and of the three finer pyramid levels, dropout, one linear layer.

    Its outputs are a logit of a defect, and one of each type of image if there are types to tell.

    The backbone's map brings what pretraining knows of whole images; the maximum of the pyramid's maps lets one small
    defect speak for the image, where the mean would drown it.
    """

    def __init__(self, backbone_channels: int, pyramid_channels: int, types: int) -> None:
        super().__init__()
        self.dropout = SampleDropout(0.2)
        self.linear = nn.Linear(2 * backbone_channels + 6 * pyramid_channels, 1 + types)

    def forward(
        self,
        last: Tensor,
        pyramid: Sequence[Tensor],
        generators: Sequence[torch.Generator] | None = None,
        own_hw: Sequence[tuple[int, int]] = (),
        padded_hw: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """The last map (n, c, h, w) and four or more pyramid levels (n, p, h', w'), finest first -> (n, 1 + types).

        Training takes a generator an image, for the dropout; see `mean_pool` for images that are padded.
        """
        pools = (mean_pool, max_pool)
        pooled = [pool(maps, own_hw, padded_hw) for maps in (last, *pyramid[1:4]) for pool in pools]
        logits: Tensor = self.linear(self.dropout(torch.cat(pooled, dim=1), generators))
        return logits


class Detector(nn.Module):
    """Backbone, feature pyramid, region-proposal network, box head and image head.

    Args:
        backbone: with maps of strides 4, 8, 16 and 32.
        config: see `DetectorConfig`; anchors to be fitted are fitted before (`core.anchors.resolve_anchors`).
        num_classes: without the background.
        types: names of the types of images, good ones among them, that it learns to tell; empty for none.
    """

    def __init__(self, backbone: Backbone, config: DetectorConfig, num_classes: int, types: Sequence[str] = ()) -> None:
        super().__init__()
        if backbone.strides != STRIDES[:4]:
            raise ValueError(f"the backbone must have strides {STRIDES[:4]}, not {backbone.strides}")
        width = config.fpn_channels
        self.config, self.backbone, self.types = config, backbone, tuple(types)
        for layer in first_layers(backbone, config.frozen_to_stride):
            layer.requires_grad_(False)
        self.fpn = FeaturePyramidNetwork(list(backbone.channels), width, LastLevelMaxPool(), _norm(config))
        self.draws = Draws()
        self.rpn = _build_rpn(config, self.draws)
        self.box_heads = _build_box_heads(config, num_classes, self.draws)
        self.image_head = ImageHead(backbone.channels[-1], width, len(self.types))

    def train(self, mode: bool = True) -> "Detector":
        """Training mode; frozen batch norm stays in evaluation mode."""
        super().train(mode)
        if self.config.batch_norm == "frozen":
            freeze_statistics(self.backbone)
        for layer in first_layers(self.backbone, self.config.frozen_to_stride):
            freeze_statistics(layer)
        return self

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of each part as scalars. Call in training mode.

        Unboxed images count for the image head alone, and windows of images for all but that. Each loss is a mean over
        all processes' images, anchors or proposals, weighed as `processes.average` says.
        """
        generators = batch.generators()
        images, maps, logits = self._features(batch, generators)
        whole = batch.whole
        defect = functional.binary_cross_entropy_with_logits(logits[whole, 0], batch.defect[whole], reduction="sum")
        parts = {"image": sum_and_count(self.config.losses.image * defect, int(whole.sum()))}
        if self.types:
            parts["type"] = self._type_loss(batch, logits)
        known = [i for i, unboxed in enumerate(batch.unboxed.tolist()) if not unboxed]
        parts |= self._box_losses(batch, images, maps, generators, known) if known else self._no_box_losses()
        counts = processes.average(torch.stack([part[1] for part in parts.values()]))
        return {name: part[0] / n for (name, part), n in zip(parts.items(), counts.clamp(min=1e-6), strict=True)}

    def _type_loss(self, batch: Batch, logits: Tensor) -> Tensor:
        """Sum and count over the images whose type is known."""
        known = [i for i, name in enumerate(batch.types) if name in self.types]
        places = [self.types.index(batch.types[i]) for i in known]
        true = torch.tensor(places, dtype=torch.int64, device=logits.device)
        loss = functional.cross_entropy(logits[known, 1:].float(), true, reduction="sum")
        return sum_and_count(self.config.losses.type * loss, len(known))

    def _box_losses(
        self,
        batch: Batch,
        images: ImageList,
        maps: "OrderedDict[str, Tensor]",
        generators: Sequence[torch.Generator],
        known: Sequence[int],
    ) -> dict[str, Tensor]:
        """Sums and counts over the images whose boxes are known."""
        if len(known) < len(batch.sizes_hw):
            maps = OrderedDict((name, value[known]) for name, value in maps.items())
            images = ImageList(images.tensors[known], [images.image_sizes[i] for i in known])
        targets = [batch.targets[i] for i in known]
        own = [generators[i] for i in known]
        with self.draws.of(own):
            proposals, rpn_losses = self.rpn(images, maps, targets)
            head_losses = self.box_heads.losses(maps, proposals, images.image_sizes, targets, own)
        losses: dict[str, Tensor] = rpn_losses
        return losses | head_losses

    def _no_box_losses(self) -> dict[str, Tensor]:
        """Sums of 0 over 0 things; every parameter has a gradient, as other processes wait for it."""
        nothing = 0.0 * torch.stack([p.sum() for part in (self.rpn, self.box_heads) for p in part.parameters()]).sum()
        names = [name for place in range(self.config.heads.count) for name in BoxHeads.loss_names(place)]
        return dict.fromkeys([*_RPN_LOSSES, *names], sum_and_count(nothing, 0))

    def detect(self, batch: Batch) -> list[RawDetections]:
        """Detections of each image; call in evaluation mode."""
        images, maps, logits = self._features(batch)
        proposals, _ = self.rpn(images, maps)
        detections = self.box_heads(maps, proposals, images.image_sizes)
        return [
            RawDetections(one["boxes"], one["scores"], one["labels"], logit)
            for one, logit in zip(detections, logits[:, 0].tolist(), strict=True)
        ]

    def propose(self, batch: Batch, count: int) -> list[RawDetections]:
        """At most `count` region proposals of each image, all of class 1; call in evaluation mode."""
        images, maps, logits = self._features(batch)
        proposals = zip(*self.rpn.propose(images, maps, count), logits[:, 0].tolist(), strict=True)
        return [
            RawDetections(boxes, scores, torch.ones(len(boxes), dtype=torch.int64), logit)
            for boxes, scores, logit in proposals
        ]

    def take_pyramid(self) -> bool:
        """Start from the feature pyramid that came with the backbone's weights; False if there is none that fits."""
        own, given = self.fpn.state_dict(), self.backbone.pyramid
        fits = own.keys() == given.keys() and all(given[key].shape == value.shape for key, value in own.items())
        if fits:
            self.fpn.load_state_dict(given)
        return fits

    def parts(self) -> dict[str, nn.Module]:
        """Parts by name, for the table at the start."""
        return {
            "backbone": self.backbone,
            "feature pyramid": self.fpn,
            "region proposals": self.rpn,
            "box heads": self.box_heads,
            "image head": self.image_head,
        }

    def _features(
        self, batch: Batch, generators: Sequence[torch.Generator] | None = None
    ) -> tuple[ImageList, "OrderedDict[str, Tensor]", Tensor]:
        """The padded images, their pyramid, and the image head's outputs."""
        # anchors are laid out by image size // map size, which is the stride only if the image is a multiple of it
        height, width = _whole_cells((batch.images.shape[2], batch.images.shape[3]))
        padded = batch.padded_to(height, width)
        images = padded.images.contiguous(memory_format=torch.channels_last)
        features = OrderedDict(zip(_NAMES, self.backbone(images), strict=True))
        pyramid = OrderedDict(self.fpn(features))
        own = [_whole_cells(size_hw) for size_hw in batch.sizes_hw]
        logits = self.image_head(features[_NAMES[-1]], list(pyramid.values()), generators, own, (height, width))
        return ImageList(images, list(batch.sizes_hw)), pyramid, logits


class FullPrecisionRpnHead(RPNHead):  # type: ignore[misc]
    """torchvision's head with float32 output under autocast.

    torchvision decodes boxes in the precision of the deltas, and bfloat16 knows whole pixels at best above 128.
    """

    def forward(self, maps: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Objectness and box deltas of each level."""
        objectness, deltas = super().forward(maps)
        return [one.float() for one in objectness], [one.float() for one in deltas]


class FullPrecisionPredictor(FastRCNNPredictor):  # type: ignore[misc]
    """torchvision's box predictor with float32 output under autocast, for the same reason."""

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(n, classes) logits and (n, 4 * classes) box deltas."""
        logits, deltas = super().forward(features)
        return logits.float(), deltas.float()


def _whole_cells(size_hw: tuple[int, int]) -> tuple[int, int]:
    height, width = size_hw
    return height + -height % _PAD_TO, width + -width % _PAD_TO


def _norm(config: DetectorConfig) -> Callable[[int], nn.Module] | None:
    if config.norm == "none":
        return None
    return lambda channels: nn.GroupNorm(max(channels // _CHANNELS_A_GROUP, 1), channels)


def _build_rpn(config: DetectorConfig, draws: Draws) -> BalancedRpn:
    sizes = level_sizes(config.anchors, STRIDES)
    anchors = AnchorGenerator(sizes, (config.anchors.decided_ratios,) * len(sizes))
    head = FullPrecisionRpnHead(config.fpn_channels, anchors.num_anchors_per_location()[0])
    kept = config.sampling.proposals
    return BalancedRpn(
        anchors,
        head,
        sampler=SampleSampler(_ANCHORS_SAMPLED, _POSITIVE_ANCHORS, draws),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.3,
        pre_nms_top_n={"training": 3 * kept, "testing": 3 * kept},
        post_nms_top_n={"training": kept, "testing": kept},
        nms_thresh=0.7,
    )


def _build_box_heads(config: DetectorConfig, num_classes: int, draws: Draws) -> BoxHeads:
    width, channels = config.fpn_channels, config.heads.channels
    heads = [
        BoxHead(
            PyramidPool(STRIDES[: len(_NAMES)], _NAMES, _POOLED),
            FastRCNNConvFCHead((width, _POOLED, _POOLED), [], [channels] * _LINEAR_LAYERS, None),
            FullPrecisionPredictor(channels, num_classes + 1),
            sampler=SampleSampler(config.sampling.rois, _POSITIVE_ROIS, draws),
            fg_iou_thresh=foreground,
            bg_iou_thresh=foreground,
            bbox_reg_weights=units,
            score_thresh=config.prediction.score_threshold,
            nms_thresh=config.prediction.nms_iou,
            detections_per_img=config.prediction.detections,
        )
        for foreground, units in _STAGES[: config.heads.count]
    ]
    return BoxHeads(heads, config.sampling.jittered)
