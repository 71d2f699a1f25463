"""The box of one COCO annotation: mended where that is safe, refused where it is not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.formats.rectangles import Rectangle, numbers

_AREA = "areas that are missing or not those of the box: derived"
_POLYGON = "annotations without a bbox: boxes around their polygons"
_CLIPPED = "boxes of which at least half is inside the image: clipped"
_AREA_SLACK = 0.01
_INSIDE = 0.5


@dataclass(frozen=True)
class Box:
    """A usable box with its type, and what was changed to make it so."""

    defect_type: str
    corners: tuple[float, float, float, float]
    changes: tuple[str, ...]

    def as_key(self) -> tuple[str, tuple[float, float, float, float]]:
        """What two duplicates have in common."""
        return self.defect_type, self.corners

    def rectangle(self, source: Path, image: str, part: str) -> Rectangle:
        """The box as it stands in a file."""
        return Rectangle(source, None, image, self.defect_type, self.corners, part)


def read_box(entry: dict[str, Any], category: str | None, size_hw: tuple[int, int]) -> Box | str:
    """The box of an annotation, or why it is refused.

    Args:
        entry: with bbox as left, top, width, height in pixels, or segmentation as polygons.
        category: the name of its category; None where it has none.
        size_hw: of its image, for clipping.
    """
    own_type = entry.get("type")
    defect_type = own_type if isinstance(own_type, str) and own_type else category
    if defect_type is None:
        return f"category_id {str(entry.get('category_id'))[:40]!r} is unknown or stands for several names"
    if entry.get("iscrowd") not in (None, 0, False):
        return "iscrowd: an area with many defects is no box"
    changes = []
    bbox = entry.get("bbox")
    if bbox in (None, []):
        corners = _around_polygons(entry.get("segmentation"))
        changes.append(_POLYGON)
    else:
        corners = _from_bbox(bbox)
    if isinstance(corners, str):
        return corners
    if not _area_fits(entry, corners):
        changes.append(_AREA)
    inside = _clipped(corners, size_hw)
    if inside is not None:
        corners = inside
        changes.append(_CLIPPED)
    return Box(defect_type, corners, tuple(changes))


def _from_bbox(bbox: Any) -> tuple[float, float, float, float] | str:
    if not isinstance(bbox, list) or len(bbox) != 4:
        return "bbox is not a list of left, top, width, height"
    found = numbers(bbox)
    if isinstance(found, str):
        return found.replace("corner", "bbox value")
    left, top, width, height = found
    if width < 0 or height < 0:
        return "bbox with a negative side"
    return left, top, left + width, top + height


def _around_polygons(polygons: Any) -> tuple[float, float, float, float] | str:
    if isinstance(polygons, dict):
        return "a run-length mask without a bbox; export with boxes"
    if not isinstance(polygons, list) or not polygons:
        return "neither bbox nor segmentation"
    xs: list[float] = []
    ys: list[float] = []
    for polygon in polygons:
        found = numbers(polygon) if isinstance(polygon, list) else "segmentation is no list of polygons"
        if isinstance(found, str):
            return found
        if len(found) < 6 or len(found) % 2:
            return "a polygon of fewer than three points"
        xs += found[::2]
        ys += found[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def _area_fits(entry: dict[str, Any], corners: tuple[float, float, float, float]) -> bool:
    """Whether the area is that of the box; with a segmentation it is the outline's, hence smaller."""
    found = numbers((entry.get("area"),))
    if isinstance(found, str):
        return False
    of_box = (corners[2] - corners[0]) * (corners[3] - corners[1])
    if entry.get("segmentation"):
        return 0 < found[0] <= of_box * (1 + _AREA_SLACK)
    return abs(found[0] - of_box) <= _AREA_SLACK * of_box


def _clipped(
    corners: tuple[float, float, float, float], size_hw: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """The part inside the image of a box that leaves it, where that is at least half of the box; else None."""
    height, width = size_hw
    box = np.array(corners)
    inside = np.clip(box, 0.0, [width, height, width, height])
    whole, kept = np.prod(box[2:] - box[:2]), np.prod(inside[2:] - inside[:2])
    if np.array_equal(box, inside) or not np.isfinite(whole) or whole <= 0 or kept < _INSIDE * whole:
        return None
    x1, y1, x2, y2 = inside.tolist()
    return x1, y1, x2, y2
