"""The only place that imports albumentations: augmentation that keeps boxes and discards no pixel of a defect."""

from dataclasses import dataclass
from typing import Any, Literal

import albumentations
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of the training images. Geometry maps the image onto itself, so no box is cut.

    Attributes:
        geometry: "none"; "hflip" (left-right mirror); "flips" (both mirrors, which keeps the image's shape); "d4" (all
            eight turns and mirrors, for parts without an upright).
        photometry: strength 0..1 of random brightness, contrast, blur and noise; 0 switches them off.
    """

    geometry: Literal["none", "hflip", "flips", "d4"] = "hflip"
    photometry: float = 0.5


class Augmentation:
    """Seeded augmentation of a gray image with its boxes."""

    def __init__(self, config: AugmentConfig) -> None:
        steps: list[Any] = []
        if config.geometry == "d4":
            steps.append(albumentations.D4(p=1.0))
        if config.geometry in ("hflip", "flips"):
            steps.append(albumentations.HorizontalFlip(p=0.5))
        if config.geometry == "flips":
            steps.append(albumentations.VerticalFlip(p=0.5))
        if config.photometry > 0:
            k = config.photometry
            light = albumentations.RandomBrightnessContrast(brightness_limit=0.3 * k, contrast_limit=0.4 * k, p=0.7)
            noise = albumentations.GaussNoise(std_range=(0.0, 0.04 * k), p=0.3)
            gamma = albumentations.RandomGamma(gamma_limit=(100 - 40 * k, 100 + 50 * k), p=0.3)
            steps += [light, gamma, noise]
        boxes = albumentations.BboxParams(format="pascal_voc", label_fields=["rows"], min_area=0, min_visibility=0)
        self._compose = albumentations.Compose(steps, bbox_params=boxes)

    def __call__(
        self, image: NDArray[np.uint8], boxes_xyxy: NDArray[np.float64], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64], int]:
        """The changed image (h', w') and boxes (n, 4), the same for the same seed, and how many boxes were lost.

        Boxes come back in the order given.
        """
        self._compose.set_random_seed(seed % 2**32)
        rows = np.arange(len(boxes_xyxy))
        # albumentations wants a channel axis for some photometric steps
        result = self._compose(image=image[..., None], bboxes=boxes_xyxy.copy(), rows=rows)
        changed = np.asarray(result["bboxes"], dtype=np.float64).reshape(-1, 4)
        order = np.argsort(np.asarray(result["rows"], dtype=np.int64), kind="stable")
        return np.asarray(result["image"])[..., 0], changed[order], len(rows) - len(order)
