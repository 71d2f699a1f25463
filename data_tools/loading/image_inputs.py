"""Whatever a person has at hand to be predicted - files, arrays, a dataset - as samples with a way to their pixels."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Dataset, Sample, empty_boxes, empty_labels
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.images import read_gray, resolve_under

Item = TypeVar("Item")
PixelReader = Callable[[Sample], NDArray[np.uint8]]
"""A sample's pixels: (h, w) uint8 at original size."""

Images = Dataset | str | Path | Iterable[str | Path | ArrayLike]
_LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's convert("L")


@dataclass(frozen=True)
class Chunk:
    """Some images in succession."""

    samples: tuple[Sample, ...]
    read: PixelReader


def folder_reader(root: Path) -> PixelReader:
    """Reads the samples' paths under a folder."""
    return lambda sample: read_gray(resolve_under(root, sample.path))


def chunks_of(images: Images, split: str, size: int) -> Iterator[Chunk]:
    """The images in their order, so many at a time, so that any number takes the same memory.

    Args:
        images: a dataset with images; a path, or an iterable of paths and of (h, w) or (h, w, 3) uint8 arrays, gray or
            RGB. Ids count from 1; an array's name is "array <id>".
        split: of a dataset: "train", "val", "test" or "all".
        size: of a chunk.

    Raises:
        InputError: no such split, or an array that is no image; a file is read when its chunk is predicted.
    """
    if isinstance(images, Dataset):
        try:
            samples = images.split(split)
        except ValueError as error:
            raise InputError(str(error)) from error
        read = folder_reader(images_root_of(images, images.folder or Path(".")))
        for part in _batched(samples, size):
            yield Chunk(part, read)
        return
    loose = [images] if isinstance(images, str | Path) else images
    for numbered in _batched(enumerate(loose, start=1), size):
        yield _loose_chunk(numbered)


def _loose_chunk(numbered: Sequence[tuple[int, str | Path | ArrayLike]]) -> Chunk:
    pixels = {number: _pixels_of(image, number) for number, image in numbered}
    samples = []
    for number, image in numbered:
        name = Path(image).as_posix() if isinstance(image, str | Path) else f"array {number}"
        height, width = pixels[number].shape
        samples.append(Sample(number, name, (height, width), empty_boxes(), empty_labels(), GOOD, "none"))
    return Chunk(tuple(samples), lambda sample: pixels[sample.image_id])


def _pixels_of(image: str | Path | ArrayLike, number: int) -> NDArray[np.uint8]:
    if isinstance(image, str | Path):
        return read_gray(Path(image))
    array = np.asarray(image)
    if (
        array.dtype != np.uint8
        or array.ndim not in (2, 3)
        or 0 in array.shape
        or array.shape[2:] not in ((), (1,), (3,))
    ):
        raise InputError(
            f"image {number}: an array of {array.dtype} with shape {array.shape}; give (h, w) or (h, w, 3) uint8"
        )
    if array.ndim == 3 and array.shape[2] == 3:
        gray: NDArray[np.uint8] = np.round(array @ _LUMINANCE).astype(np.uint8)
        return gray
    return array.reshape(array.shape[:2])


def _batched(values: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    waiting = iter(values)
    while part := tuple(islice(waiting, size)):
        yield part
