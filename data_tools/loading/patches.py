"""Patches: cut out of one image, stretched, and laid on another.

A patch carries its seam: its edges are feathered and its gray level is fitted to the place.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import hull
from data_tools.loading.resizing import resize

Image = NDArray[np.uint8]
Boxes = NDArray[np.float64]
_LEAST_MARGIN, MOST_MARGIN, _MARGIN_SHARE = 3.0, 12.0, 0.35
_AT_EDGE = 0.04


@dataclass(frozen=True)
class Patch:
    """What is cut out, with what is around it.

    Attributes:
        pixels: (h, w), as much more than the hull as its margin may take.
        hull_xyxy: what is laid on the target, in these pixels.
        boxes_xyxy: (n, 4) of the defects in it; none in a decoy.
        labels: (n,) of the boxes.
        along: (2,) whether it is a line along x, along y, as whoever cuts it says.
        before: (x, y) pixels of the source left of the hull and above it.
        behind: right of it and below it.
        source_wh: width and height of the source.
    """

    pixels: Image
    hull_xyxy: NDArray[np.float64]
    boxes_xyxy: Boxes
    labels: NDArray[np.int64]
    along: NDArray[np.bool_]
    before: NDArray[np.float64]
    behind: NDArray[np.float64]
    source_wh: NDArray[np.int64]

    @property
    def at_edges(self) -> NDArray[np.bool_]:
        """(2, 2) whether it was cut at the source's left and upper edge, and at its right and lower one."""
        at_edges: NDArray[np.bool_] = np.stack([self.before, self.behind]) < _AT_EDGE * self.source_wh
        return at_edges


def cut(
    source: Image, boxes_xyxy: Boxes, labels: NDArray[np.int64], along: NDArray[np.bool_], most_stretch: float
) -> Patch:
    """Cut out what holds all of some boxes.

    Args:
        source: (h, w).
        boxes_xyxy: (n, 4) in it, at least one.
        labels: (n,).
        along: see `Patch`.
        most_stretch: the margin is wide enough for a patch that many times smaller.
    """
    hull_xyxy = hull(boxes_xyxy)
    x1, y1, x2, y2 = _around(hull_xyxy, MOST_MARGIN * most_stretch, source.shape)
    corner, source_wh = np.array([x1, y1, x1, y1]), np.array(source.shape[::-1])
    return Patch(
        source[y1:y2, x1:x2].copy(),
        hull_xyxy - corner,
        boxes_xyxy - corner,
        labels,
        along,
        hull_xyxy[:2],
        source_wh - hull_xyxy[2:],
        source_wh,
    )


def stretched(patch: Patch, factors_xy: NDArray[np.float64]) -> Patch:
    """The patch that many times wider and higher."""
    height, width = np.maximum(np.round(patch.pixels.shape * factors_xy[::-1]), 1).astype(int).tolist()
    pixels, boxes = resize(patch.pixels, np.vstack([patch.hull_xyxy, patch.boxes_xyxy]), (height, width))
    return replace(patch, pixels=pixels, hull_xyxy=boxes[0], boxes_xyxy=boxes[1:])


@dataclass(frozen=True)
class Pasted:
    """An image on which a patch was laid.

    Attributes:
        image: (h, w).
        boxes_xyxy: (n, 4) of the patch's defects in it; none after a decoy.
        labels: (n,) of the boxes.
        hull_xyxy: (4,) where the patch lies, whatever it shows.
    """

    image: Image
    boxes_xyxy: Boxes
    labels: NDArray[np.int64]
    hull_xyxy: NDArray[np.float64]


def paste(target: Image, patch: Patch, centre_xy: tuple[float, float]) -> Pasted | None:
    """Lay a patch on the target, the centre of its hull as near to a place as it fits.

    The patch is opaque inside its hull and fades out over a margin around it; its gray level is shifted by the
    difference between the two images in that margin.

    Args:
        target: (h, w); not changed.
        patch: what is laid on it.
        centre_xy: wanted centre of its hull in the target.

    Returns:
        None where the patch with its margin is larger than the target.
    """
    hull_xyxy = patch.hull_xyxy
    margin = float(np.clip(_MARGIN_SHARE * (hull_xyxy[2:] - hull_xyxy[:2]).min(), _LEAST_MARGIN, MOST_MARGIN))
    x1, y1, x2, y2 = _around(hull_xyxy, margin, patch.pixels.shape)
    if x2 - x1 > target.shape[1] or y2 - y1 > target.shape[0]:
        return None
    shift = np.round(np.array(centre_xy) - (hull_xyxy[:2] + hull_xyxy[2:]) / 2).astype(int)
    left = int(np.clip(x1 + shift[0], 0, target.shape[1] - (x2 - x1)))
    top = int(np.clip(y1 + shift[1], 0, target.shape[0] - (y2 - y1)))
    over = patch.pixels[y1:y2, x1:x2].astype(np.float64)
    under = target[top : top + y2 - y1, left : left + x2 - x1].astype(np.float64)
    alpha = _feather(hull_xyxy - np.array([x1, y1, x1, y1]), (y2 - y1, x2 - x1), margin)
    ring = alpha < 1
    change = float((under - over)[ring].mean()) if ring.any() else 0.0
    made = target.copy()
    blended = under + alpha * (over + change - under)
    made[top : top + y2 - y1, left : left + x2 - x1] = np.clip(np.round(blended), 0, 255).astype(np.uint8)
    moved = np.array([left - x1, top - y1] * 2)
    return Pasted(made, patch.boxes_xyxy + moved, patch.labels, hull_xyxy + moved)


def _around(box_xyxy: NDArray[np.float64], margin: float, size_hw: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Whole pixels x1, y1, x2, y2 that hold a box with its margin, as far as the image reaches."""
    x1, y1 = np.maximum(np.floor(box_xyxy[:2] - margin), 0).astype(int).tolist()
    x2, y2 = np.minimum(np.ceil(box_xyxy[2:] + margin), size_hw[::-1]).astype(int).tolist()
    return x1, y1, x2, y2


def _feather(box_xyxy: NDArray[np.float64], size_hw: tuple[int, int], margin: float) -> NDArray[np.float64]:
    """(h, w) opacity: 1 inside the box, falling to 0 at the margin's outer edge."""
    x, y = np.arange(size_hw[1]) + 0.5, np.arange(size_hw[0]) + 0.5
    outside_x = np.maximum(np.maximum(box_xyxy[0] - x, x - box_xyxy[2]), 0.0)
    outside_y = np.maximum(np.maximum(box_xyxy[1] - y, y - box_xyxy[3]), 0.0)
    alpha: NDArray[np.float64] = np.clip(1.0 - np.hypot(outside_x[None], outside_y[:, None]) / margin, 0.0, 1.0)
    return alpha
