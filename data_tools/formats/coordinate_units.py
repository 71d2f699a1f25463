"""In which unit a file gives its boxes, by all of them: pixels, shares of the images' sizes, or what may be percent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.claims import Claim
from data_tools.formats.images.claimed_images import ClaimedImage
from data_tools.formats.images.image_places import ImagePlaces
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.rectangles import Box, are_shares, may_be_percent, may_be_thousandths

_PERCENT = (
    "all boxes lie in 0..100, with fractions, in images of at least 200 pixels a side: percentages, as Label Studio "
    "has them? Multiply them by the images' sizes, or round pixels to whole numbers"
)
_PERHAPS_PERCENT = (
    "files whose boxes all lie in the lower part of 0..100, with fractions, in images of at least 200 pixels a side: "
    "taken as pixels; were they percentages, multiply them by the images' sizes"
)
_THOUSANDTHS = (
    "all boxes lie in 0..1000, and half of them or more leave their images: thousandths of the images' sizes, as "
    "vision language models give them, or pixels of larger images? Write them in pixels of these images"
)
_PERHAPS_THOUSANDTHS = (
    "files whose boxes all lie in 0..1000 of larger images: taken as pixels; were they thousandths of the images' "
    "sizes, as vision language models give them, write them in pixels"
)


def sources_in_shares(claims: Sequence[Claim]) -> set[Path]:
    """The files whose boxes give shares of the images' sizes."""
    boxes: dict[Path, list[Box]] = {}
    for claim in claims:
        usable = [shape.box_xyxy for shape in claim.shapes if not shape.problem and not shape.shares]
        boxes.setdefault(claim.source, []).extend(usable)
    return {source for source, of_source in boxes.items() if are_shares(of_source)}


def refuse_percent(images: Mapping[str, ClaimedImage], places: ImagePlaces, fewest: int, findings: Findings) -> None:
    """Refuse a file of boxes that may be percentages of their images' sizes; warn of one that is less likely to be."""
    placed: dict[Path, list[tuple[Box, tuple[int, int]]]] = {}
    for path, image in images.items():
        for claim in image.claims:
            size_hw, _ = places.size_of(path, claim.declared_hw)
            boxes = [shape.box_xyxy for shape in claim.shapes if not shape.problem and not shape.shares]
            placed.setdefault(claim.source, []).extend((box, size_hw) for box in boxes if size_hw)
    for source, boxes_of_source in placed.items():
        likely = may_be_percent(boxes_of_source, fewest)
        if likely == "yes":
            raise InputError(f"{source}: {_PERCENT}")
        if likely == "far":
            findings.warnings[_PERHAPS_PERCENT] += 1
        thousandths = may_be_thousandths(boxes_of_source)
        if thousandths == "yes":
            raise InputError(f"{source}: {_THOUSANDTHS}")
        if thousandths == "far":
            findings.warnings[_PERHAPS_THOUSANDTHS] += 1
