"""What the detector has found in one image at input size, as numpy arrays, whichever runtime found it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.core.slices import Window


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


def placed(boxes_xyxy: NDArray[np.float32], seen_hw: tuple[int, int], window: Window) -> NDArray[np.float64]:
    """(n, 4) boxes of a look of that height and width, in pixels of the image of which it showed a window."""
    x1, y1, x2, y2 = window
    scale = np.array([(x2 - x1) / seen_hw[1], (y2 - y1) / seen_hw[0]] * 2)
    moved: NDArray[np.float64] = boxes_xyxy.astype(np.float64) * scale + np.array([x1, y1, x1, y1])
    return moved


SizedDetections = tuple[Detections, tuple[int, int]]
"""Detections with the height and width at which the network saw the image, before padding."""
