"""torchvision's Faster R-CNN, trained as its own `references/detection/train.py` does with default arguments.

Faster R-CNN as `fasterrcnn_resnet50_fpn` builds it: pyramid of 256 channels, anchors of 32 to 512 px in ratios 0.5, 1
and 2, 2,000 proposals, 512 RoIs, images scaled to at least 800 px; batch norm and the backbone's layers up to stride 4
stay as pretrained. The backbone is that of `detect.train --config standard`, with the same weights.

The recipe: images without boxes are left out; mirrored left to right with probability 0.5; batches of 2 of similar
shape; SGD with momentum 0.9, weight decay 1e-4 and learning rate 0.02 for 16 images; warm-up and decay by steps. The
last weights count. Only the box score threshold is lowered, from 0.05 to 0.001: a cut there makes ties in the AUC.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.models.detection import FasterRCNN
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool
from tqdm import tqdm

from data_tools.core.records import Prediction, Sample
from data_tools.files.images import read_gray, resolve_under
from data_tools.networks.backbones import Backbone, build_backbone, first_layers, freeze_statistics
from detect.compare_detectors.schedule import linear_rule, step_decay
from detect.compare_detectors.training import Recipe, device, to_prediction

LR, LR_IMAGES, MOMENTUM, WEIGHT_DECAY = 0.02, 16, 0.9, 1e-4
BATCH_SIZE, WARMUP_STEPS, SHAPE_FACTOR, FROZEN_TO_STRIDE = 2, 1000, 3, 4
SCORE_THRESHOLD = 0.001
BACKBONE = "tf_efficientnet_lite2"

Target = dict[str, Tensor]


def recipe(
    samples: Sequence[Sample], root: Path, num_classes: int, side: int | None = None, lr_share: float = 1.0
) -> Recipe:
    """The reference recipe on training samples.

    Args:
        samples: of the train split.
        root: folder that their paths are relative to.
        num_classes: without the background.
        side: if given, each image's longer side is scaled to it, instead of the shorter one to 800 px.
        lr_share: of the recipe's learning rate.
    """
    sizes: dict[str, Any] = {} if side is None else {"min_size": side, "max_size": side}
    network = faster_rcnn(BACKBONE, num_classes, box_score_thresh=SCORE_THRESHOLD, **sizes).to(device())
    dataset = BoxedImages(samples, root)
    batches = ShapeBatches([sample.size_hw for sample in dataset.samples], BATCH_SIZE)
    loader: DataLoader[Any] = DataLoader(dataset, batch_sampler=batches, collate_fn=separate)
    highest = lr_share * linear_rule(LR, LR_IMAGES, BATCH_SIZE)
    warmup = max(min(WARMUP_STEPS, len(loader) - 1), 1)
    return Recipe(
        network,
        loader,
        lambda batch: total_loss(network, batch),
        sgd(network, highest),
        lambda progress, step: highest * step_decay(progress, step, warmup),
        lambda chosen, folder: predict(network, chosen, folder),
        lambda batch: sum(_pixels(network, image) for image in batch[0]),
        settings={
            "model": "torchvision Faster R-CNN with pyramid",
            "backbone": f"{BACKBONE}, weights of the package",
            "input": "shorter side 800 px" if side is None else f"longer side {side} px",
            "batch_size": BATCH_SIZE,
            "lr": highest,
            "images": len(dataset),
            "left_out": len(samples) - len(dataset),
        },
    )


def faster_rcnn(
    backbone_name: str, num_classes: int, fpn_channels: int = 256, norm_learns: bool = False, **settings: Any
) -> FasterRCNN:
    """torchvision's detector on a backbone with its package's weights.

    Args:
        backbone_name: of timm.
        num_classes: without the background.
        fpn_channels: width of the pyramid.
        norm_learns: whether scale and shift of the batch norm learn, which torchvision freezes with the statistics.
        settings: keywords of torchvision's `FasterRCNN`.
    """
    backbone = build_backbone(backbone_name, "package")
    mean, std = backbone.mean.flatten().tolist(), backbone.std.flatten().tolist()
    pyramid = _Pyramid(backbone, fpn_channels, norm_learns)
    return FasterRCNN(pyramid, num_classes + 1, image_mean=mean, image_std=std, **settings)


def sgd(network: nn.Module, lr: float) -> torch.optim.SGD:
    """The reference's optimizer."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.SGD(learning, lr=lr, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)


def total_loss(network: nn.Module, batch: tuple[list[Tensor], list[Target]]) -> Tensor:
    """The sum of the detector's four losses of a batch."""
    images = [image.to(device()) for image in batch[0]]
    targets = [{name: value.to(device()) for name, value in target.items()} for target in batch[1]]
    losses: dict[str, Tensor] = network(images, targets)
    return torch.stack(list(losses.values())).sum()


@torch.inference_mode()
def predict(network: nn.Module, samples: Sequence[Sample], root: Path) -> list[Prediction]:
    """What the detector finds in each sample, in original pixels."""
    network.eval()
    predictions = []
    for sample in tqdm(samples, desc="predicting", leave=False):
        answer = network([read_rgb(root, sample).to(device())])[0]
        arrays = {name: value.cpu().numpy() for name, value in answer.items()}
        boxes, scores = arrays["boxes"].astype(np.float64), arrays["scores"].astype(np.float64)
        predictions.append(to_prediction(sample, boxes, scores, arrays["labels"]))
    return predictions


def read_rgb(root: Path, sample: Sample) -> Tensor:
    """(3, h, w) float32 in 0..1, the gray image repeated."""
    pixels = torch.from_numpy(np.array(read_gray(resolve_under(root, sample.path))))
    return pixels.expand(3, -1, -1).float() / 255


class BoxedImages(Dataset[tuple[Tensor, Target]]):
    """Images that have a box of more than one pixel each way, and no others, as the reference's `get_coco` keeps them.

    Half of them, by torch's random numbers, come mirrored.

    Args:
        samples: all of them.
        root: folder that their paths are relative to.
        keep_empty: keep images without boxes too.
    """

    def __init__(self, samples: Sequence[Sample], root: Path, keep_empty: bool = False) -> None:
        self.root = root
        self.samples = tuple(sample for sample in samples if keep_empty or _has_valid_box(sample))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        sample = self.samples[index]
        image, boxes = read_rgb(self.root, sample), torch.from_numpy(sample.boxes_xyxy.astype(np.float32))
        if float(torch.rand(())) < 0.5:
            image, boxes = image.flip(-1), boxes.clone()
            boxes[:, [0, 2]] = image.shape[-1] - boxes[:, [2, 0]]
        return image, {"boxes": boxes, "labels": torch.from_numpy(sample.labels.copy())}


class ShapeBatches(Sampler[list[int]]):
    """Batches in random order whose images have a similar shape, as the reference groups them.

    Aspect ratios are told apart by `2 * SHAPE_FACTOR + 1` edges from 1/2 to 2. A group's last batch is filled up with
    images of the group that come a second time.
    """

    def __init__(self, sizes_hw: Sequence[tuple[int, int]], batch_size: int) -> None:
        edges = (2.0 ** np.linspace(-1, 1, 2 * SHAPE_FACTOR + 1)).tolist()
        self.groups = [bisect_right(edges, width / height) for height, width in sizes_hw]
        self.batch_size = batch_size

    def __len__(self) -> int:
        return len(self.groups) // self.batch_size

    def __iter__(self) -> Iterator[list[int]]:
        waiting: dict[int, list[int]] = {}
        seen: dict[int, list[int]] = {}
        left = len(self)
        for index in torch.randperm(len(self.groups)).tolist():
            group = self.groups[index]
            waiting.setdefault(group, []).append(index)
            seen.setdefault(group, []).append(index)
            if len(waiting[group]) == self.batch_size:
                left -= 1
                yield waiting.pop(group)
        for group, rest in sorted(waiting.items(), key=lambda item: -len(item[1])):
            if left > 0:
                left -= 1
                needed = self.batch_size - len(rest)
                yield rest + (seen[group] * needed)[:needed]


def separate(items: Sequence[tuple[Tensor, Target]]) -> tuple[list[Tensor], list[Target]]:
    """Items -> images and targets; images keep their sizes, and the detector pads them."""
    return [image for image, _ in items], [target for _, target in items]


class _Pyramid(nn.Module):
    """Backbone and feature pyramid as torchvision's detector wants them; the statistics of batch norm are frozen."""

    def __init__(self, backbone: Backbone, channels: int, norm_learns: bool) -> None:
        super().__init__()
        for layer in first_layers(backbone, FROZEN_TO_STRIDE):
            layer.requires_grad_(False)
        for module in backbone.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and not norm_learns:
                module.requires_grad_(False)
        self.body, self.out_channels = backbone.body, channels
        self.fpn = FeaturePyramidNetwork(list(backbone.channels), channels, LastLevelMaxPool())

    def train(self, mode: bool = True) -> "_Pyramid":
        super().train(mode)
        freeze_statistics(self.body)
        return self

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        maps = OrderedDict((str(i), one) for i, one in enumerate(self.body(images)))
        pyramid: OrderedDict[str, Tensor] = self.fpn(maps)
        return pyramid


def _pixels(network: FasterRCNN, image: Tensor) -> float:
    """That the detector sees of an image after its own scaling, without padding."""
    height, width = image.shape[-2:]
    transform: Any = network.transform
    scale = min(transform.min_size[-1] / min(height, width), transform.max_size / max(height, width))
    return height * width * float(scale) ** 2


def _has_valid_box(sample: Sample) -> bool:
    sides = sample.boxes_xyxy[:, 2:] - sample.boxes_xyxy[:, :2]
    return bool((sides > 1).all(axis=1).any())
