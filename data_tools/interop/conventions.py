"""Boxes and points in another convention than pixels of the original image, recognised where they are read.

What the reading would change, such as a box that is cut at the border, has to be refused here: later it looks right.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError

Floats = NDArray[np.float64]

FIRST_PIXEL = 1.5  # coordinates of whole images never all lie below, shares of an image with some slack do
_SLACK_PX = 1.0
_FAR = 0.05  # of the image's longer side: so far beyond the border no detector reaches by rounding


def require_pixels(path: Path, coordinates: Floats, what: str) -> None:
    """Refuse coordinates that are shares of the image.

    Args:
        path: of the file, for the message.
        coordinates: all of the file, in any shape.
        what: they belong to, in the plural.

    Raises:
        InputError: all lie within the first pixel.
    """
    if coordinates.size and np.abs(coordinates).max() <= FIRST_PIXEL:
        raise InputError(
            f"{path}: all {what} lie within the first pixel (up to {np.abs(coordinates).max():g}): shares of the image "
            "(0..1)? Give pixels of the original image"
        )


def cut_to_images(
    path: Path, wheres: Sequence[str], boxes_xywh: Floats, sizes_wh: Floats, names: Sequence[str]
) -> tuple[Floats, tuple[str, ...]]:
    """(n, 4) boxes as corners inside their images, and notes on what was cut.

    Args:
        path: of the file.
        wheres: (n,) where each box stands.
        boxes_xywh: (n, 4) left, top, width, height as given.
        sizes_wh: (n, 2) width and height of each box's image.
        names: (n,) of the images.

    Raises:
        InputError: shares of the image, a box wholly outside its image, or corners in the place of width and height.
    """
    require_pixels(path, boxes_xywh, "boxes")
    boxes = np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)
    limits = np.concatenate([sizes_wh, sizes_wh], axis=1)
    inside = np.clip(boxes, 0.0, limits)
    beyond = np.abs(boxes - inside).max(axis=1, initial=0.0)
    far = beyond > _FAR * sizes_wh.max(axis=1)
    if far.any() and _are_corners(boxes_xywh, limits):
        raise InputError(
            f"{path}: {int(far.sum())} of {len(boxes)} boxes reach far beyond their image, and none does "
            "if bbox is read as corners x1, y1, x2, y2; COCO results are x, y, width, height"
        )
    outside = np.flatnonzero(_emptied(boxes, inside))
    if len(outside):
        first = int(outside[0])
        width, height = (f"{side:g}" for side in sizes_wh[first])
        raise InputError(
            f"{wheres[first]}: bbox {boxes_xywh[first].tolist()} lies wholly outside {names[first]} of {width} x "
            f"{height} pixels, as do {len(outside)} of {len(boxes)} boxes: {_guess(boxes, sizes_wh)}"
        )
    cut = int((beyond > 1e-6).sum())
    notes = [f"{cut} boxes reached beyond their image and were cut at its border"] if cut else []
    if 3 * int(far.sum()) > len(boxes):
        notes.append("so many reach beyond that the boxes may be of another image size, or corners x1, y1, x2, y2")
    return inside, tuple(notes)


def _emptied(boxes: Floats, inside: Floats) -> NDArray[np.bool_]:
    """Which boxes have an area that is all cut away, or lie away from the image without one."""
    sides, left = boxes[:, 2:] - boxes[:, :2], inside[:, 2:] - inside[:, :2]
    away = (np.abs(boxes - inside) > _SLACK_PX).all(axis=1)
    return np.asarray(((sides > 0) & (left <= 0)).any(axis=1) | away)


def _are_corners(boxes: Floats, limits: Floats) -> bool:
    ordered = (boxes[:, 2:] > boxes[:, :2]).all()
    return bool(ordered and (boxes <= limits + _SLACK_PX).all() and (boxes >= -_SLACK_PX).all())


def _guess(boxes: Floats, sizes_wh: Floats) -> str:
    """What the boxes may be instead, from how far they reach."""
    swapped = boxes[:, [1, 0, 3, 2]]
    if (swapped <= np.concatenate([sizes_wh, sizes_wh], axis=1) + _SLACK_PX).all() and (swapped >= -_SLACK_PX).all():
        return "x and y swapped? None does if they are"
    reach = (boxes[:, 2:] / sizes_wh).max(axis=0)
    return f"of another image size? They reach to {reach[0]:.2g} widths and {reach[1]:.2g} heights of their images"
