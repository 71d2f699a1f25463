"""Preprocessing that moves boxes along, augmentation that keeps them: the only place that imports albumentations."""

import os
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from data_tools.core.checks import require_number
from data_tools.core.errors import InputError
from data_tools.core.slices import Window
from data_tools.loading.layout import Geometry
from data_tools.loading.windows import clipped, is_left

_LEAST_SIDE = 16
_LONG = 4  # times the shorter side: a batch of such images lying and standing is padded to four times their pixels


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of the training images.

    Attributes:
        geometry: "none"; "hflip" (left-right mirror); "vflip" (upside down); "flips" (both mirrors, which keeps the
            image's shape); "d4" (all eight turns and mirrors, for parts without an upright); "auto" takes what the
            training images' common layout allows, see `data_tools.loading.layout`.
        photometry: strength 0..1 of random brightness, contrast, blur and noise; 0 switches them off.
        zoom: largest share 0..0.9 of each side that a random window of the training image leaves out, before it is
            resized to the input size; both sides draw their own. See `windows`. 0 shows the whole image.
        zoom_share: share 0..1 of the images that are shown as such a window. The others are whole, and they alone teach
            the detector's image head, because whole images are what it will judge.
    """

    geometry: Geometry | Literal["auto"] = "auto"
    photometry: float = 0.5
    zoom: float = 0.0
    zoom_share: float = 0.5

    def __post_init__(self) -> None:
        require_number("input.augment.photometry", self.photometry, 0, 1)
        require_number("input.augment.zoom", self.zoom, 0, 0.9)
        require_number("input.augment.zoom_share", self.zoom_share, 0, 1)


@dataclass(frozen=True)
class PreprocessConfig:
    """What is done to every image before anything else, in training and in prediction; off by default.

    Outputs are in original pixels whatever is set here.

    Attributes:
        crop_px: pixels cut off at each side. Boxes are cut with the image, and lost ones are counted.
        black_below: intensities below it, 0..255, become black.
        white_from: intensities from it, 0..255, become white and all others black; null leaves them.
    """

    crop_px: int = 0
    black_below: int = 0
    white_from: int | None = None

    def __post_init__(self) -> None:
        require_number("input.preprocess.crop_px", self.crop_px, 0)
        require_number("input.preprocess.black_below", self.black_below, 0, 255)
        require_number("input.preprocess.white_from", self.white_from, 0, 255, optional=True)

    def window(self, size_hw: tuple[int, int]) -> Window:
        """What is left of an image of that height and width, as x1, y1, x2, y2 in its pixels.

        Raises:
            InputError: a crop that leaves less than 16 px of a side.
        """
        height, width = size_hw
        if self.crop_px and min(height, width) - 2 * self.crop_px < _LEAST_SIDE:
            raise InputError(
                f"input.preprocess.crop_px {self.crop_px}: an image of {width} x {height} px must keep "
                f"{_LEAST_SIDE} px of each side"
            )
        return self.crop_px, self.crop_px, width - self.crop_px, height - self.crop_px


class Preprocessing:
    """The steps of a `PreprocessConfig` on a gray image with its boxes."""

    def __init__(self, config: PreprocessConfig) -> None:
        self.config = config

    def __call__(
        self, image: NDArray[np.uint8], boxes_xyxy: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]:
        """The image (h', w'), the boxes (n', 4) in its pixels, and the rows of the boxes that are left, in order.

        A box that `data_tools.loading.windows.is_left` denies is lost.

        Raises:
            InputError: the image is too small for the crop.
        """
        x1, y1, x2, y2 = window = self.config.window((image.shape[0], image.shape[1]))
        rows = np.arange(len(boxes_xyxy))
        if self.config.crop_px:
            image, boxes_xyxy = np.ascontiguousarray(image[y1:y2, x1:x2]), clipped(boxes_xyxy, window)
            rows = np.flatnonzero(is_left(boxes_xyxy))
            boxes_xyxy = boxes_xyxy[rows] - np.array([x1, y1, x1, y1], dtype=np.float64)
        return self._intensities(image), boxes_xyxy, rows

    def _intensities(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.config.black_below:
            image = np.where(image < self.config.black_below, np.uint8(0), image)
        if self.config.white_from is not None:
            image = np.where(image >= self.config.white_from, np.uint8(255), np.uint8(0))
        return image


class Augmentation:
    """Seeded augmentation of a gray image with its boxes.

    A long image stays lying or standing where others are turned: beside a turned one it would be padded to a square.
    """

    def __init__(self, config: AugmentConfig) -> None:
        steps: list[Any] = []
        albumentations = _albumentations()
        if config.geometry == "d4":
            steps.append(albumentations.D4(p=1.0))
        if config.geometry == "auto":
            raise ValueError("geometry 'auto' must be decided before; see decide_by_layout")
        if config.geometry in ("hflip", "flips"):
            steps.append(albumentations.HorizontalFlip(p=0.5))
        if config.geometry in ("vflip", "flips"):
            steps.append(albumentations.VerticalFlip(p=0.5))
        if config.photometry > 0:
            k = config.photometry
            light = albumentations.RandomBrightnessContrast(brightness_limit=0.3 * k, contrast_limit=0.4 * k, p=0.7)
            noise = albumentations.GaussNoise(std_range=(0.0, 0.04 * k), p=0.3)
            gamma = albumentations.RandomGamma(gamma_limit=(100 - 40 * k, 100 + 50 * k), p=0.3)
            steps += [light, gamma, noise]
        self._compose = _compose(steps)

    def __call__(
        self, image: NDArray[np.uint8], beside: NDArray[np.float32] | None, boxes_xyxy: NDArray[np.float64], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None, NDArray[np.float64], int]:
        """The changed image (h', w') and boxes (n, 4), the same for the same seed, and how many boxes were lost.

        A map (h, w) beside the image is mirrored and turned with it and keeps its values. Boxes come back in the order
        given; none is cut, because the geometry maps the image onto itself.
        """
        self._compose.set_random_seed(seed % 2**32)
        changed, moved, boxes, rows = _apply(self._compose, image, beside, boxes_xyxy)
        if max(image.shape) > _LONG * min(image.shape) and changed.shape != image.shape:
            changed, boxes = np.ascontiguousarray(changed.T), boxes[:, [1, 0, 3, 2]]
            moved = None if moved is None else np.ascontiguousarray(moved.T)
        return changed, moved, boxes, len(boxes_xyxy) - len(rows)


def _compose(steps: list[Any]) -> Any:
    """The steps in a row, boxes not checked after each one, which takes time: none of the steps can cut a box.

    The last one does nothing: albumentations warns of boxes where no step takes any.
    """
    albumentations = _albumentations()
    boxes = albumentations.BboxParams(
        format="pascal_voc", label_fields=["rows"], min_area=0, min_visibility=0, check_each_transform=False
    )
    return albumentations.Compose([*steps, albumentations.NoOp()], bbox_params=boxes)


def _apply(
    compose: Any, image: NDArray[np.uint8], beside: NDArray[np.float32] | None, boxes_xyxy: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None, NDArray[np.float64], NDArray[np.int64]]:
    """The changed image and map, and of the boxes that are left their new places and their rows, in the order given."""
    # albumentations wants a channel axis for some photometric steps
    given = {} if beside is None else {"mask": beside}
    result = compose(image=image[..., None], bboxes=boxes_xyxy.copy(), rows=np.arange(len(boxes_xyxy)), **given)
    changed = np.asarray(result["bboxes"], dtype=np.float64).reshape(-1, 4)
    rows = np.asarray(result["rows"], dtype=np.int64)
    order = np.argsort(rows, kind="stable")
    return np.asarray(result["image"])[..., 0], result.get("mask"), changed[order], rows[order]


def _albumentations() -> Any:
    """The library, imported where it is used and kept from asking a package index for its newest version."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations

    return albumentations
