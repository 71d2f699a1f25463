"""Small gray pictures of all judged images, each stored once in the page, within a budget of bytes."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.files.images import read_gray, resolve_under

BUDGET = 16_000_000
_SIDES = (640, 480, 400, 320, 256, 224, 192, 160, 128, 112, 96)
_QUALITY = 76
_PROBES = 48
_STRIP = 4  # so many times as long as wide


@dataclass(frozen=True)
class Thumbnails:
    """Pictures in the order of their samples.

    Attributes:
        side: longest side in pixels, of a strip up to four times that; a smaller image keeps its own size.
        jpegs: base64 of gray JPEG files.
    """

    side: int
    jpegs: tuple[str, ...]


def make_thumbnails(samples: Sequence[Sample], root: Path, side: int, budget: int = BUDGET) -> Thumbnails:
    """Pictures of at most `side` pixels, smaller ones where so many images would not fit the budget.

    Args:
        samples: whose images lie under `root`.
        root: the dataset's images root.
        side: limit of the longest side in pixels.
        budget: bytes that all pictures may take as base64; kept on average, not to the byte, and not below 96 pixels.

    Raises:
        InputError: an image is not readable, or has another size than annotated.
    """
    chosen = _fitting_side(samples, root, side, budget)
    progress = tqdm(samples, desc="thumbnails", unit="image", leave=False)
    return Thumbnails(chosen, tuple(_text(read_sample(sample, root), chosen) for sample in progress))


def read_sample(sample: Sample, root: Path) -> NDArray[np.uint8]:
    """(h, w) uint8 gray image of a sample.

    Raises:
        InputError: not readable, outside the root, or of another size than annotated.
    """
    image = read_gray(resolve_under(root, sample.path))
    if image.shape != sample.size_hw:
        height, width = sample.size_hw
        raise InputError(
            f"{sample.path} (image {sample.image_id}): is {image.shape[1]} x {image.shape[0]} pixels, but annotated as "
            f"{width} x {height}; convert the dataset again"
        )
    return image


def _fitting_side(samples: Sequence[Sample], root: Path, limit: int, budget: int) -> int:
    """The limit, or the largest usual side below it whose pictures fit the budget, judged by a spread of images."""
    step = max(1, -(-len(samples) // _PROBES))
    probes = [_shrunk_to_see(read_sample(sample, root), limit) for sample in samples[::step]]
    ladder = [limit, *(side for side in _SIDES if side < limit)]
    for side in ladder:
        mean = np.mean([len(_text(image, side)) for image in probes]) if probes else 0.0
        if mean * len(samples) <= budget:
            return side
    return ladder[-1]


def _text(image: NDArray[np.uint8], side: int) -> str:
    return base64.b64encode(encode(image, side)).decode("ascii")


def encode(image: NDArray[np.uint8], side: int) -> bytes:
    """A gray JPEG of at most `side` pixels a side, of a strip up to four times that; never enlarged."""
    buffer = io.BytesIO()
    Image.fromarray(_shrunk_to_see(image, side)).save(buffer, format="JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _shrunk_to_see(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Of what is more than four times as long as wide, the short side keeps a quarter of `side` where it can.

    So no picture has more pixels than a square one; at `side` a strip of 40 x 1,200 would be 11 pixels high.
    """
    short, long = sorted(image.shape)
    return shrunk(image, min(max(side, round(side / _STRIP * long / short)), _STRIP * side))


def shrunk(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """A gray image (h, w) of at most `side` pixels a side; a smaller one as it is."""
    height, width = image.shape
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
