"""The torch dataset, its samplers and its collate function: one for both tasks.

A sampler yields keys `(epoch, index)`, and all randomness of a sample comes from (seed, epoch, index). So a sample does
not depend on the number of workers or on what was loaded before it, and the dataset keeps no state between epochs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.core.slices import Window
from data_tools.loading.batch import Item, collate
from data_tools.loading.copy_paste import Load, Paster
from data_tools.loading.image_inputs import PixelReader, reader_of
from data_tools.loading.input_config import InputConfig
from data_tools.loading.pairs import template_reader
from data_tools.loading.patches import Boxes, Image
from data_tools.loading.pixels import as_input, load_gray
from data_tools.loading.reference import Reference, Shown, shown_of
from data_tools.loading.resizing import resize, resized
from data_tools.loading.samplers import Key
from data_tools.loading.template_difference import template_difference
from data_tools.loading.transforms import Augmentation, Preprocessing
from data_tools.loading.windows import clipped, is_left, random_window, slice_side, slice_window, visible_share

_LEAST_SEEN_PX = 4.0  # of the root of a box's area
Labels = NDArray[np.int64]
Loaded = tuple[Image, Boxes, NDArray[np.int64]]


@dataclass(frozen=True)
class _Look:
    """What is shown of an image.

    Attributes:
        image: (h, w) at input size.
        boxes_xyxy: (n, 4) in it; labels: (n,).
        lost: how many boxes are not.
        is_defect: whether a defect shows, boxed or not.
        is_whole: False for a random window by zoom.
        in_window: whether it is a slice.
        shown: for a reference.
        template: (h, w) of the same place; None where images have none.
    """

    image: Image
    boxes_xyxy: Boxes
    labels: Labels
    lost: int
    is_defect: bool
    is_whole: bool = True
    in_window: bool = False
    shown: Shown | None = None
    template: Image | None = None

    def without_the_unseen(self) -> "_Look":
        """Boxes that span too little to be seen teach nothing, and if no other is there, nothing is known of ground."""
        seen = np.prod(self.boxes_xyxy[:, 2:] - self.boxes_xyxy[:, :2], axis=1) >= _LEAST_SEEN_PX**2
        is_defect = self.is_defect or not bool(seen.all())
        return replace(self, boxes_xyxy=self.boxes_xyxy[seen], labels=self.labels[seen], is_defect=is_defect)


class DefectDataset(TorchDataset[Item]):
    """Gray images with boxes and labels.

    Args:
        samples: what to load.
        pixels: folder that the samples' paths are relative to, or what reads a sample's pixels; a `PairReader`
            has each image's difference from its template shown beside it.
        config: preprocessing, input size and, where there is an `augmentation`, zoom; None leaves every image as it is.
        augmentation: None for validation and test.
        seed: of augmentation and pasting.
        paster: lays defects on good images; None leaves them as they are.
        reference: from which each image's difference is shown beside it; None shows images alone.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        pixels: Path | PixelReader,
        config: InputConfig | None = None,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        paster: Paster | None = None,
        reference: Reference | None = None,
    ) -> None:
        self.samples, self.config = tuple(samples), config or InputConfig()
        self._read = reader_of(pixels)
        self._read_template = template_reader(self._read)
        self.augmentation, self.seed, self.paster = augmentation, seed, paster
        self.preprocessing, self.reference = Preprocessing(self.config.preprocess), reference

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Item:
        """Load one item.

        Raises:
            InputError: unreadable image, or its size is not the annotated one; or so is its template.
        """
        epoch, index = key
        sample = self.samples[index]
        look = self._look(sample, key)
        image, boxes, lost, difference = look.image, look.boxes_xyxy, look.lost, None
        # a pasted defect differs from the reference as a real one does; light and noise to come are no difference
        if self.reference is not None and look.shown is not None:
            difference = self.reference.difference(image, look.shown)
        elif look.template is not None:
            difference = template_difference(image, look.template)
        if self.augmentation is not None:
            seed = int(np.random.SeedSequence((self.seed, epoch, index)).generate_state(1)[0])
            image, difference, boxes, fewer = self.augmentation(image, difference, boxes, seed)
            lost += fewer
        pixels = as_input(image, self.config.standardize)[None]
        defect = look.is_defect or len(boxes) > 0
        is_certain = look.is_whole and not look.in_window and defect == sample.is_defect
        return Item(
            index,
            torch.from_numpy(pixels if difference is None else np.concatenate([pixels, difference[None]])),
            torch.from_numpy(boxes.astype(np.float32)),
            torch.from_numpy(look.labels.copy()),
            float(defect),
            look.is_defect and not len(boxes),
            lost,
            look.is_whole,
            sample.type if is_certain else "",
        )

    def _look(self, sample: Sample, key: Key) -> _Look:
        """What is shown of a sample: the whole, zoomed or not, or a window; pasted defects in it."""
        slicing, rng = self._slicing_of(sample, key), np.random.default_rng((self.seed, *key))
        image, boxes, rows = self._native(sample)
        labels, lost = sample.labels[rows], len(sample.labels) - len(rows)
        if self.config.slices.side_px is None:
            zoom, whole = self._zoom_of(sample, key), image
            image, boxes, kept, window = self._zoomed(sample, image, boxes, zoom)
            shown = None if self.reference is None else shown_of(whole, window)
            template = self._template(sample, window, image)
            lost += len(labels) - len(kept)
            image, boxes, labels, _ = self._pasted(sample, image, boxes, labels[kept], self._at_input_size, rng)
            return _Look(image, boxes, labels, lost, sample.is_defect, zoom is None, shown=shown, template=template)
        # an image that is seen at several scales has pasted defects at its own
        image, boxes, labels, places = self._pasted(sample, image, boxes, labels, self._native, rng)
        if slicing is None:
            zoom, is_coarse = self._zoom_of(sample, key), True
            image, boxes, kept, window = self._zoomed(sample, image, boxes, zoom)
            look = _Look(image, boxes, labels[kept], lost + len(labels) - len(kept), sample.is_defect, zoom is None)
        else:
            image, boxes, kept, window, is_coarse = self._window(sample, image, boxes, places, slicing)
            look = _Look(image, boxes, labels[kept], 0, False, in_window=True)
        look = replace(look, template=self._template(sample, window, image))
        return look.without_the_unseen() if is_coarse and self.augmentation is not None else look

    def _zoom_of(self, sample: Sample, key: Key) -> np.random.Generator | None:
        """The random numbers of the window to show; None for the whole image.

        A defect that is known to be somewhere but not where stays in view.
        """
        config = self.config.augment
        if self.augmentation is None or config.zoom == 0 or sample.status == UNBOXED:
            return None
        rng = np.random.default_rng((self.seed, *key, 1))
        return rng if rng.random() < config.zoom_share else None

    def _slicing_of(self, sample: Sample, key: Key) -> np.random.Generator | None:
        """The random numbers of the slice to show; None for the whole image, as of a defect without known boxes."""
        config, window = self.config.slices, self.config.preprocess.window(sample.size_hw)
        if self.augmentation is None or config.side_px is None or sample.status == UNBOXED:
            return None
        if sample.is_defect and not is_left(clipped(sample.boxes_xyxy, window)).any():  # a crop has cut them off
            return None
        rng = np.random.default_rng((self.seed, *key, 2))
        return rng if rng.random() < config.share else None

    def _native(self, sample: Sample) -> Loaded:
        """The preprocessed image, the boxes left in it, and their rows among the sample's boxes."""
        return self.preprocessing(load_gray(sample, self._read), sample.boxes_xyxy)

    def _at_input_size(self, sample: Sample) -> Loaded:
        """The same at input size."""
        image, boxes, rows = self._native(sample)
        image, boxes, kept, _ = self._zoomed(sample, image, boxes, None)
        return image, boxes, rows[kept]

    def _pasted(
        self, sample: Sample, image: Image, boxes: Boxes, labels: Labels, load: Load, rng: np.random.Generator
    ) -> tuple[Image, Boxes, Labels, Boxes]:
        """An image, its boxes and labels, and what draws the look: its boxes, or where a patch was laid on it.

        A decoy is seen as often as a defect, or its seam would speak for a good image.
        """
        pasted = self.paster(image, load, rng) if self.paster is not None and sample.status == GOOD else None
        if pasted is None:
            return image, boxes, labels, boxes
        places = pasted.boxes_xyxy if len(pasted.boxes_xyxy) else pasted.hull_xyxy[None]
        return pasted.image, pasted.boxes_xyxy, pasted.labels, places

    def _window(
        self, sample: Sample, image: Image, boxes: Boxes, places: Boxes, rng: np.random.Generator
    ) -> tuple[Image, Boxes, NDArray[np.int64], Window, bool]:
        """A slice of the image, the boxes it shows, their rows among those given, its place, and whether it is coarse.

        What it shows is known, so it teaches like an image of its own: a good one where it shows no box.
        """
        sides = self.config.window_sides(sample.size_hw)
        side = slice_side(sides, rng)
        x1, y1, x2, y2 = window = slice_window((image.shape[0], image.shape[1]), places, side, rng)
        rows = np.flatnonzero(is_left(clipped(boxes, window)))
        part, seen = resize(
            np.ascontiguousarray(image[y1:y2, x1:x2]),
            clipped(boxes[rows], window) - np.array([x1, y1, x1, y1]),
            self.config.window_hw((y2 - y1, x2 - x1), side),
        )
        return part, seen, rows, window, side > min(sides)

    def _zoomed(
        self, sample: Sample, image: Image, boxes: Boxes, zoom: np.random.Generator | None
    ) -> tuple[Image, Boxes, NDArray[np.int64], Window | None]:
        """The image, or a random window of it, the boxes left in it, their rows, and the window.

        A defect whose boxes preprocessing has cut off is shown whole too.
        """
        window, rows = None, np.arange(len(boxes))
        if zoom is not None and (len(boxes) or not sample.is_defect):
            window = random_window((image.shape[0], image.shape[1]), boxes, self.config.augment.zoom, zoom)
            rows = np.flatnonzero(visible_share(boxes, window) > 0)
            image = image[window[1] : window[3], window[0] : window[2]]
            boxes = clipped(boxes[rows], window) - np.array(window[:2] * 2)
        image, boxes = resize(image, boxes, self.config.target_hw(sample.size_hw))
        return image, boxes, rows, window

    def _template(self, sample: Sample, window: Window | None, image: Image) -> Image | None:
        """What the image's template shows in the window, at the size of `image`; None where images have none."""
        if self._read_template is None:
            return None
        template, _, _ = self.preprocessing(self._read_template(sample), np.zeros((0, 4)))
        if window is not None:
            template = np.ascontiguousarray(template[window[1] : window[3], window[0] : window[2]])
        return resized(template, (image.shape[0], image.shape[1]))


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


def plain_loader(dataset: DefectDataset, batches: Sampler[list[Key]]) -> DataLoader[Item]:
    """A loader of the batches that a sampler deals, in this process."""
    return DataLoader(dataset, batch_sampler=batches, collate_fn=collate, generator=torch.Generator())
