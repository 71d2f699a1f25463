"""Annotations of one image in several files, which may be of two people, or of two versions of a set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data_tools.core.geometry import iou
from data_tools.formats.claims import Claim
from data_tools.formats.images.name_readings import bare, folded
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.rectangles import Box

OVERLAP = 0.5
"""Intersection over union from which on two boxes may be of one defect."""
_RIVAL = (
    "a box that overlaps one of {!r} by half and more: both count; where these are versions of one set, give one alone"
)
_SEVERAL = "annotated by a file of its name in {!r} too: joined; where one of them is older, or predicted, leave it out"


def tell_of_several_files(
    path: str,
    claims: Sequence[Claim],
    boxes: Sequence[tuple[Box, str]],
    sources: Sequence[Path],
    findings: Findings,
) -> None:
    """List that an image has two files of its name, and boxes that overlap one of another file.

    Args:
        path: of the image.
        claims: about it.
        boxes, sources: as for `rivals`.
        findings: of the reader.
    """
    several = files_of_its_name(path, [claim.source for claim in claims if claim.shapes])
    if several:
        findings.mend(several[-1], None, path, _SEVERAL.format(str(several[0].parent)))
    for place, file in rivals(boxes, sources):
        findings.mend(sources[place], None, path, _RIVAL.format(file.name))


def rivals(boxes: Sequence[tuple[Box, str]], sources: Sequence[Path]) -> list[tuple[int, Path]]:
    """The boxes that overlap one of the same type in an earlier file, by their place, and that file.

    Args:
        boxes: corners in pixels, and types, of one image.
        sources: the file of each.
    """
    if len(set(sources)) < 2:
        return []
    corners = np.array([box for box, _ in boxes])
    overlaps = iou(corners, corners) >= OVERLAP
    found = []
    for later in range(1, len(boxes)):
        for earlier in range(later):
            same_type = boxes[earlier][1] == boxes[later][1]
            if overlaps[earlier, later] and same_type and sources[earlier] != sources[later]:
                found.append((later, sources[earlier]))
                break
    return found


def files_of_its_name(path: str, sources: Sequence[Path]) -> list[Path]:
    """The files that are called as an image is, where several are: one an image is what such formats have.

    Args:
        path: of the image.
        sources: files that annotate it.
    """
    name = folded(bare(path.rpartition("/")[2]))
    named = [file for file in dict.fromkeys(sources) if folded(bare(file.stem)) == name]
    return named if len(named) > 1 else []
