"""The torch dataset, its samplers and its collate function: one for both tasks.

A sampler yields keys `(epoch, index)`, and all randomness of a sample comes from (seed, epoch, index). So a sample does
not depend on the number of workers or on what was loaded before it, and the dataset keeps no state between epochs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.files.images import read_gray, resolve_under
from data_tools.loading.copy_paste import Paster
from data_tools.loading.resizing import resize
from data_tools.loading.sample_random import generators_of
from data_tools.loading.transforms import Augmentation, AugmentConfig, PreprocessConfig, Preprocessing
from data_tools.loading.windows import clipped, random_window, visible_share

Key = tuple[int, int]
_WINDOW_BATCHES = 6
_COARSEST = 32
# mean and standard deviation of a standardised image, about those of photographs; the last keeps faint noise faint
_MEAN, _SPREAD, _LEAST_SPREAD = 0.45, 0.2, 0.02


@dataclass(frozen=True)
class InputConfig:
    """What the networks see.

    Attributes:
        size_hw: height and width that every image is resized to; null keeps each image at its native size.
        max_pixels: larger images are shrunk to about so many pixels, keeping their shape up to rounding: both sides
            become multiples of 32, the coarsest stride, so that no pixel is spent on padding; null shrinks none.
        scale: both sides become so many times what the other settings make them, as multiples of 32.
        standardize: shift and stretch the gray levels of each image to the same mean and spread, so that neither the
            light nor the lot shows. It comes last, after augmentation.
        augment: see `AugmentConfig`.
        preprocess: see `PreprocessConfig`; comes before the resizing.
    """

    size_hw: tuple[int, int] | None = None
    max_pixels: int | None = None
    scale: float = 1.0
    standardize: bool = False
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)

    def __post_init__(self) -> None:
        if not 0.0 < self.scale < math.inf:
            raise InputError(f"input.scale must be a positive number, not {self.scale}")

    def target_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """Height and width at which an image of that original height and width is seen, before padding."""
        height, width = self._unscaled_hw(size_hw)
        if self.scale == 1.0:
            return height, width
        return in_strides(height * self.scale), in_strides(width * self.scale)

    def _unscaled_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        if self.size_hw is not None:
            return self.size_hw
        x1, y1, x2, y2 = self.preprocess.window(size_hw)
        height, width = y2 - y1, x2 - x1
        if self.max_pixels is None or height * width <= self.max_pixels:
            return height, width
        scale = (self.max_pixels / (height * width)) ** 0.5
        return in_strides(height * scale), in_strides(width * scale)


@dataclass(frozen=True)
class Item:
    """One image as the networks see it.

    Attributes:
        index: place in the dataset's samples.
        image: (1, h, w) float32 in 0..1, or about that where it is standardised, at input size.
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
            writing.
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


class DefectDataset(TorchDataset[Item]):
    """Gray images with boxes and labels.

    Args:
        samples: what to load.
        images_root: folder that the samples' paths are relative to.
        config: preprocessing, input size and, where there is an `augmentation`, zoom; None leaves every image as it is.
        augmentation: None for validation and test.
        seed: of augmentation and pasting.
        paster: lays defects on good images; None leaves them as they are.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        images_root: Path,
        config: InputConfig | None = None,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        paster: Paster | None = None,
    ) -> None:
        self.samples, self.images_root, self.config = tuple(samples), images_root, config or InputConfig()
        self.augmentation, self.seed, self.paster = augmentation, seed, paster
        self.preprocessing = Preprocessing(self.config.preprocess)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Item:
        """Load one item.

        Raises:
            InputError: unreadable image, or its size is not the annotated one.
        """
        epoch, index = key
        sample = self.samples[index]
        zoom = self._zoom_of(sample, key)
        image, boxes, rows = self._at_input_size(sample, zoom)
        labels, lost = sample.labels[rows], len(sample.labels) - len(rows)
        if self.paster is not None and sample.status == GOOD:
            pasted = self.paster(image, self._at_input_size, np.random.default_rng((self.seed, epoch, index)))
            image, boxes, labels = pasted or (image, boxes, labels)
        if self.augmentation is not None:
            seed = int(np.random.SeedSequence((self.seed, epoch, index)).generate_state(1)[0])
            image, boxes, fewer = self.augmentation(image, boxes, seed)
            lost += fewer
        pixels = image.astype(np.float32) / np.float32(255)
        if self.config.standardize:
            pixels = standardized(pixels)
        unboxed = sample.is_defect and not len(boxes)
        defect = sample.is_defect or len(boxes) > 0
        is_certain = zoom is None and defect == sample.is_defect
        return Item(
            index,
            torch.from_numpy(pixels).unsqueeze(0),
            torch.from_numpy(boxes.astype(np.float32)),
            torch.from_numpy(labels.copy()),
            float(defect),
            unboxed,
            lost,
            zoom is None,
            sample.type if is_certain else "",
        )

    def _zoom_of(self, sample: Sample, key: Key) -> np.random.Generator | None:
        """The random numbers of the window to show; None for the whole image.

        A defect that is known to be somewhere but not where stays in view.
        """
        config = self.config.augment
        if self.augmentation is None or config.zoom == 0 or sample.status == UNBOXED:
            return None
        rng = np.random.default_rng((self.seed, *key, 1))
        return rng if rng.random() < config.zoom_share else None

    def _at_input_size(
        self, sample: Sample, zoom: np.random.Generator | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]:
        """The image, or a random window of it, the boxes left in it, and their rows among the sample's boxes.

        A defect whose boxes preprocessing has cut off is shown whole too.
        """
        image, boxes, rows = self.preprocessing(self._load(sample), sample.boxes_xyxy)
        if zoom is not None and (len(boxes) or not sample.is_defect):
            window = random_window((image.shape[0], image.shape[1]), boxes, self.config.augment.zoom, zoom)
            shown = visible_share(boxes, window) > 0
            image = image[window[1] : window[3], window[0] : window[2]]
            boxes, rows = clipped(boxes[shown], window) - np.array(window[:2] * 2), rows[shown]
        image, boxes = resize(image, boxes, self.config.target_hw(sample.size_hw))
        return image, boxes, rows

    def _load(self, sample: Sample) -> NDArray[np.uint8]:
        image = read_gray(resolve_under(self.images_root, sample.path))
        if image.shape != sample.size_hw:
            found, noted = f"{image.shape[1]} x {image.shape[0]}", f"{sample.size_hw[1]} x {sample.size_hw[0]}"
            raise InputError(f"{sample.path} (image {sample.image_id}): is {found} pixels, but annotated as {noted}")
        return image


class BalancedSampler(Sampler[Key]):
    """An epoch's keys in seeded random order, each class repeated or thinned to its share.

    Args:
        positive: for each sample, whether it belongs to the positive class.
        positive_share: share of positive samples in an epoch; None keeps the natural distribution, and each sample
            comes exactly once.
        seed: of the order. An epoch has as many keys as there are samples, less those that would not fill a batch.
        sizes_hw: of each sample as loaded. Batches then hold images of similar shape, which saves padding.
        batch_size: images a step, of all processes together.
        rank, processes: this process takes its part of each batch, the batches staying what they are for one process.

    Raises:
        InputError: the processes cannot share a batch evenly.

    Attributes:
        epoch: decides the order; whoever iterates sets it.
        start: how many of the epoch's keys to leave out at its beginning, because they have been done.
    """

    def __init__(
        self,
        positive: Sequence[bool],
        positive_share: float | None,
        seed: int,
        sizes_hw: Sequence[tuple[int, int]] = (),
        batch_size: int = 1,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        if batch_size % processes:
            raise InputError(f"fit.batch_size {batch_size} is shared by {processes} processes: give a multiple of it")
        if processes > 1 and len(positive) < batch_size:
            raise InputError(
                f"{len(positive)} training images do not fill a batch of {batch_size}, which several "
                "processes need; lower fit.batch_size"
            )
        self.rank, self.share = rank, batch_size // processes
        self.positive = np.asarray(positive, dtype=bool)
        self.positive_share, self.seed, self.epoch, self.start = positive_share, seed, 0, 0
        self.sizes_hw, self.batch_size = np.asarray(sizes_hw, dtype=np.float64).reshape(-1, 2), batch_size

    def __len__(self) -> int:
        return self._in_batches() * self.share // self.batch_size

    def __iter__(self) -> Iterator[Key]:
        rng = np.random.default_rng((self.seed, self.epoch))
        order = self._order(rng)
        if len(np.unique(self.sizes_hw, axis=0)) > 1:
            order = self._by_shape(order, rng)
        places = np.arange(self.start, self._in_batches())
        mine = places[places % self.batch_size // self.share == self.rank]
        yield from ((self.epoch, int(index)) for index in order[mine])

    def _in_batches(self) -> int:
        """How many of the samples fill whole batches; all of them if they do not even fill one."""
        return len(self.positive) // self.batch_size * self.batch_size or len(self.positive)

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        total = len(self.positive)
        yes, no = np.flatnonzero(self.positive), np.flatnonzero(~self.positive)
        if self.positive_share is None or not len(yes) or not len(no):
            return rng.permutation(total)
        n_yes = round(total * self.positive_share)
        picked = _rounds(rng, yes, n_yes), _rounds(rng, no, total - n_yes)
        # spread both classes evenly, so that every batch holds its share of each
        places = np.concatenate([(np.arange(len(part)) + rng.random()) / max(len(part), 1) for part in picked])
        return np.concatenate(picked)[np.argsort(places, kind="stable")]

    def _by_shape(self, order: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Sort by width within windows of several batches, then shuffle the batches."""
        window = _WINDOW_BATCHES * self.batch_size
        parts = [order[start : start + window] for start in range(0, len(order), window)]
        # a little noise, so that the same images do not always meet
        keys = self.sizes_hw[:, 1] * np.exp(rng.normal(0, 0.05, len(self.sizes_hw)))
        ordered = np.concatenate([part[np.argsort(keys[part], kind="stable")] for part in parts])
        whole = len(ordered) // self.batch_size * self.batch_size
        batches = rng.permutation(ordered[:whole].reshape(-1, self.batch_size))
        return np.concatenate([batches.ravel(), ordered[whole:]])


class OrderedSampler(Sampler[Key]):
    """Every sample once, in order; of several processes each takes whole batches in turn."""

    def __init__(self, total: int, batch_size: int = 1, rank: int = 0, processes: int = 1) -> None:
        self.mine = [index for index in range(total) if index // batch_size % processes == rank]

    def __len__(self) -> int:
        return len(self.mine)

    def __iter__(self) -> Iterator[Key]:
        yield from ((0, index) for index in self.mine)


def make_loader(dataset: DefectDataset, sampler: Sampler[Key], batch_size: int, workers: int) -> DataLoader[Item]:
    """A loader of `Batch`es; it draws nothing from torch's global random numbers."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        generator=torch.Generator(),
    )


def standardized(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gray levels (h, w) in 0..1 shifted and stretched to mean 0.45 and standard deviation 0.2.

    Contrast is raised tenfold at most, and a flat image becomes 0.45 throughout. numpy does it in one thread; torch
    would share each of these short steps among threads that must first be woken.
    """
    changed: NDArray[np.float32] = pixels - np.float32(pixels.mean(dtype=np.float64))
    spread = np.sqrt(np.square(changed).mean())
    changed *= _SPREAD / max(spread, _LEAST_SPREAD)
    changed += _MEAN
    return changed


def collate(items: Sequence[Item]) -> Batch:
    """Stack items into a `Batch`."""
    sizes = tuple((int(item.image.shape[1]), int(item.image.shape[2])) for item in items)
    height, width = max(h for h, _ in sizes), max(w for _, w in sizes)
    images = torch.zeros(len(items), 1, height, width)
    for row, item in zip(images, items, strict=True):
        row[:, : item.image.shape[1], : item.image.shape[2]] = item.image
    return Batch(
        images=images.expand(-1, 3, -1, -1),
        sizes_hw=sizes,
        targets=tuple({"boxes": item.boxes_xyxy, "labels": item.labels} for item in items),
        defect=torch.tensor([item.defect for item in items]),
        unboxed=torch.tensor([item.unboxed for item in items]),
        whole=torch.tensor([item.whole for item in items]),
        indices=tuple(item.index for item in items),
        types=tuple(item.type for item in items),
        boxes_lost=sum(item.boxes_lost for item in items),
    )


def in_strides(side: float) -> int:
    """The nearest multiple of the coarsest stride, at least one stride."""
    return max(round(side / _COARSEST), 1) * _COARSEST


def _rounds(rng: np.random.Generator, values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """`count` of the values in random order: all of them as often as fits, then a random rest without repetition."""
    whole = [rng.permutation(values) for _ in range(count // len(values))]
    return np.concatenate([*whole, rng.permutation(values)[: count % len(values)]]).astype(np.int64)
