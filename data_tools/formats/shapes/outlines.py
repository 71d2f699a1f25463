"""The boxes around outlines that annotation tools draw: points, turned rectangles, ellipses and circles.

Angles are degrees clockwise as one sees the image, that is from the x axis towards the y axis, which points down.
"""

from collections.abc import Sequence
from math import cos, hypot, isfinite, radians, sin
from typing import Any

from data_tools.formats.claims import Shape
from data_tools.formats.shapes.rectangles import Box

Point = tuple[float, float]

NO_LABEL = "defect"
LINE = "a line: the box around its points is taken"
WITHOUT_AREA = "{} without an area: says only that there is a defect"


def shape(
    label: str,
    box: Box | str,
    line: int | None = None,
    note: str = "",
    part: str = "",
    beside: tuple[tuple[str, Any], ...] = (),
) -> Shape:
    """The shape of a box, or of the reason why there is none; without a label it is a "defect", which is noted."""
    if not label.strip():
        label, note = NO_LABEL, "; ".join(filter(None, (note, f"without a label: taken as {NO_LABEL!r}")))
    if not isinstance(box, str) and not all(map(isfinite, box)):
        box = "corner is not finite"
    if isinstance(box, str):
        return Shape(label, line=line, problem=box, part=part, beside=beside)
    return Shape(label, box, line, note, part=part, beside=beside)


def around(points: Sequence[Point]) -> Box:
    """The box around points, of which there is at least one."""
    return corners_of("outline", [side for point in points for side in point])


def corners_of(shape: str, numbers: Sequence[float]) -> Box:
    """The box of the numbers of one, whose shape is one of those that `columns.Columns` has."""
    if shape == "outline":
        xs, ys = numbers[::2], numbers[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    a, b, c, d = numbers
    if shape == "corner":
        return a, b, a + c, b + d
    if shape == "centre":
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return a, b, c, d


def turned_rectangle(box: Box, degrees: float, pivot: Point) -> Box:
    """The box around a rectangle turned about a point."""
    x1, y1, x2, y2 = box
    return around([_turned(corner, degrees, pivot) for corner in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))])


def turned_ellipse(centre: Point, radii: Point, degrees: float = 0.0) -> Box:
    """The box around an ellipse turned about its centre."""
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    half_width = hypot(radii[0] * cosine, radii[1] * sine)
    half_height = hypot(radii[0] * sine, radii[1] * cosine)
    return centre[0] - half_width, centre[1] - half_height, centre[0] + half_width, centre[1] + half_height


def circle_through(a: Point, b: Point, c: Point) -> Box | str:
    """The box around the circle through three points, or why there is none."""
    bx, by, cx, cy = b[0] - a[0], b[1] - a[1], c[0] - a[0], c[1] - a[1]
    double = 2 * (bx * cy - by * cx)
    if double == 0:
        return "three points on a line make no circle"
    x = (cy * (bx * bx + by * by) - by * (cx * cx + cy * cy)) / double
    y = (bx * (cx * cx + cy * cy) - cx * (bx * bx + by * by)) / double
    radius = hypot(x, y)
    return turned_ellipse((a[0] + x, a[1] + y), (radius, radius))


def turned_note(degrees: float) -> str:
    """What is said of a turned shape; "" where it is not turned."""
    return f"turned by {degrees:g} degrees: the box around it is taken" if degrees % 360 else ""


def _turned(point: Point, degrees: float, pivot: Point) -> Point:
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    dx, dy = point[0] - pivot[0], point[1] - pivot[1]
    return pivot[0] + dx * cosine - dy * sine, pivot[1] + dx * sine + dy * cosine
