"""The torch dataset, its samplers and its collate function: one for both tasks.

A sampler yields keys `(epoch, index)`, and all randomness of a sample comes from (seed, epoch, index). So a sample does
not depend on the number of workers or on what was loaded before it, and the dataset keeps no state between epochs.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from data_tools.core.records import GOOD, UNBOXED, Sample
from data_tools.loading.batch import Item, collate
from data_tools.loading.copy_paste import Load, Paster
from data_tools.loading.image_inputs import PixelReader, folder_reader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.patches import Boxes, Image
from data_tools.loading.pixels import as_input, load_gray
from data_tools.loading.reference import Reference, Shown, shown_of
from data_tools.loading.resizing import resize
from data_tools.loading.samplers import Key
from data_tools.loading.transforms import Augmentation, Preprocessing
from data_tools.loading.windows import clipped, is_left, random_window, slice_window, visible_share

Labels = NDArray[np.int64]
Loaded = tuple[Image, Boxes, NDArray[np.int64]]


class DefectDataset(TorchDataset[Item]):
    """Gray images with boxes and labels.

    Args:
        samples: what to load.
        pixels: folder that the samples' paths are relative to, or what reads a sample's pixels.
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
        self._read = folder_reader(pixels) if isinstance(pixels, Path) else pixels
        self.augmentation, self.seed, self.paster = augmentation, seed, paster
        self.preprocessing, self.reference = Preprocessing(self.config.preprocess), reference

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: Key) -> Item:
        """Load one item.

        Raises:
            InputError: unreadable image, or its size is not the annotated one.
        """
        epoch, index = key
        sample = self.samples[index]
        slicing = self._slicing_of(sample, key)
        zoom = self._zoom_of(sample, key) if slicing is None else None
        image, boxes, rows = self._native(sample)
        labels, places, lost = sample.labels[rows], boxes, len(sample.labels) - len(rows)
        # a scale of its own has whoever sees an image both whole and in windows: there pasting comes before
        in_windows, rng = self.config.slices.side_px is not None, np.random.default_rng((self.seed, epoch, index))
        if in_windows:
            image, boxes, labels, places = self._pasted(sample, image, boxes, labels, self._native, rng)
        shown: Shown | None = None
        if slicing is not None:
            image, boxes, kept = self._window(image, boxes, places, slicing)
        else:
            image, boxes, kept, shown = self._zoomed(sample, image, boxes, zoom)
        labels, lost = labels[kept], 0 if slicing is not None else lost + len(labels) - len(kept)
        if not in_windows:
            image, boxes, labels, _ = self._pasted(sample, image, boxes, labels, self._at_input_size, rng)
        # a pasted defect differs from the reference as a real one does; light and noise to come are no difference
        difference = None if self.reference is None or shown is None else self.reference.difference(image, shown)
        if self.augmentation is not None:
            seed = int(np.random.SeedSequence((self.seed, epoch, index)).generate_state(1)[0])
            image, difference, boxes, fewer = self.augmentation.with_map(image, difference, boxes, seed)
            lost += fewer
        pixels = as_input(image, self.config.standardize)[None]
        unboxed = sample.is_defect and not len(boxes) and slicing is None
        defect = (sample.is_defect and slicing is None) or len(boxes) > 0
        is_certain = zoom is None and slicing is None and defect == sample.is_defect
        return Item(
            index,
            torch.from_numpy(pixels if difference is None else np.concatenate([pixels, difference[None]])),
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
        self, image: Image, boxes: Boxes, places: Boxes, rng: np.random.Generator
    ) -> tuple[Image, Boxes, NDArray[np.int64]]:
        """A slice of the image at the scale of slices, the boxes it shows, and their rows among those given.

        What it shows is known, so it teaches like an image of its own: a good one where it shows no box.
        """
        assert self.config.slices.side_px is not None
        x1, y1, x2, y2 = window = slice_window(
            (image.shape[0], image.shape[1]), places, self.config.slices.side_px, rng
        )
        rows = np.flatnonzero(is_left(clipped(boxes, window)))
        part, seen = resize(
            np.ascontiguousarray(image[y1:y2, x1:x2]),
            clipped(boxes[rows], window) - np.array([x1, y1, x1, y1]),
            self.config.window_hw((y2 - y1, x2 - x1)),
        )
        return part, seen, rows

    def _zoomed(
        self, sample: Sample, image: Image, boxes: Boxes, zoom: np.random.Generator | None
    ) -> tuple[Image, Boxes, NDArray[np.int64], Shown | None]:
        """The image, or a random window of it, the boxes left in it, their rows, and for a reference what is shown.

        A defect whose boxes preprocessing has cut off is shown whole too.
        """
        whole, window, rows = image, None, np.arange(len(boxes))
        if zoom is not None and (len(boxes) or not sample.is_defect):
            window = random_window((image.shape[0], image.shape[1]), boxes, self.config.augment.zoom, zoom)
            rows = np.flatnonzero(visible_share(boxes, window) > 0)
            image = image[window[1] : window[3], window[0] : window[2]]
            boxes = clipped(boxes[rows], window) - np.array(window[:2] * 2)
        image, boxes = resize(image, boxes, self.config.target_hw(sample.size_hw))
        return image, boxes, rows, None if self.reference is None else shown_of(whole, window)


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
