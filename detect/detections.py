"""What the detector has found in one image at input size, as numpy arrays, whichever runtime found it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes in input pixels, best first.

    Attributes:
        boxes_xyxy: (n, 4) float32; scores: (n,) float32 in 0..1; labels: (n,) int64 class ids from 1.
        image_logit: of the image-level head.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]
    image_logit: float


SizedDetections = tuple[Detections, tuple[int, int]]
"""Detections with the height and width at which the network saw the image, before padding."""
