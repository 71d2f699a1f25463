"""The box of one COCO annotation: mended where that is safe, refused where it is not.

The outline tells where the bbox is missing or has no area, was written as two corners, or is that of a mask painted
with a brush. A bbox that contradicts its outline in another way is refused. A rotation turns the bbox about its centre.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from data_tools.formats.claims import Shape
from data_tools.formats.coco.coco_masks import box_of_mask, is_one_area
from data_tools.formats.shapes.outlines import around, corners_of, turned_note, turned_rectangle
from data_tools.formats.shapes.rectangles import Box, numbers
from data_tools.formats.shapes.upright import not_upright
from data_tools.formats.words.entry_words import beside_in

_AREA = "areas that are missing or not those of the box: derived"
_OUTLINE = "annotations without a bbox: boxes around their outlines"
_ZERO = "a bbox without area beside an outline: box around the outline"
_CORNERS = "a bbox written as two corners, as its outline, its area or the others of its file say: read so"
_BRUSH = "iscrowd with one connected area, as brushes of annotation tools write it: one defect"
_AREA_SLACK = 0.01
_SIDE_SLACK = 1.5  # pixels by which a side of a bbox may differ from its outline's
_NUMBERS = ("id", "image_id", "category_id", "bbox", "segmentation", "area", "iscrowd", "keypoints")
_LIKE = 0.5  # the least overlap of a bbox with the box around its outline


def read_shape(
    entry: dict[str, Any], category: str | None, size_hw: tuple[int, int] | None, as_corners: bool | None
) -> tuple[Shape, tuple[str, ...]]:
    """The box of an annotation and what was changed to make it usable.

    Args:
        entry: with bbox as left, top, width, height in pixels, or segmentation as polygons or run lengths.
        category: the name of its category; None where it has none.
        size_hw: of its image, as the file says.
        as_corners: what the other annotations of the file say of how a bbox is written, where this one does not; None
            where they contradict each other.
    """
    own_type = entry.get("type")
    kind = own_type if isinstance(own_type, str) and own_type else category
    if kind is None:
        reason = f"category_id {str(entry.get('category_id'))[:40]!r} is unknown or stands for several names"
        return Shape("unboxed", problem=reason), ()
    mask = entry.get("segmentation")
    if size_hw is not None and isinstance(mask, dict) and mask.get("size") != list(size_hw):
        return Shape(kind, problem=f"a run-length mask of size {str(mask.get('size'))[:40]}, not of its image"), ()
    box, changes = _box(entry, as_corners)
    if isinstance(box, str):
        return Shape(kind, problem=box), ()
    if entry.get("iscrowd") not in (None, 0, False):
        if not is_one_area(entry.get("segmentation"), box):
            return Shape(kind, problem="iscrowd: an area with many defects is no box"), ()
        changes = (*changes, _BRUSH)
    if not _area_fits(entry, box):
        changes = (*changes, _AREA)
    return Shape(kind, box, beside=tuple(_beside(entry))), changes


def written_as_corners(entry: dict[str, Any]) -> bool | None:
    """Whether the outline, or else the area, proves a bbox to be two corners (True) or a corner with sides (False)."""
    bbox = _bbox(entry.get("bbox"))
    return None if isinstance(bbox, str) else _are_corners(entry, bbox, _outline(entry.get("segmentation")))


def _are_corners(entry: dict[str, Any], bbox: Box, outline: Box | str) -> bool | None:
    """What `written_as_corners` says, of the numbers of the bbox and the box around the outline."""
    if min(bbox[2:]) <= 0:
        return None
    sides, corners = corners_of("corner", bbox), bbox
    if not isinstance(outline, str):
        if _close(sides, outline) or _rotation(entry):
            return None if _close(corners, outline) else False
        return True if _close(corners, outline) else None
    area = numbers((entry.get("area"),))
    if isinstance(area, str) or area[0] <= 0 or entry.get("segmentation"):
        return None
    if _is_area(area[0], sides):
        return None if _is_area(area[0], corners) else False
    return True if _is_area(area[0], corners) else None


def _box(entry: dict[str, Any], as_corners: bool | None) -> tuple[Box | str, tuple[str, ...]]:
    outline = _outline(entry.get("segmentation"))
    if entry.get("bbox") in (None, []):
        return outline, (_OUTLINE,)
    bbox = _bbox(entry["bbox"])
    if isinstance(bbox, str):
        return bbox, ()
    if not bbox[2] or not bbox[3]:
        usable = not isinstance(outline, str) and outline[2] > outline[0] and outline[3] > outline[1]
        return (outline, (_ZERO,)) if usable else (corners_of("corner", bbox), ())
    corners = _are_corners(entry, bbox, outline)
    unclear = isinstance(outline, str) or (_close(bbox, outline) and _close(corners_of("corner", bbox), outline))
    if corners is None and unclear:
        if as_corners is None:
            return "bbox of unknown meaning: others of its file are written as two corners, others with sides", ()
        corners = as_corners
    if corners:
        return bbox, (_CORNERS,)
    box = corners_of("corner", bbox)
    degrees = _rotation(entry)
    turned_or_round = not_upright(_beside(entry)) if isinstance(outline, str) else ""
    if turned_or_round:
        return turned_or_round, ()
    if degrees:
        x1, y1, x2, y2 = box
        turned = turned_rectangle(box, degrees, ((x1 + x2) / 2, (y1 + y2) / 2))
        if not isinstance(outline, str) and not _close(box, outline) and not _alike(turned, outline):
            return "bbox and rotation contradict the outline", ()
        return turned, (turned_note(degrees),)
    if not isinstance(outline, str) and not _close(box, outline) and not _alike(box, outline):
        return f"bbox {[round(side, 2) for side in bbox]} contradicts its outline, which spans {_text(outline)}", ()
    return box, ()


def _bbox(bbox: Any) -> Box | str:
    """The four numbers of a bbox."""
    if not isinstance(bbox, list) or len(bbox) != 4:
        return "bbox is not a list of left, top, width, height"
    values = numbers(bbox)
    if isinstance(values, str):
        return values.replace("corner", "bbox value")
    left, top, width, height = values
    return left, top, width, height


def _outline(segmentation: Any) -> Box | str:
    """The box around polygons or the pixels of a mask, or why there is none."""
    if isinstance(segmentation, dict):
        return box_of_mask(segmentation)
    if not isinstance(segmentation, list) or not segmentation:
        return "neither bbox nor segmentation"
    points: list[tuple[float, float]] = []
    for polygon in segmentation:
        coordinates = numbers(polygon) if isinstance(polygon, list) else "segmentation is no list of polygons"
        if isinstance(coordinates, str):
            return coordinates
        if len(coordinates) < 6 or len(coordinates) % 2:
            return "a polygon of fewer than three points"
        points += zip(coordinates[::2], coordinates[1::2], strict=True)
    return around(points)


def _rotation(entry: dict[str, Any]) -> float:
    """Degrees by which a tool says that the bbox is turned; 0 without."""
    attributes = entry.get("attributes")
    rotation = numbers((attributes.get("rotation"),)) if isinstance(attributes, dict) else "none"
    return 0.0 if isinstance(rotation, str) else rotation[0] % 360


def _beside(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What an annotation says beside its numbers, but for the rotation whose unit is known."""
    inside = entry.get("attributes")
    if isinstance(inside, dict):
        inside = {key: value for key, value in inside.items() if key != "rotation"}
    for key, value in beside_in({**entry, "attributes": inside}, _NUMBERS):
        yield key, str(value)


def _close(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= _SIDE_SLACK for a, b in zip(one, other, strict=True))


def _alike(one: Box, other: Box) -> bool:
    """Whether two boxes have at least half of what they cover together in common."""
    width, height = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common > 0 and common >= _LIKE * (sum(areas) - common)


def _is_area(area: float, box: Box) -> bool:
    of_box = (box[2] - box[0]) * (box[3] - box[1])
    return box[2] > box[0] and box[3] > box[1] and abs(area - of_box) <= _AREA_SLACK * of_box


def _area_fits(entry: dict[str, Any], box: Box) -> bool:
    """Whether the area is that of the box; with a segmentation it is the outline's, hence smaller."""
    area = numbers((entry.get("area"),))
    if isinstance(area, str):
        return False
    of_box = (box[2] - box[0]) * (box[3] - box[1])
    if entry.get("segmentation"):
        return 0 < area[0] <= of_box * (1 + _AREA_SLACK)
    return abs(area[0] - of_box) <= _AREA_SLACK * of_box


def _text(box: Box) -> str:
    return f"{box[0]:g}..{box[2]:g} x {box[1]:g}..{box[3]:g}"
