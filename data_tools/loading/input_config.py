"""What the networks see: size, standardising, augmentation and preprocessing."""

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from data_tools.core.checks import require, require_number
from data_tools.core.slices import Joined
from data_tools.loading.transforms import AugmentConfig, PreprocessConfig

PAIRED: Literal["paired"] = "paired"
"""`InputConfig.reference` of images that each have a template."""
_COARSEST = 32
_CLEARLY = 2**0.5


@dataclass(frozen=True)
class SliceConfig:
    """Windows in which large images are seen beside the squeezed whole, in levels of twice the side each.

    Training sees windows around defects and at random; prediction covers the image with overlapping ones of all levels,
    and `data_tools.core.slices` joins their boxes. A defect that the finest windows cut is whole in coarser ones.

    Attributes:
        side_px: of the finest square windows, in original pixels; null sees whole images alone.
        seen_px: side at which a window is seen.
        overlap: share 0..0.9 of its side that a window shares with its neighbour at least. A defect no longer than that
            is whole in some window.
        share: share 0..1 of the training images that are shown as a window.
        scores: of a defect, and of an image, in prediction: the "highest" of all looks, or the "mean" of the whole
            look's and the highest of the slices, which pays where the whole look shows defects too.
    """

    side_px: int | None = None
    seen_px: int = 224
    overlap: float = 0.25
    share: float = 0.75
    scores: Joined = "highest"

    def __post_init__(self) -> None:
        require_number("input.slices.side_px", self.side_px, 32, optional=True)
        require_number("input.slices.seen_px", self.seen_px, 32)
        require_number("input.slices.overlap", self.overlap, 0, 0.9)
        require_number("input.slices.share", self.share, 0, 1)
        require(
            self.scores in get_args(Joined), "input.slices.scores", f"be {' or '.join(get_args(Joined))}", self.scores
        )


@dataclass(frozen=True)
class InputConfig:
    """What the networks see.

    Attributes:
        size_hw: height and width that every image is resized to; null keeps each image at its native size.
        max_pixels: larger images are shrunk to about so many pixels, keeping their shape up to rounding: both sides
            become multiples of 32, the coarsest stride, so that no pixel is spent on padding; null shrinks none.
        scale: both sides become so many times what the other settings make them, as multiples of 32.
        standardize: shift and stretch the gray levels of each image to the same mean and spread, so that neither the
            light nor the lot shows. It comes last, after augmentation.
        reference: "on" shows the networks beside each image how far it is from good training images at each place, see
            `data_tools.loading.reference`; "off" does not; "auto" does where the training images' common layout says
            that a place in the image is a place on the part. "paired" shows how far it is from a template of its own,
            see `data_tools.files.templates`; their folder is given beside the settings.
        slices: see `SliceConfig`.
        augment: see `AugmentConfig`.
        preprocess: see `PreprocessConfig`; comes before the resizing.
    """

    size_hw: tuple[int, int] | None = None
    max_pixels: int | None = None
    scale: float = 1.0
    standardize: bool = False
    reference: Literal["off", "auto", "on", "paired"] = "off"
    slices: SliceConfig = field(default_factory=SliceConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)

    def __post_init__(self) -> None:
        pair = self.size_hw is None or (isinstance(self.size_hw, tuple | list) and len(self.size_hw) == 2)
        require(pair, "input.size_hw", "be [HEIGHT, WIDTH]", repr(self.size_hw))
        for side in self.size_hw or ():
            require_number("input.size_hw", side, 1, 2**15)
        require_number("input.max_pixels", self.max_pixels, 1, optional=True)
        require_number("input.scale", self.scale, most=100, above=0)
        require(
            self.reference != "on" or self.slices.side_px is None,
            "input.reference",
            "be off beside input.slices, where a place in a window is no place on the part",
            self.reference,
        )

    def target_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """Height and width at which an image of that original height and width is seen, before padding."""
        height, width = self._unscaled_hw(size_hw)
        if self.scale == 1.0:
            return height, width
        return in_strides(height * self.scale), in_strides(width * self.scale)

    def window_sides(self, size_hw: tuple[int, int]) -> tuple[int, ...]:
        """Sides of the windows of all levels, in original pixels, of an image of that height and width.

        Each is twice the last as long as it shows clearly more than the whole look; none where slices are off.
        """
        if self.slices.side_px is None:
            return ()
        x1, y1, x2, y2 = self.preprocess.window(size_hw)
        seen_h, seen_w = self._unscaled_hw(size_hw)
        whole = ((y2 - y1) * (x2 - x1) / (seen_h * seen_w)) ** 0.5  # original pixels of a pixel in the whole look
        sides = [self.slices.side_px]
        while _CLEARLY * 2 * sides[-1] / self.slices.seen_px <= whole:
            sides.append(2 * sides[-1])
        return tuple(sides)

    def shown_scale(self, size_hw: tuple[int, int]) -> float:
        """Input pixels that a pixel of an image of that height and width becomes, across: whole, or in finest windows.

        Raises:
            InputError: the image is too small for the crop.
        """
        x1, y1, x2, y2 = self.preprocess.window(size_hw)
        height, width = self.target_hw(size_hw)
        whole = math.sqrt(height * width / ((y2 - y1) * (x2 - x1)))
        slices = self.slices
        return whole if slices.side_px is None else max(whole, self.scale * slices.seen_px / slices.side_px)

    def window_hw(self, size_hw: tuple[int, int], side: int) -> tuple[int, int]:
        """Height and width at which a window of that many original pixels is seen, of a level with that side.

        In training as in prediction, which sees windows as images of their own.
        """
        return self.of_windows(side).target_hw(size_hw)

    def of_windows(self, side: int) -> "InputConfig":
        """The same for a level's windows, which were cut out of preprocessed images and are images of their own now."""
        scale = self.scale * self.slices.seen_px / side
        whole = replace(self.preprocess, crop_px=0)
        return replace(self, size_hw=None, max_pixels=None, scale=scale, slices=SliceConfig(), preprocess=whole)

    def in_prediction(self) -> dict[str, Any]:
        """What of it holds beyond training, as JSON has it: all but the augmentation."""
        values = asdict(self)
        del values["augment"]
        return values

    def _unscaled_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        if self.size_hw is not None:
            return self.size_hw
        x1, y1, x2, y2 = self.preprocess.window(size_hw)
        height, width = y2 - y1, x2 - x1
        if self.max_pixels is None or height * width <= self.max_pixels:
            return height, width
        scale = (self.max_pixels / (height * width)) ** 0.5
        return in_strides(height * scale), in_strides(width * scale)


def in_strides(side: float) -> int:
    """The nearest multiple of the coarsest stride, at least one stride."""
    return max(round(side / _COARSEST), 1) * _COARSEST
