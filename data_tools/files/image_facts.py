"""One pass over the images: each is decoded once, on every core, and leaves a thumbnail and a few numbers behind.

The memory used grows by about a kilobyte an image, whatever the images' size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.gray_moments import gray_moments
from data_tools.core.row_blocks import row_blocks
from data_tools.files.image_header import channel_bits
from data_tools.files.images import read_gray, resolve_under
from data_tools.files.worker_pool import worker_pool

THUMBNAIL_SIDE = 16
_BORDER = 4
_CHUNK, _WORTH_A_POOL = 2048, 128

T = TypeVar("T")


@dataclass(frozen=True)
class ImageFact:
    """What one image looks like from afar.

    Attributes:
        size_hw: height and width as displayed, in pixels.
        mode: Pillow's name of the pixel format, such as "L", "RGB", "I;16".
        bits: of a channel.
        encoding: the file format, for JPEG with the sum of its quantisation tables: the same for files that one
            program wrote with one quality.
        file_bytes: size of the file.
        mean, spread: of the gray values 0..255, and their standard deviation.
        border: mean gray value of the outermost 4 pixels.
        thumbnail: (256,) mean gray values of 16 x 16 equal cells.
    """

    size_hw: tuple[int, int]
    mode: str
    bits: int
    encoding: str
    file_bytes: int
    mean: float
    spread: float
    border: float
    thumbnail: NDArray[np.float32]


def read_fact(path: Path) -> ImageFact:
    """Decode one image.

    Raises:
        InputError: not readable.
    """
    pixels = read_gray(path)
    with Image.open(path) as header:
        mode, bits, encoding = header.mode, channel_bits(header), _encoding(header)
    edge = _BORDER
    inner = pixels[edge:-edge, edge:-edge] if min(pixels.shape) > 2 * edge else pixels[:0]
    total, outside = float(pixels.sum(dtype=np.int64)), max(pixels.size - inner.size, 1)
    return ImageFact(
        (pixels.shape[0], pixels.shape[1]),
        mode,
        bits,
        encoding,
        path.stat().st_size,
        *gray_moments(pixels),
        (total - float(inner.sum(dtype=np.int64))) / outside,
        _thumbnail(pixels),
    )


def _thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(256,) mean gray values; as float, so that the cells of a dim image differ by more than whole gray values.

    First across, some rows at a time, and then down.
    """
    side, box = THUMBNAIL_SIDE, Image.Resampling.BOX
    narrow = np.concatenate(
        [
            np.asarray(Image.fromarray(part).convert("F").resize((side, len(part)), box))
            for part in (pixels[rows] for rows in row_blocks(*pixels.shape))
        ]
    )
    return np.asarray(Image.fromarray(narrow).resize((side, side), box), dtype=np.float32).ravel()


def read_facts(paths: Sequence[str], images_root: Path) -> Iterator[ImageFact | InputError]:
    """The facts of each image in order, or why it is not readable; see `read_each`."""
    return read_each(read_fact, paths, images_root)


def read_each(read: Callable[[Path], T], paths: Sequence[str], images_root: Path) -> Iterator[T | InputError]:
    """What is read from each image in order, on every core, or why it is not readable.

    Args:
        read: of one image; a function that other processes can import.
        paths: file names relative to `images_root`.
        images_root: folder that they must stay under.
    """
    attempt = partial(_attempt, read, images_root)
    with tqdm(total=len(paths), desc="images", leave=False, mininterval=1.0) as bar:
        if len(paths) < _WORTH_A_POOL:
            for name in paths:
                bar.update()
                yield attempt(name)
            return
        with worker_pool() as pool:
            names = iter(paths)
            while chunk := list(islice(names, _CHUNK)):  # so that results never pile up
                for fact in pool.map(attempt, chunk, chunksize=16):
                    bar.update()
                    yield fact


def read_thumbnails(paths: Sequence[str], images_root: Path) -> NDArray[np.float32]:
    """(n, 256) thumbnails.

    Raises:
        InputError: an image is not readable.
    """
    rows = np.zeros((len(paths), THUMBNAIL_SIDE**2), dtype=np.float32)
    for i, fact in enumerate(read_facts(paths, images_root)):
        if isinstance(fact, InputError):
            raise fact
        rows[i] = fact.thumbnail
    return rows


def _attempt(read: Callable[[Path], T], images_root: Path, name: str) -> T | InputError:
    try:
        return read(resolve_under(images_root, name))
    except InputError as error:
        return error


def _encoding(header: Image.Image) -> str:
    tables = getattr(header, "quantization", None)
    name = header.format or "unknown"
    return f"{name} {sum(sum(table) for table in tables.values())}" if tables else name
