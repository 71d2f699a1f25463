"""What a good part looks like at each place, and how far an image is from it there.

Devices in a jig all look alike, so that the pixelwise median of good training images is a picture of the part, and
their spread says how much a good part varies at that place (golden-template inspection; e.g. Moganti et al., Automatic
PCB inspection algorithms, CVIU 1996). The signed difference from it, in units of that spread, is what a network would
otherwise have to learn of every place by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.gray_moments import gray_moments
from data_tools.loading.layout import Layout

Floats = NDArray[np.float32]
Part = tuple[float, float, float, float]

WHOLE: Part = (0.0, 0.0, 1.0, 1.0)
FEWEST_IMAGES, MOST_IMAGES, MOST_PIXELS = 8, 100, 2**25
_MOST_SHIFT = 8
MOST_DIFFERENCE = 8.0
LEAST_SPREAD = 0.1  # of an image's standard deviation: where good images are all alike, noise is no defect
_LEAST_GRAY = 5.0  # gray levels of 255; what varies less is flat, and its noise is not stretched
MAD_TO_SIGMA = 1.4826  # of normal noise
_MOST_PRODUCTS, _ROUNDS_OF_PARTS = 4, 5
_APART = 0.1  # of an image's variance: less is light, or a pixel of misplacement
_SMALL = 32
_ROUNDS = 2
_MOST_KEPT = 4


@dataclass(frozen=True)
class Shown:
    """Of what an image was taken, and in which light.

    Attributes:
        mean, deviation: of the whole image's gray levels, 0..255.
        part: what is seen of it: x1, y1, x2, y2 as shares of its width and height.
    """

    mean: float
    deviation: float
    part: Part = WHOLE

    @property
    def scale(self) -> float:
        """Gray levels in a deviation, as `standardized` has it."""
        return max(self.deviation, _LEAST_GRAY)

    def standardized(self, image: NDArray[np.uint8]) -> Floats:
        """(h, w) float32: gray levels of the image, or of a part of it, in deviations from the whole's mean."""
        made: Floats = (image.astype(np.float32) - np.float32(self.mean)) / np.float32(self.scale)
        return made


def shown_of(image: NDArray[np.uint8], window: tuple[int, int, int, int] | None = None) -> Shown:
    """A whole image (h, w), preprocessed and not yet resized; or the window x1, y1, x2, y2 of it."""
    height, width = image.shape
    x1, y1, x2, y2 = window or (0, 0, width, height)
    part = (x1 / width, y1 / height, x2 / width, y2 / height)
    return Shown(*gray_moments(image), part)


@dataclass(frozen=True, eq=False)
class Reference:
    """Good parts of one product or of several, at the size at which the networks see them.

    Attributes:
        median: (k, h, w) float32 of k products, in deviations of an image from its mean, as `Shown.standardized`.
        spread: (k, h, w) float32, above 0: standard deviation of a good part there, by the median absolute deviation.
    """

    median: Floats
    spread: Floats
    _kept: dict[tuple[int, ...], list["_View"]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.median.ndim != 3 or self.median.shape != self.spread.shape or not self.median.size:
            raise ValueError(f"median {self.median.shape} and spread {self.spread.shape} must both be (k, h, w)")
        if not (np.isfinite(self.median).all() and np.isfinite(self.spread).all() and (self.spread > 0).all()):
            raise ValueError("median and spread must be finite, and spread above 0")

    def difference(self, image: NDArray[np.uint8], shown: Shown) -> Floats:
        """How far an image is from the product that it is nearest to, at each place.

        The reference is moved by whole pixels to where the image has the device, and gray levels are standardised, so
        that neither place nor light shows.

        Args:
            image: (h', w') gray levels, preprocessed, of any size.
            shown: of what it was taken.

        Returns:
            (h', w') float32 in -1..1: spreads above (+) or below (-) the median, cut at 8 and divided by 8; 0 at the
            edge where the moved reference says nothing.
        """
        values, size_hw = shown.standardized(image), (image.shape[0], image.shape[1])
        return min((view.nearest(values) for view in self._views(size_hw, shown.part)), key=lambda pair: pair[0])[1]

    def _views(self, size_hw: tuple[int, int], part: Part) -> list["_View"]:
        """Of each product, at that size; those of whole images are kept, as they come again."""
        if part == WHOLE and size_hw in self._kept:
            return self._kept[size_hw]
        pairs = zip(self.median, self.spread, strict=True)
        views = [_View(_resized(median, size_hw, part), _resized(spread, size_hw, part)) for median, spread in pairs]
        if part == WHOLE:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[size_hw] = views
        return views


class _View:
    """One product as it is seen in images of one size."""

    def __init__(self, median: Floats, spread: Floats) -> None:
        self.median, self.spread = median, spread
        self.spectrum = np.fft.rfft2(median)

    def nearest(self, values: Floats) -> tuple[float, Floats]:
        """Mean absolute difference, and the difference; the reference is moved only where that brings it nearer."""
        shift = shift_of(values, self.spectrum)
        ours, theirs = overlap_of(values.shape, shift)
        there, moved = self._of(values, self.median, self.spread), np.zeros_like(values)
        moved[ours] = self._of(values[ours], self.median[theirs], self.spread[theirs])
        before, after = (float(np.abs(one[ours]).mean()) for one in (there, moved))
        return (after, moved) if after < before else (before, there)

    @staticmethod
    def _of(values: Floats, median: Floats, spread: Floats) -> Floats:
        made: Floats = ((values - median) / spread / MOST_DIFFERENCE).clip(-1, 1)
        return made


def decide_reference(layout: Layout, good: int, in_windows: bool) -> tuple[Literal["on", "off"], str]:
    """Whether the training images make a reference that says something, and why.

    Args:
        layout: of the training images.
        good: how many of them are good.
        in_windows: whether large images are seen in windows.
    """
    shared = f"training images share {layout.shared:.0%} of their variance"
    if in_windows:
        return "off", "images are seen in windows, where a place is no place on the part"
    if not layout.is_aligned:
        return "off", f"{shared}: a place in the image is no place on the part"
    if good < FEWEST_IMAGES:
        return "off", f"{good} good training images, of {FEWEST_IMAGES} at least"
    return "on", f"{shared}: a place in the image is a place on the part"


def build_reference(images: Sequence[tuple[NDArray[np.uint8], Shown]]) -> Reference:
    """The reference of good images.

    Args:
        images: at least one, all (h, w), each with what it was taken of.

    Returns:
        One product, or up to four where the images fall into parts that differ more from each other than within.
    """
    if len({image.shape for image, _ in images}) != 1:
        raise ValueError("a reference needs images, all of one size")
    rows = np.stack([shown.standardized(image) for image, shown in images])
    pairs = [_median_and_spread(rows[members]) for members in _products(_registered(rows, np.median(rows, axis=0)))]
    median, spread = (np.stack(parts) for parts in zip(*pairs, strict=True))
    return Reference(median, spread)


def shift_of(image: Floats, spectrum: NDArray[Any]) -> tuple[int, int]:
    """Pixels (down, right), at most 8 each, by which the median must be moved to lie where the image has the device.

    By phase correlation (Kuglin & Hines, 1975): the peak of the inverse transform of the cross spectrum, here divided
    by the square root of its magnitude alone. By all of it, noise outvotes what a blurred median has left of detail.

    Args:
        image: (h, w).
        spectrum: of the median, by `rfft2`.
    """
    cross = np.fft.rfft2(image - image.mean()) * spectrum.conj()
    surface = np.fft.irfft2(cross / np.sqrt(np.maximum(np.abs(cross), 1e-9)), s=image.shape)
    down, right = (np.arange(-most, most + 1) for most in (min(_MOST_SHIFT, (side - 1) // 2) for side in image.shape))
    near = surface[np.ix_(down, right)]  # negative places count from the end, as the transform is periodic
    if near.max() <= surface[0, 0]:  # a flat median fits anywhere
        return 0, 0
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    return int(down[row]), int(right[column])


def overlap_of(size_hw: tuple[int, ...], shift_yx: tuple[int, int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Which part of the image, and which of the reference moved by `shift_yx`, lie on each other."""
    pairs = list(zip(size_hw, shift_yx, strict=True))
    ours = tuple(slice(max(shift, 0), side + min(shift, 0)) for side, shift in pairs)
    theirs = tuple(slice(max(-shift, 0), side - max(shift, 0)) for side, shift in pairs)
    return ours, theirs


def _median_and_spread(rows: Floats) -> tuple[Floats, Floats]:
    """(h, w) each, of (n, h, w) images, all moved to their running median."""
    median: Floats = np.median(rows, axis=0)
    moved = rows
    for _ in range(_ROUNDS):
        moved = _registered(rows, median)
        median = np.median(moved, axis=0)
    spread = MAD_TO_SIGMA * np.median(np.abs(moved - median), axis=0)
    return median.astype(np.float32), np.maximum(spread, LEAST_SPREAD).astype(np.float32)


def _registered(rows: Floats, median: Floats) -> Floats:
    """The images (n, h, w), each moved to where the median has the device."""
    spectrum = np.fft.rfft2(median)
    return np.stack([_back(row, shift_of(row, spectrum)) for row in rows])


def _back(row: Floats, shift_yx: tuple[int, int]) -> Floats:
    """The image moved to where the median has the part, its edge repeated where nothing comes in."""
    (down, right), (height, width) = shift_yx, row.shape
    rows = (np.arange(height) + down).clip(0, height - 1)
    columns = (np.arange(width) + right).clip(0, width - 1)
    moved: Floats = row[np.ix_(rows, columns)]
    return moved


def _products(rows: Floats) -> list[NDArray[np.int64]]:
    """Which of (n, h, w) images show the same product: a part is divided while k parts leave less than a kth of it."""
    small = np.stack([_resized(row, (_SMALL, _SMALL), WHOLE).ravel() for row in rows]).astype(np.float64)
    parts = [np.arange(len(rows))]
    while len(parts) < _MOST_PRODUCTS:
        for place, part in enumerate(parts):
            division = _division(small[part], _MOST_PRODUCTS - len(parts) + 1)
            if len(division) > 1:
                parts[place : place + 1] = [part[inner] for inner in division]
                break
        else:
            break
    return parts


def _division(small: NDArray[np.float64], most: int) -> list[NDArray[np.int64]]:
    """The rows of each of 2 to `most` parts, the fewest that leave little of the variance; all in one where none do.

    Three products that differ alike are no two parts: two of them together keep half of the variance.
    """
    whole, parts = _varied(small), [np.arange(len(small))]
    while len(parts) < most and len(small) >= (len(parts) + 1) * FEWEST_IMAGES:
        parts = _settled(small, _halved(small, parts))
        within = sum(_varied(small[part]) for part in parts)
        if (
            min(map(len, parts)) >= FEWEST_IMAGES
            and within < whole / len(parts)
            and whole - within > _APART * small.size
        ):
            return parts
    return [np.arange(len(small))]


def _halved(small: NDArray[np.float64], parts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The parts, the most varied one cut in two at its mean along the direction in which it differs most."""
    place = max(range(len(parts)), key=lambda place: _varied(small[parts[place]]))
    part = parts[place]
    centred = small[part] - small[part].mean(axis=0)
    first: NDArray[np.bool_] = np.linalg.svd(centred, full_matrices=False)[0][:, 0] > 0
    return [*parts[:place], part[first], part[~first], *parts[place + 1 :]]


def _settled(small: NDArray[np.float64], parts: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The parts after each row has gone to the nearest mean, some times (Lloyd, 1982), and none is empty."""
    for _ in range(_ROUNDS_OF_PARTS):
        means = [small[part].mean(axis=0) for part in parts if len(part)]
        nearest = np.argmin([((small - mean) ** 2).sum(axis=1) for mean in means], axis=0)
        parts = [np.flatnonzero(nearest == place) for place in range(len(means))]
    return [part for part in parts if len(part)]


def _varied(small: NDArray[np.float64]) -> float:
    """Sum of squares about the mean."""
    return float(((small - small.mean(axis=0)) ** 2).sum())


def _resized(values: Floats, size_hw: tuple[int, int], part: Part) -> Floats:
    """A part of a map (h, w) at another size."""
    height, width = values.shape
    if part == WHOLE and (height, width) == size_hw:
        return values
    box = (part[0] * width, part[1] * height, part[2] * width, part[3] * height)
    made = Image.fromarray(values).resize(size_hw[::-1], Image.Resampling.BILINEAR, box)
    return np.asarray(made, dtype=np.float32)
