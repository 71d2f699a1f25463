"""One image as the networks see it, and several stacked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from data_tools.loading.sample_random import generators_of


@dataclass(frozen=True)
class Item:
    """One image as the networks see it.

    Attributes:
        index: place in the dataset's samples.
        image: (1, h, w) float32 in 0..1, or about that where it is standardised, at input size; (2, h, w) with the
            difference from the reference behind it, in -1..1, where there is one.
        boxes_xyxy: (n, 4) float32, in input pixels.
        labels: (n,) int64 class ids from 1.
        defect: 1.0 for a defect image, with or without boxes, else 0.0.
        unboxed: whether the boxes are unknown or all lost, so that the image says nothing about where there is no
            defect.
        boxes_lost: how many boxes preprocessing and augmentation dropped.
        whole: False if a random window of the image was to be shown.
        type: the image's defect type by name, "good" if it has no defect; "" where that is not known, as of a window,
            which may show the defect or not, and of a good image with a pasted defect.
    """

    index: int
    image: Tensor
    boxes_xyxy: Tensor
    labels: Tensor
    defect: float
    unboxed: bool
    boxes_lost: int
    whole: bool = True
    type: str = ""


@dataclass(frozen=True)
class Batch:
    """Items stacked; smaller images are padded with black at the right and bottom.

    Attributes:
        images: (n, 3, h, w) float32 as the items'; the three channels are views of the gray one, so clone before
            writing. (n, 4, h, w) with the difference from the reference as the last channel, where there is one.
        sizes_hw: each image's height and width before padding.
        targets: one dictionary an image with "boxes" (m, 4) and "labels" (m,), as torchvision's detectors take them.
        defect: (n,) float32, 1.0 for a defect.
        unboxed, whole: (n,) bool.
        indices: (n,) place in the dataset's samples.
        types: (n,) by name, as the items'.
        boxes_lost: of all items.
        seed: of the random numbers that a training step draws for these images.
        place: of the first image in the whole batch, of which each of several processes holds a part.
    """

    images: Tensor
    sizes_hw: tuple[tuple[int, int], ...]
    targets: tuple[dict[str, Tensor], ...]
    defect: Tensor
    unboxed: Tensor
    whole: Tensor
    indices: tuple[int, ...]
    types: tuple[str, ...] = ()
    boxes_lost: int = 0
    seed: int = 0
    place: int = 0

    def generators(self) -> list[torch.Generator]:
        """One for each image, each time at its beginning: the same however many processes share the batch."""
        return generators_of(self.seed, self.place, len(self.indices), self.images.device)

    def padded_to(self, height: int, width: int) -> "Batch":
        """The same batch with more black at the right and bottom."""
        more = (0, width - self.images.shape[3], 0, height - self.images.shape[2])
        return replace(self, images=torch.nn.functional.pad(self.images, more)) if any(more) else self

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        targets = tuple({name: value.to(device) for name, value in target.items()} for target in self.targets)
        return replace(
            self,
            images=self.images.to(device),
            targets=targets,
            defect=self.defect.to(device),
            unboxed=self.unboxed.to(device),
            whole=self.whole.to(device),
        )


def collate(items: Sequence[Item]) -> Batch:
    """Stack items into a `Batch`."""
    sizes = tuple((int(item.image.shape[1]), int(item.image.shape[2])) for item in items)
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    images = torch.zeros(len(items), len(items[0].image), height, width)
    for row, item in zip(images, items, strict=True):
        row[:, : item.image.shape[1], : item.image.shape[2]] = item.image
    return Batch(
        images=images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, [0, 0, 0, 1]],
        sizes_hw=sizes,
        targets=tuple({"boxes": item.boxes_xyxy, "labels": item.labels} for item in items),
        defect=torch.tensor([item.defect for item in items]),
        unboxed=torch.tensor([item.unboxed for item in items]),
        whole=torch.tensor([item.whole for item in items]),
        indices=tuple(item.index for item in items),
        types=tuple(item.type for item in items),
        boxes_lost=sum(item.boxes_lost for item in items),
    )
