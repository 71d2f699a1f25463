"""Pooling of maps over what a network would see of an image that came alone.

A batch pads smaller images, and cells of padding would drown what the others say.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def own_cells(
    size_hw: tuple[int, int], padded_hw: tuple[int, int], grid_hw: tuple[int, int], stride: int
) -> tuple[int, int]:
    """Rows and columns that an image would have in a map of that stride if it came alone.

    Args:
        size_hw: height and width of the image in the batch's input, before padding; a side that fills it has all cells.
        padded_hw: of the batch's input.
        grid_hw: rows and columns of the map over it.
        stride: of the map, in input pixels.
    """
    sides = zip(size_hw, padded_hw, grid_hw, strict=True)
    rows, columns = (cells if side == padded else min(-(-side // stride), cells) for side, padded, cells in sides)
    return rows, columns


def mean_pool(maps: Tensor, own_hw: Sequence[tuple[int, int]], padded_hw: tuple[int, int]) -> Tensor:
    """(n, c, rows, columns) -> (n, c): the mean over each image's own cells, of which the last may be cut short.

    Args:
        maps: of a padded batch.
        own_hw: height and width of each image's own input; none where all fill the batch's.
        padded_hw: of the batch's input, in the same unit: pixels, of which a cell has a whole number, or cells.
    """
    return _pool(torch.mean, maps, own_hw, padded_hw)


def max_pool(maps: Tensor, own_hw: Sequence[tuple[int, int]], padded_hw: tuple[int, int]) -> Tensor:
    """As `mean_pool`, the maximum."""
    return _pool(torch.amax, maps, own_hw, padded_hw)


def _pool(
    over: Callable[..., Tensor], maps: Tensor, own_hw: Sequence[tuple[int, int]], padded_hw: tuple[int, int]
) -> Tensor:
    if all(size_hw == padded_hw for size_hw in own_hw):
        return over(maps, dim=(2, 3))
    grid_hw = (maps.shape[2], maps.shape[3])
    reached = [[-(-g * own // p) for g, own, p in zip(grid_hw, size_hw, padded_hw, strict=True)] for size_hw in own_hw]
    cells = [one[:, :rows, :columns] for one, (rows, columns) in zip(maps, reached, strict=True)]
    return torch.stack([over(one, dim=(1, 2)) for one in cells])
