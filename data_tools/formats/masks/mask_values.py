"""The values of a mask as its file holds them, before anything is taken for background or defect."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.images import read_size
from data_tools.formats.shapes.regions import label

Codes = NDArray[np.int64]
COLOUR = 1 << 24
"""From here on a code is a colour, COLOUR + red, green and blue in a byte each; below it is a gray value or number."""

VOIDS = (255, COLOUR + 0xE0E0C0)
"""The number and the colour by which VOC outlines what it labels, and fills what it does not judge."""

MOST_VALUES = 4096
_OUTLINE = 8  # pixels: an outline is no wider
_DEEP = ("I;16", "I;16B", "I;16L", "I;16N", "I")


@dataclass(frozen=True)
class MaskStats:
    """What one mask holds.

    Attributes:
        counts: pixels of each code; empty for a mask of too many codes to be one.
        border: pixels of each code on the image's border.
        deep: whether the file has more than 8 bits.
        regions: number of 8-connected regions of each code other than 0.
        outline: number of pixels next to codes that are neither 0 nor one of VOIDS, how many of these are a void, and
            the same a few pixels farther out; all 0 without a void.
        steps: number of pairs of neighbouring pixels beside the border's commonest code, and how many of these differ.
        pale: largest code in each region of codes other than 0 that holds no 255, or 65535 where the file is deep.
    """

    counts: dict[int, int]
    border: dict[int, int]
    deep: bool = False
    regions: dict[int, int] = field(default_factory=dict)
    pale: tuple[int, ...] = ()
    outline: tuple[int, int, int, int] = (0, 0, 0, 0)
    steps: tuple[int, int] = (0, 0)


def colour_code(red: int, green: int, blue: int) -> int:
    """The code of a colour; a gray one is its value."""
    return red if red == green == blue else COLOUR + (red << 16) + (green << 8) + blue


def read_codes(path: Path, as_colours: bool = False) -> tuple[Codes, bool]:
    """(h, w) codes of a mask, and whether the file has more than 8 bits.

    A palette's numbers are its codes, or its colours `as_colours`. Alpha is the mask where it varies over one colour
    alone, and what is transparent is 0. Floating-point values are taken as they are if whole, and as shares of 255 if
    they lie in 0..1.

    Raises:
        InputError: not readable, of several pages, or of values that are no codes.
    """
    size_hw = read_size(path)
    try:
        with Image.open(path) as image:
            pages = int(getattr(image, "n_frames", 1))
            if pages > 1:
                raise InputError(f"{path}: has {pages} pages; save the one that is the mask")
            image.load()
            mode, pixels = image.mode, np.asarray(image)
            if as_colours and mode == "P":
                pixels, mode = np.asarray(image.convert("RGB")), "RGB"
            if mode not in ("1", "L", "P", "RGB", "RGBA", "LA", "F", *_DEEP):
                pixels, mode = np.asarray(image.convert("RGB")), "RGB"
    except InputError:
        raise
    except Exception as error:  # crafted files make Pillow raise whatever its decoders stumble on
        raise InputError(f"{path}: cannot decode the mask: {error}") from error
    if pixels.shape[:2] != size_hw:
        raise InputError(f"{path}: its EXIF turns it, which says nothing for a mask; save it upright")
    if mode == "F":
        return _from_floats(pixels, path), False
    if pixels.ndim == 2:
        return pixels.astype(np.int64), mode in _DEEP
    if mode in ("RGBA", "LA"):
        colours, alpha = pixels[..., :-1], pixels[..., -1].astype(np.int64)
        if len(np.unique(alpha)) > 1 and np.ptp(colours.reshape(-1, colours.shape[2]), axis=0).max() == 0:
            return alpha, False
        return np.where(alpha == 0, 0, _from_colours(colours)), False
    return _from_colours(pixels), False


def stats_of(codes: Codes, deep: bool) -> MaskStats:
    """See `MaskStats`."""
    values, counts = _counted(codes)
    if len(values) > MOST_VALUES:
        return MaskStats({}, {}, deep)
    edge = np.concatenate([codes[0], codes[-1], codes[1:-1, 0], codes[1:-1, -1]])
    border_values, border_counts = np.unique(edge, return_counts=True)
    few = len(values) <= 256
    return MaskStats(
        dict(zip(values.tolist(), counts.tolist(), strict=True)),
        dict(zip(border_values.tolist(), border_counts.tolist(), strict=True)),
        deep,
        {int(value): int(label(codes == value).max()) for value in values if value} if len(values) <= 32 else {},
        _pale(codes, 65535 if deep else 255) if few else (),
        _outline(codes) if few else (0, 0, 0, 0),
        steps_of(codes, int(border_values[border_counts.argmax()])),
    )


def _counted(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes that occur, ascending, and how often: gray values are counted, colours sorted first."""
    if codes.min() < 0 or codes.max() >= 1 << 16:
        return np.unique(codes, return_counts=True)
    counts = np.bincount(codes.ravel())
    values = np.flatnonzero(counts)
    return values, counts[values]


def _pale(codes: Codes, highest: int) -> tuple[int, ...]:
    from scipy import ndimage

    inside = (codes > 0) & (codes < COLOUR)
    if not np.any(inside & (codes < highest)):
        return ()
    numbers = label(inside)
    tops = ndimage.maximum(codes, numbers, np.arange(1, numbers.max() + 1))
    return tuple(int(top) for top in tops if top < highest)


def _outline(codes: Codes) -> tuple[int, int, int, int]:
    from scipy import ndimage

    void = np.isin(codes, VOIDS)
    labelled = (codes != 0) & ~void
    if not void.any() or not labelled.any():
        return (0, 0, 0, 0)
    distance = ndimage.distance_transform_cdt(~labelled, metric="chessboard")
    near, far = distance == 1, distance == _OUTLINE
    return int(near.sum()), int((near & void).sum()), int(far.sum()), int((far & void).sum())


def steps_of(codes: Codes, background: int) -> tuple[int, int]:
    """Number of pairs of neighbouring pixels that are no background, and how many of these differ."""
    pairs = differ = 0
    for one, other in ((codes[1:], codes[:-1]), (codes[:, 1:], codes[:, :-1])):
        inside = (one != background) & (other != background)
        pairs += int(inside.sum())
        differ += int((inside & (one != other)).sum())
    return pairs, differ


def _from_colours(pixels: NDArray[np.uint8]) -> Codes:
    channels = pixels.astype(np.int64)
    if channels.shape[2] == 1:
        return channels[..., 0]
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    gray = (red == green) & (green == blue)
    return np.where(gray, red, COLOUR + (red << 16) + (green << 8) + blue)


def _from_floats(pixels: NDArray[np.float32], path: Path) -> Codes:
    if not np.isfinite(pixels).all():
        raise InputError(f"{path}: holds values that are not finite")
    if (pixels == np.round(pixels)).all() and pixels.min() >= 0 and pixels.max() <= 65535:
        return pixels.astype(np.int64)
    if pixels.min() >= 0 and pixels.max() <= 1:
        return np.round(pixels * 255).astype(np.int64)
    raise InputError(f"{path}: floating-point values from {pixels.min():g} to {pixels.max():g} are no mask")
