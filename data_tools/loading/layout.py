"""Which mirrors and turns leave the images what they are: a device that lies upright has few, a bare surface has all.

The mean of the (standardized, shrunk) training images is what they share. A mirror or turn that moves this shared part
elsewhere makes images that no camera will ever take; one that leaves it in place makes new training images.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Sample
from data_tools.files.images import read_gray, resolve_under
from data_tools.loading.resizing import resized

log = logging.getLogger(__name__)

Geometry = Literal["none", "hflip", "vflip", "flips", "d4"]

_SIDE = 64
_MOST_IMAGES, _MOST_PIXELS, _FEWEST_IMAGES = 200, 2e8, 10
_MOST_MISPLACED = 0.1
_ALIGNED = 0.5
_JITTER_ALIGNED = 0.03
_CHANGES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "hflip": np.fliplr,
    "vflip": np.flipud,
    "transpose": np.transpose,
}


@dataclass(frozen=True)
class Layout:
    """What images share.

    Attributes:
        shared: share 0..1 of their variance that their mean image explains; 1 are copies, 0 have nothing in common.
        misplaced: for "hflip", "vflip" and "transpose" the share 0..2 of their variance that it would misplace.
    """

    shared: float
    misplaced: dict[str, float]

    @property
    def geometry(self) -> Geometry:
        """The largest augmentation whose mirrors and turns misplace at most a tenth of the variance."""
        kept = {name for name, value in self.misplaced.items() if value <= _MOST_MISPLACED}
        if kept == set(_CHANGES):
            return "d4"
        if {"hflip", "vflip"} <= kept:
            return "flips"
        return "hflip" if "hflip" in kept else "vflip" if "vflip" in kept else "none"

    @property
    def is_aligned(self) -> bool:
        """Whether a place in the image means a place on the part."""
        return self.shared >= _ALIGNED

    @property
    def jitter(self) -> float:
        """How far a pasted defect may move, as a share of the sides: near its own place where that has a meaning."""
        return _JITTER_ALIGNED if self.is_aligned else 1.0


def layout_of(images: Iterable[NDArray[np.uint8]]) -> Layout:
    """The layout of gray (training) images (h, w), each shrunk to the same square and brought to mean 0 and variance 1.

    Flat images say nothing and are left out, with a warning where most are; of fewer than two others nothing is known,
    and all is taken as shared.
    """
    of_each = [_standardized(image) for image in images]
    rows = [row for row in of_each if row is not None]
    if len(rows) < len(of_each) / 2:
        log.warning(
            "WARNING: %d of %d training images that were looked at have one gray level alone, and nothing can be "
            "learned from these; images that use few of their 16 bits are converted with --gray_range LO,HI",
            len(of_each) - len(rows),
            len(of_each),
        )
    if len(rows) < 2:
        return Layout(1.0, dict.fromkeys(_CHANGES, 1.0))
    mean = np.mean(rows, axis=0)
    # the mean of n unrelated images still has 1/n of their variance
    shared = max((len(rows) * float((mean**2).mean()) - 1) / (len(rows) - 1), 0.0)
    alike = {name: float((mean * change(mean)).mean() / (mean**2).mean()) for name, change in _CHANGES.items()}
    return Layout(shared, {name: shared * (1 - value) for name, value in alike.items()})


def layout_of_samples(samples: Sequence[Sample], root: Path) -> Layout:
    """The layout of (training) samples, from at most 200 of them, of at most 200 million pixels, picked at random.

    Raises:
        InputError: an unreadable image.
    """
    pixels = float(np.mean([height * width for height, width in (sample.size_hw for sample in samples)]))
    count = min(len(samples), _MOST_IMAGES, max(int(_MOST_PIXELS / pixels), _FEWEST_IMAGES))
    picked = np.random.default_rng(0).choice(len(samples), count, replace=False)
    return layout_of(read_gray(resolve_under(root, samples[i].path)) for i in picked)


def _standardized(image: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    values = resized(image, (_SIDE, _SIDE)).astype(np.float64)
    spread = float(values.std())
    made: NDArray[np.float64] = (values - values.mean()) / max(spread, 1e-9)
    return made if spread > 0 else None
