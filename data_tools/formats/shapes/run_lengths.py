"""Masks as run lengths. The box around one needs no mask; nothing is unpacked that is larger than its image."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.formats.shapes.rectangles import Box

EMPTY = "an empty mask"
_SEPARATORS = str.maketrans("[](),;", "      ")
_Ints = NDArray[np.int64]
_LARGEST = 1 << 40  # far above any image, far below what int64 sums overflow


def box_of_runs(starts: _Ints, lengths: _Ints, row_length: int) -> Box | str:
    """The half-open box around runs of pixels that are counted from 0 along rows.

    For runs along columns give the height as `row_length` and exchange x and y of the result.

    Args:
        starts, lengths: (n,) of the runs; runs of length 0 are left out.
        row_length: pixels in a row.
    """
    starts, lengths = starts[lengths > 0], lengths[lengths > 0]
    if not len(starts):
        return EMPTY
    last = starts + lengths - 1
    first_row, last_row = starts // row_length, last // row_length
    wraps = first_row != last_row
    left = np.where(wraps, 0, starts % row_length).min()
    right = np.where(wraps, row_length - 1, last % row_length).max()
    return float(left), float(first_row.min()), float(right + 1), float(last_row.max() + 1)


def runs_of_counts(counts: Sequence[int]) -> tuple[_Ints, _Ints]:
    """Starts and lengths of the runs that belong to a mask, from alternating counts of which the first is background.

    Raises:
        ValueError: a count below 0 or beyond any image.
    """
    array = np.array(counts, dtype=np.int64) if all(0 <= count < _LARGEST for count in counts) else None
    if array is None:
        raise ValueError("a count below 0 or beyond any image")
    ends = np.cumsum(array)
    return (ends - array)[1::2], array[1::2]


def runs_of_pairs(text: str) -> tuple[_Ints, _Ints] | str:
    """Starts, counted from 0, and lengths of "start length start length ...", with starts from 1; or what is wrong.

    Starts rise and runs do not overlap in what is meant so: others count in another way, such as from the last end.
    """
    words = text.translate(_SEPARATORS).split()
    if not all(word.isascii() and word.isdigit() and len(word) < 13 for word in words):
        bad = next(word for word in words if not (word.isascii() and word.isdigit() and len(word) < 13))
        return f"run length {bad[:20]!r} is no whole number"
    if len(words) % 2:
        return f"{len(words)} run-length numbers, but starts and lengths come in pairs"
    values = np.array([int(word) for word in words], dtype=np.int64).reshape(-1, 2)
    starts, lengths = values[:, 0] - 1, values[:, 1]
    if (starts < 0).any():
        return "a run that starts at 0, but run lengths count from 1"
    if (lengths < 1).any():
        return "a run of length 0"
    if (starts[1:] < (starts + lengths)[:-1]).any():
        return "runs that overlap or are out of order, so not counted from the image's first pixel"
    return starts, lengths


def mask_down_columns(starts: _Ints, lengths: _Ints, size_hw: tuple[int, int]) -> NDArray[np.bool_] | str:
    """(h, w) mask of runs that are counted from 0 down the columns, or why they do not fit the image."""
    height, width = size_hw
    if len(starts) and int(starts[-1] + lengths[-1]) > height * width:
        return f"runs reach pixel {int(starts[-1] + lengths[-1])}, but the {width} x {height} image has fewer"
    steps = np.zeros(height * width + 1, dtype=np.int8)
    np.add.at(steps, starts, 1)
    np.add.at(steps, starts + lengths, -1)
    inside: NDArray[np.bool_] = np.cumsum(steps[:-1], dtype=np.int8) > 0
    return inside.reshape(width, height).T
