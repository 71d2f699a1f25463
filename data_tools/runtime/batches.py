"""Batches of samples for a graph: numpy's twin of `data_tools.training.batches`, in the same batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from data_tools.core.records import Sample
from data_tools.loading.image_inputs import PixelReader, reader_of
from data_tools.loading.input_config import InputConfig
from data_tools.loading.one_size import batches_of_one_size
from data_tools.loading.pixels import seen_planes
from data_tools.loading.reference import Reference


@dataclass(frozen=True, eq=False)
class GrayBatch:
    """Images stacked; smaller ones are padded with black at the right and bottom.

    Attributes:
        images: (n, 1, h, w) float32; (n, 2, h, w) with the difference from a reference.
        sizes_hw: each image's height and width before padding.
    """

    images: NDArray[np.float32]
    sizes_hw: tuple[tuple[int, int], ...]


def batches_of(
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    batch_size: int,
    label: str,
    multiple_of: int = 1,
    reference: Reference | None = None,
) -> Iterator[tuple[list[int], GrayBatch]]:
    """Every sample once, in batches of one size: the places of a batch's samples, and the batch.

    The batch's sides are padded to a multiple. Progress is shown under the label; none with the label "". Images are
    compared with a `reference` where the network has one.
    """
    read = reader_of(pixels)
    batches = batches_of_one_size([config.target_hw(sample.size_hw) for sample in samples], batch_size)
    for places in tqdm(batches, desc=label, leave=False, mininterval=1.0, disable=not label):
        planes = zip(*(seen_planes(samples[place], read, config, reference) for place in places), strict=True)
        parts = [stacked(images, multiple_of) for images in planes]
        yield places, GrayBatch(np.concatenate([part.images for part in parts], axis=1), parts[0].sizes_hw)


def stacked(images: Sequence[NDArray[np.float32]], multiple_of: int = 1) -> GrayBatch:
    """Images (h, w) of any sizes as one batch."""
    sizes = tuple((one.shape[0], one.shape[1]) for one in images)
    height, width = (max(side) + -max(side) % multiple_of for side in zip(*sizes, strict=True))
    together = np.zeros((len(images), 1, height, width), dtype=np.float32)
    for row, one in zip(together, images, strict=True):
        row[0, : one.shape[0], : one.shape[1]] = one
    return GrayBatch(together, sizes)
