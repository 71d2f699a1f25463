"""Whether colour tells defects that gray does not: images are read as gray, and what colour alone says is lost."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Sample
from data_tools.files.images import read_color, resolve_under
from data_tools.formats.images.parallel import map_images

_LOOKED_AT = 100
_SHOWN, _HIDDEN = 2.0, 1.0  # spreads of what is around a box, by which its mean differs from there
_MANY = 0.2  # of the boxes
_FINE_PX = 64  # across a box's shorter side are enough
_LEAST_SPREAD = 1.0  # gray level
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as images are read


def warning_about_color(samples: Sequence[Sample], root: Path) -> str | None:
    """What to say of a set in which colour shows a fifth of the boxes and gray does not; None of another.

    Boxes of some 100 images are looked at, those that leave something of the image around them.
    """
    boxed = [sample for sample in samples if sample.status == BOXED]
    some = boxed[:: max(len(boxed) // _LOOKED_AT, 1)]
    found = np.sum([(0, 0), *map_images(partial(_told, root), some, "colours")], axis=0)
    alone, seen = int(found[0]), int(found[1])
    if alone <= _MANY * seen:
        return None
    return (
        f"images are in colours and are read as gray: {alone} of {seen} boxes that were looked at differ from what is "
        "around them in colour, and not in gray, so they cannot be learned; save the channel that shows them as gray "
        "images"
    )


def _told(root: Path, sample: Sample) -> tuple[int, int]:
    """How many of an image's boxes colour alone shows, and how many could be looked at; none of a gray image."""
    try:
        image = read_color(resolve_under(root, sample.path))
    except InputError:  # which is listed where it is judged
        return 0, 0
    if image is None or image.shape[:2] != sample.size_hw:
        return 0, 0
    contrasts = [one for box in sample.boxes_xyxy if (one := _contrasts(image, box)) is not None]
    return sum(gray < _HIDDEN and color >= _SHOWN for gray, color in contrasts), len(contrasts)


def _contrasts(image: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[float, float] | None:
    """By how many spreads a box's mean differs from what is as far around it as it is long, in gray and in colour.

    None where nothing is around it.
    """
    x1, y1, x2, y2 = (int(value) for value in (*np.floor(box[:2]), *np.ceil(box[2:])))
    left, top, width, height = max(2 * x1 - x2, 0), max(2 * y1 - y2, 0), x2 - x1, y2 - y1
    step = max(min(width, height) // _FINE_PX, 1)
    rows, columns = (
        np.arange(top, min(y2 + height, len(image)), step),
        np.arange(left, min(x2 + width, image.shape[1]), step),
    )
    part = image[np.ix_(rows, columns)].astype(np.float64)
    inside = np.outer((rows >= y1) & (rows < y2), (columns >= x1) & (columns < x2))
    if inside.all() or not inside.any():
        return None
    gray = part @ _LUMA
    planes = np.stack([gray, part[..., 0] - gray, part[..., 2] - gray])
    around = planes[:, ~inside]
    differences = np.abs(planes[:, inside].mean(axis=1) - around.mean(axis=1))
    of_gray, *of_color = differences / np.maximum(around.std(axis=1), _LEAST_SPREAD)
    return float(of_gray), float(max(of_color))
