"""What the networks see: size, standardising, augmentation and preprocessing."""

from dataclasses import dataclass, field

from data_tools.core.checks import require_number
from data_tools.loading.transforms import AugmentConfig, PreprocessConfig

_COARSEST = 32


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
        augment: see `AugmentConfig`.
        preprocess: see `PreprocessConfig`; comes before the resizing.
    """

    size_hw: tuple[int, int] | None = None
    max_pixels: int | None = None
    scale: float = 1.0
    standardize: bool = False
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)

    def __post_init__(self) -> None:
        for side in self.size_hw or ():
            require_number("input.size_hw", side, 1)
        require_number("input.max_pixels", self.max_pixels, 1, optional=True)
        require_number("input.scale", self.scale, above=0)

    def target_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """Height and width at which an image of that original height and width is seen, before padding."""
        height, width = self._unscaled_hw(size_hw)
        if self.scale == 1.0:
            return height, width
        return in_strides(height * self.scale), in_strides(width * self.scale)

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
