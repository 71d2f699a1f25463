"""Annotated rectangles as they stand in files -> boxes inside the image, or the reason why not. One rule for all.

Swapped corners are put in order. A box of which at least half lies inside the image is clipped to it. A box without
area, or mostly outside, is refused.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2."""

SWAPPED = "boxes with swapped corners: put in order"
UPSIDE_DOWN = "boxes whose first y alone is the larger one: put in order; where y counts upwards, count it from the top"
CLIPPED = "boxes less than a pixel outside the image: clipped"
CUT = "boxes of which at least half is inside the image: clipped"
SHARES = "boxes with all corners in 0..1, or a little over the edge: taken as shares of the image's size"
OUTSIDE = "outside"
"""What every reason says of a box that lies there."""
INSIDE = 0.5  # the least share of a box that has to lie inside the image
_ROUNDING = 1e-6  # of a pixel: what arithmetic alone puts outside the image


_PERCENT = 100
_FAR = 80
"""What the boxes of a file in percent reach nearly always.

Of the 16 right and lower sides of eight boxes that are spread evenly over 0..100, all stay below this in 0.8^16, so in
3 of 100 files. Those that do are read as pixels and warned of.
"""


_THOUSAND, _FEWEST_THOUSANDTHS, _BY_CHANCE = 1000, 5, 1e-3


@dataclass(frozen=True)
class Placed:
    """A usable box, half-open and inside the image, with what was changed; or why it is refused.

    Attributes:
        box_xyxy: None where it is refused.
        changes: for mended.csv.
        reason: "" where the box is usable.
    """

    box_xyxy: Box | None
    changes: tuple[str, ...] = ()
    reason: str = ""


def numbers(values: Sequence[object]) -> tuple[float, ...] | str:
    """The values as finite floats, or what is wrong with the first bad one."""
    floats = []
    for value in values:
        number: float | None
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = None
        if number is None or (isinstance(value, str) and "_" in value):  # Python takes 1_0 for 10
            return f"corner {str(value)[:40]!r} is not a number"
        if isinstance(value, bool) or not math.isfinite(number):
            return f"corner {str(value)[:40]!r} is not finite"
        floats.append(number)
    return tuple(floats)


def half_open(corners: Box, meaning: str) -> tuple[Box, str]:
    """Half-open corners in order, and a note where they were swapped.

    Args:
        corners: x1, y1, x2, y2 with the file's meaning.
        meaning: "inclusive" where the pixels of the second corner belong to the box, or "exclusive".
    """
    more = 1.0 if meaning == "inclusive" else 0.0
    (x1, x2), (y1, y2) = (_in_order(*pair, more) for pair in ((corners[0], corners[2]), (corners[1], corners[3])))
    if (x1, y1) == corners[:2]:
        return (x1, y1, x2, y2), ""
    return (x1, y1, x2, y2), UPSIDE_DOWN if x1 == corners[0] else SWAPPED


def _in_order(first: float, second: float, more: float) -> tuple[float, float]:
    """The ends of a half-open range of positive length where that is possible.

    Args:
        first, second: in any order.
        more: what lies beyond the larger one.
    """
    return (second, first + more) if second < first and second + more <= first else (first, second + more)


def are_shares(boxes_xyxy: Iterable[Box]) -> bool:
    """Whether the boxes of a file count in shares of the image's size: no pixels lie as close to the corner.

    All have sides of at most 1 and a centre in 0..1, since a box may reach over the edge; not all are whole numbers.
    """
    fractions = False
    for x1, y1, x2, y2 in boxes_xyxy:
        sides, centre = (abs(x2 - x1), abs(y2 - y1)), ((x1 + x2) / 2, (y1 + y2) / 2)
        if not (max(sides) <= 1 and min(centre) >= 0 and max(centre) <= 1):
            return False
        fractions = fractions or any(side != int(side) for side in (x1, y1, x2, y2))
    return fractions


def may_be_percent(placed: Sequence[tuple[Box, tuple[int, int]]], fewest: int) -> Literal["no", "far", "yes"]:
    """Whether the boxes of a file may be percentages of larger images, taken for pixels.

    All lie in 0..100, with fractions, in images of at least twice that on each side. A few such boxes may be pixels by
    chance; many that stay far from 100 are "far" from it.

    Args:
        placed: boxes and the (height, width) of their images.
        fewest: how few boxes are no chance; 1 where something else says that they are percentages.
    """
    if len(placed) < fewest or any(min(size_hw) < 2 * _PERCENT for _, size_hw in placed):
        return "no"
    sides = [side for box_xyxy, _ in placed for side in box_xyxy]
    fractions = any(side != int(side) for side in sides if math.isfinite(side))
    if not fractions or min(sides) < 0 or max(sides) > _PERCENT:
        return "no"
    return "yes" if fewest == 1 or max(sides) >= _FAR else "far"


def may_be_thousandths(placed: Sequence[tuple[Box, tuple[int, int]]]) -> Literal["no", "far", "yes"]:
    """Whether the boxes of a file may be thousandths of their images' sizes, as vision language models give them.

    All are whole numbers in 0..1000. Half of them leave smaller images, or in larger ones none lies where pixels would
    by chance: that is "far" from certain.

    Args:
        placed: boxes and the (height, width) of their images.
    """
    sides = [side for box_xyxy, _ in placed for side in box_xyxy]
    if len(placed) < _FEWEST_THOUSANDTHS or not all(0 <= side <= _THOUSAND and side == int(side) for side in sides):
        return "no"
    if max(sides) < _THOUSAND * _FAR / _PERCENT:
        return "no"
    leaving = sum(box[2] > width + 1 or box[3] > height + 1 for box, (height, width) in placed)
    if 2 * leaving >= len(placed):
        return "yes"
    chance = math.prod(min(1.0, _THOUSAND / side) for _, size_hw in placed for side in size_hw)
    return "far" if chance < _BY_CHANCE else "no"


def place(box_xyxy: Box, size_hw: tuple[int, int]) -> Placed:
    """A box as it lies in its image.

    Args:
        box_xyxy: half-open, in pixels.
        size_hw: of the image.
    """
    if not all(map(math.isfinite, box_xyxy)):
        return Placed(None, reason="corner is not finite")
    height, width = size_hw
    (x1, y1, x2, y2), swapped = half_open(box_xyxy, "exclusive")
    changes = [swapped] if swapped else []
    if x1 >= x2 or y1 >= y2:
        return Placed(None, reason="zero-area rectangle")
    left, top, right, bottom = max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height))
    if right <= left or bottom <= top:
        return Placed(None, reason=f"{OUTSIDE} the {width} x {height} image")
    inside = ((right - left) / (x2 - x1)) * ((bottom - top) / (y2 - y1))
    outside = max(-x1, -y1, x2 - width, y2 - height)
    if inside < INSIDE and outside >= 1:
        return Placed(None, reason=f"more than half of it lies {OUTSIDE} the {width} x {height} image")
    if right <= 1 and bottom <= 1 and min(size_hw) > 1 and any(side != int(side) for side in box_xyxy):
        return Placed(None, reason="no corner beyond the first pixel, as if these were shares of the image's size")
    if outside > _ROUNDING:
        changes.append(CUT if outside >= 1 else CLIPPED)
    return Placed((left, top, right, bottom), tuple(changes))
