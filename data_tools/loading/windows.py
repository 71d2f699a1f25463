"""Random windows of training images: the same defect large and small, whole and in part, here and there.

The window's sides are drawn before anybody looks at the boxes, so that the scale does not give the label away; then its
place is drawn until each box is either well visible or out of sight, because a sliver of a defect is neither.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.slices import Window

LEAST_VISIBLE = 0.4
_LEAST_LEFT = 0.5  # pixels; albumentations rounds, and keeps boxes of no area at the edge of a crop
_TRIES = 20
_AROUND = 2 / 3


def random_window(
    size_hw: tuple[int, int], boxes_xyxy: NDArray[np.float64], most: float, rng: np.random.Generator
) -> Window:
    """A window x1, y1, x2, y2 in pixels, within an image of that height and width.

    Each box shows at least `LEAST_VISIBLE` of its area or nothing of it; where there are boxes, at least one shows. If
    no such place is found for the drawn sides, as with boxes that fill the image, the window is the whole image.

    Args:
        size_hw: of the image.
        boxes_xyxy: (n, 4).
        most: each side leaves out a share drawn from 0..`most`.
        rng: of the window.
    """
    sides = [max(round(side * (1 - rng.uniform(0, most))), 1) for side in size_hw]
    for _ in range(_TRIES):
        y, x = (int(rng.integers(0, full - side + 1)) for full, side in zip(size_hw, sides, strict=True))
        window = (x, y, x + sides[1], y + sides[0])
        shown = visible_share(boxes_xyxy, window)
        if ((shown == 0) | (shown >= LEAST_VISIBLE)).all() and (not len(shown) or shown.any()):
            return window
    return 0, 0, size_hw[1], size_hw[0]


def slice_window(
    size_hw: tuple[int, int], boxes_xyxy: NDArray[np.float64], side: int, rng: np.random.Generator
) -> Window:
    """A square window of a training image that is seen in slices, two of three around one of its boxes.

    Each box shows at least `LEAST_VISIBLE` of its area or nothing of it, if such a place is found.

    Args:
        size_hw: of the image.
        boxes_xyxy: (n, 4) of defects, or of a patch that is to be seen as often as a defect.
        side: in pixels; a narrower image gives a narrower window.
        rng: of the window.
    """
    height, width = min(side, size_hw[0]), min(side, size_hw[1])
    most = np.array([size_hw[1] - width, size_hw[0] - height])
    around = boxes_xyxy[rng.integers(len(boxes_xyxy))] if len(boxes_xyxy) and rng.random() < _AROUND else None
    window = (0, 0, width, height)
    for _ in range(_TRIES):
        low, high = np.zeros(2), most.astype(np.float64)
        if around is not None:  # the box's middle lies somewhere in the window
            middle = (around[:2] + around[2:]) / 2
            low, high = np.clip(middle - (width, height), 0, most), np.clip(middle, 0, most)
        x, y = np.floor(rng.uniform(low, high + 1)).clip(0, most).astype(int).tolist()
        window = (x, y, x + width, y + height)
        shown = visible_share(boxes_xyxy, window)
        if ((shown == 0) | (shown >= LEAST_VISIBLE)).all():
            break
    return window


def slice_side(sides: Sequence[int], rng: np.random.Generator) -> int:
    """The side of a training window, drawn from those of all levels: each half as likely as the finer one."""
    weights = 0.5 ** np.arange(len(sides))
    return int(rng.choice(sides, p=weights / weights.sum()))


def visible_share(boxes_xyxy: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """(n,) share 0..1 of each box's area that lies in the window."""
    cut = clipped(boxes_xyxy, window)
    inside = np.prod(cut[:, 2:] - cut[:, :2], axis=1)
    shares: NDArray[np.float64] = inside / np.prod(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], axis=1)
    return shares


def clipped(boxes_xyxy: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """The boxes (n, 4) cut at the window's edges, without area where they lie outside."""
    x1, y1, x2, y2 = window
    cut: NDArray[np.float64] = np.clip(boxes_xyxy, (x1, y1, x1, y1), (x2, y2, x2, y2))
    return cut


def is_left(cut_xyxy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) whether at least half a pixel of both sides is left of each box (n, 4) that a window's edges have cut."""
    left: NDArray[np.bool_] = np.all(cut_xyxy[:, 2:] - cut_xyxy[:, :2] >= _LEAST_LEFT, axis=1)
    return left
