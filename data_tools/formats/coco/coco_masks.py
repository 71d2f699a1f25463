"""Masks of COCO as run lengths: counts down the columns, background first, as numbers or packed into text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.formats.images.image_places import declared_size
from data_tools.formats.shapes.rectangles import Box
from data_tools.formats.shapes.regions import label
from data_tools.formats.shapes.run_lengths import box_of_runs, mask_down_columns, runs_of_counts

_FIRST, _BITS, _MORE, _SIGN = 48, 5, 0x20, 0x10
_LONGEST = 12  # characters of one packed count
_SLACK = 1.5  # pixels by which a bbox may differ from its mask's extent
_LARGEST = 100_000_000  # pixels of a mask that is unpacked
_Ints = NDArray[np.int64]


def box_of_mask(segmentation: dict[str, Any]) -> Box | str:
    """The half-open box around the pixels of a mask, or what is wrong with it."""
    runs = _runs(segmentation)
    if isinstance(runs, str):
        return runs
    (height, _), starts, lengths = runs
    box = box_of_runs(starts, lengths, height)
    if isinstance(box, str):
        return box
    top, left, bottom, right = box  # of runs down the columns
    return left, top, right, bottom


def is_one_area(segmentation: Any, box: Box) -> bool:
    """Whether a mask is one 8-connected area with the given extent."""
    runs = _runs(segmentation) if isinstance(segmentation, dict) else "no mask"
    extent = box_of_mask(segmentation) if isinstance(segmentation, dict) else "no mask"
    if isinstance(runs, str) or isinstance(extent, str):
        return False
    mask = mask_down_columns(runs[1], runs[2], runs[0])
    if isinstance(mask, str) or any(abs(a - b) > _SLACK for a, b in zip(extent, box, strict=True)):
        return False
    return bool(label(mask).max() == 1)


def unpacked(text: str) -> list[int] | str:
    """The counts that pycocotools packs into text: five bits a character, and from the third on as differences.

    Source: pycocotools, maskApi.c, rleFrString.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - _FIRST
        if not 0 <= bits < 64 or shift > _LONGEST * _BITS:
            return "counts that are no packed run lengths"
        value |= (bits & 0x1F) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        if bits & _SIGN:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    return counts if not shift else "counts that end within a number"


def _runs(segmentation: dict[str, Any]) -> tuple[tuple[int, int], _Ints, _Ints] | str:
    """(height, width) of a mask and its runs, counted down the columns, or what is wrong with it."""
    size_hw, counts = declared_size(segmentation.get("size")), segmentation.get("counts")
    if size_hw is None or size_hw[0] * size_hw[1] > _LARGEST:
        return "a run-length mask without a usable size"
    values = unpacked(counts) if isinstance(counts, str) else counts
    if isinstance(values, str):
        return f"a run-length mask with {values}"
    if not isinstance(values, list) or not all(isinstance(n, int) and not isinstance(n, bool) for n in values):
        return "a run-length mask without counts"
    try:
        starts, lengths = runs_of_counts(values)
    except ValueError as error:
        return f"a run-length mask with {error}"
    if sum(values) > size_hw[0] * size_hw[1]:
        return "a run-length mask with more pixels than its size"
    return size_hw, starts[lengths > 0], lengths[lengths > 0]
