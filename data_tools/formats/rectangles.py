"""Annotated rectangles as they stand in files -> boxes inside the image, or rejects."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import inclusive_to_half_open
from data_tools.core.records import BOXED, Sample
from data_tools.formats.folders import is_good
from data_tools.formats.names import reason_against
from data_tools.formats.registry import Findings, ReadOptions

CLIPPED = "boxes less than a pixel outside the image: clipped"
_ROUNDING = 1e-6  # of a pixel: what arithmetic alone puts outside the image


@dataclass(frozen=True)
class Rectangle:
    """One annotated rectangle.

    Attributes:
        source, line: where it stands; None where a format has no lines.
        image: as the file names it.
        defect_type: as the file names it.
        corners: x1, y1, x2, y2 in pixels counted from 0, the second corner with the file's meaning.
        part: which of the image's annotations this is, for formats without lines, such as "shape 3".
    """

    source: Path
    line: int | None
    image: str
    defect_type: str
    corners: tuple[float, float, float, float]
    part: str = ""

    def reject(self, reason: str, findings: Findings) -> None:
        """List the rectangle as not converted."""
        findings.reject(self.source, self.line, self.image, f"{self.part}: {reason}" if self.part else reason)


def numbers(values: Sequence[object]) -> tuple[float, ...] | str:
    """The values as finite floats, or what is wrong with the first bad one."""
    found = []
    for value in values:
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            return f"corner {str(value)[:40]!r} is not a number"
        if isinstance(value, bool) or not math.isfinite(number):
            return f"corner {str(value)[:40]!r} is not finite"
        found.append(number)
    return tuple(found)


def half_open(
    rectangle: Rectangle, size_hw: tuple[int, int], corners: str, findings: Findings
) -> NDArray[np.float64] | None:
    """The (4,) half-open box inside the image, or None with a reject.

    A box that leaves the image by less than a pixel is clipped and counted; by more, its size or its corners are not
    to be trusted.

    Args:
        rectangle: as it stands in the file.
        size_hw: of its image.
        corners: "inclusive" where the pixels of the second corner belong to the box, or "exclusive".
        findings: gets the rejects and what was mended.
    """
    height, width = size_hw
    as_given = np.array([rectangle.corners], dtype=np.float64)
    box: NDArray[np.float64] = (inclusive_to_half_open(as_given) if corners == "inclusive" else as_given)[0]
    limits = np.array([width, height, width, height], dtype=np.float64)
    outside = max(float(-box.min()), float((box - limits).max()))
    clipped: NDArray[np.float64] = np.clip(box, 0.0, limits).astype(np.float64)
    if (box[2:] < box[:2]).any():
        reason = "inverted rectangle"
    elif (box[2:] <= box[:2]).any():
        reason = "zero-area rectangle"
    elif outside >= 1:
        reason = f"corner outside the {width} x {height} image"
    elif (clipped[2:] <= clipped[:2]).any():
        reason = "zero-area rectangle after clipping to the image"
    else:
        if outside > _ROUNDING:
            findings.mend(rectangle.source, rectangle.line, rectangle.image, CLIPPED)
        return clipped
    rectangle.reject(reason, findings)
    return None


def boxed_sample(
    path: str,
    size_hw: tuple[int, int],
    rectangles: Sequence[Rectangle],
    corners: str,
    options: ReadOptions,
    findings: Findings,
) -> Sample | None:
    """The sample of an image with rectangles, or None where none of them is usable: such an image is not good."""
    boxes, types = [], []
    for rectangle in rectangles:
        defect_type = options.type_map.get(rectangle.defect_type.lower(), rectangle.defect_type)
        reason = reason_against(defect_type, "class")
        if reason is None and is_good(defect_type):
            reason = f"class {defect_type!r} with a rectangle"
        if reason is not None:
            rectangle.reject(reason, findings)
            continue
        box = half_open(rectangle, size_hw, corners, findings)
        if box is not None:
            boxes.append(box)
            types.append(defect_type)
    if not boxes:
        return None
    labels = np.ones(len(boxes), dtype=np.int64)
    return Sample(1, path, size_hw, np.array(boxes), labels, BOXED, "", types[0], tuple(types))
