"""Whatever a person has at hand to be predicted - files, arrays, a dataset - as samples with a way to their pixels."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample, unlabelled
from data_tools.core.row_blocks import row_blocks
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.gray_levels import DarknessNotice
from data_tools.files.images import gray_of_opened, read_gray, resolve_under
from data_tools.files.read_ahead import chunks, read_ahead

log = logging.getLogger(__name__)

PixelReader = Callable[[Sample], NDArray[np.uint8]]
"""A sample's pixels: (h, w) uint8 at original size."""

OneImage = str | Path | Image.Image | ArrayLike
Images = Dataset | OneImage | Iterable[OneImage]
_GIVE = "give a path, a PIL image, a uint8 array (h, w) or (h, w, 3), several of these, or a dataset"
_CHANNELS = 4  # as many as an image has at most: nobody has images of so few columns


@dataclass(frozen=True)
class Chunk:
    """Some images in succession."""

    samples: tuple[Sample, ...]
    read: PixelReader


def reader_of(pixels: Path | PixelReader) -> PixelReader:
    """What reads the samples' paths under a folder; a way to their pixels stays as it is."""
    return partial(_read_under, pixels) if isinstance(pixels, Path) else pixels


def _read_under(root: Path, sample: Sample) -> NDArray[np.uint8]:
    return read_gray(resolve_under(root, sample.path))


def chunks_of(images: Images, split: str) -> Iterator[Chunk]:
    """The images in their order, decoded ahead and some at a time, so that any number takes the same memory.

    Args:
        images: a dataset with images; an image, or an iterable of images: a path, a PIL image, or a uint8 array (or
            tensor), (h, w) gray or (h, w, 3) RGB. Ids count from 1; an array's name is "array <id>".
        split: of a dataset: "train", "val", "test" or "all".

    Raises:
        InputError: no such split, something that is no image, or a file that cannot be read, when its chunk comes.
    """
    if isinstance(images, Dataset):
        samples = samples_of(images, split)
        root = images_root_of(images, images.folder or Path("."))
        read = reader_of(root)
        of_dataset = read_ahead(samples, lambda sample: (sample, read(sample), root / sample.path), _pixels)
        yield from _chunks(of_dataset)
        return
    yield from _chunks(read_ahead(enumerate(_each(images), start=1), _loose, _pixels))


def samples_of(dataset: Dataset, split: str) -> tuple[Sample, ...]:
    """The samples of a split, as `Dataset.split` has them.

    Raises:
        InputError: no such split.
    """
    try:
        return dataset.split(split)
    except ValueError as error:
        raise InputError(str(error)) from error


def _each(images: OneImage | Iterable[OneImage]) -> Iterable[OneImage]:
    """The images one by one; a single one is not taken apart into its rows.

    Raises:
        InputError: nothing that holds images, or an array that may be one image or several.
    """
    if isinstance(images, str | Path | Image.Image):
        return [images]
    shape = getattr(images, "shape", None)
    if isinstance(shape, tuple):  # of an array or a tensor, wherever its values are
        is_numeric = getattr(getattr(images, "dtype", None), "kind", "u") not in "OSU"
        if len(shape) == 2 or (len(shape) == 3 and shape[2] <= _CHANNELS) or not shape:
            return [images] if is_numeric else images  # type: ignore[list-item, return-value]
        if len(shape) == 3 and 3 <= shape[0] <= _CHANNELS:
            raise InputError(
                f"an array of shape {tuple(shape)} may be one image with its channels first, or {shape[0]} gray ones; "
                "give (h, w, 3) for the one, list(array) for the others"
            )
    if isinstance(images, bytes | bytearray | dict) or not isinstance(images, Iterable):
        raise InputError(f"images: {type(images).__name__} is no image and holds none; {_GIVE}")
    return images


Held = tuple[Sample, NDArray[np.uint8], Path | Image.Image | None]
"""A sample, its pixels, and where they come from if that tells more of them than an array does."""


def _chunks(held: Iterable[Held]) -> Iterator[Chunk]:
    notice = DarknessNotice(log.warning)
    for part in chunks(held, _pixels):
        for sample, one, source in part:
            if source is not None:
                notice.look(sample.path, one, source)
        pixels = {sample.image_id: one for sample, one, _ in part}
        yield Chunk(tuple(sample for sample, _, _ in part), lambda sample, pixels=pixels: pixels[sample.image_id])  # type: ignore[misc]
    notice.close()


def _pixels(held: Held) -> int:
    return held[1].size


def _loose(numbered: tuple[int, OneImage]) -> Held:
    number, image = numbered
    pixels = _pixels_of(image, number)
    name = Path(image).as_posix() if isinstance(image, str | Path) else f"array {number}"
    height, width = pixels.shape
    source = Path(image) if isinstance(image, str) else image if isinstance(image, Path | Image.Image) else None
    return unlabelled(number, name, (height, width)), pixels, source


def _pixels_of(image: OneImage, number: int) -> NDArray[np.uint8]:
    if isinstance(image, str | Path):
        return read_gray(Path(image))
    if isinstance(image, Image.Image):
        return gray_of_opened(image, f"image {number}")
    try:
        array = np.asarray(image)
    except (ValueError, TypeError, RuntimeError) as error:  # such as rows of unequal length, or a tensor elsewhere
        raise InputError(f"image {number}: {type(image).__name__} cannot be taken for an array: {error}") from error
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
        return _gray(array)
    return array.reshape(array.shape[:2])


def _gray(color: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) -> (h, w) as files are read, to the last level; some rows at a time, as Pillow makes a copy of them."""
    gray = np.empty(color.shape[:2], dtype=np.uint8)
    for rows in row_blocks(color.shape[0], color.shape[1]):
        gray[rows] = np.asarray(Image.fromarray(color[rows]).convert("L"))
    return gray
