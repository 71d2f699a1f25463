"""What a pretrained network sees in each cell of an image, without any training: for checks of the labels.

Every image becomes a grid of cells of 16 pixels with 128 numbers each. A cell holds the backbone's maps of stride 16
and, pooled or stretched to that grid, its finer and coarser ones: the extremes of the finer maps stay, since a defect
is often smaller than a cell. Each number is standardised by the mean and spread that it has over the data; where all
images have one size, over the data at that very cell, because devices lie in one jig and what is usual differs from
place to place (as in PaDiM, Defard et al. 2021). Principal components then bring the channels down to 128.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from data_tools.core.cell_features import CellFeatures
from data_tools.files.images import read_gray, resolve_under
from data_tools.networks.backbones import Backbone, build_backbone
from data_tools.networks.weights import PACKAGED_BACKBONE

DIMENSIONS = 128
_GRID_STRIDE = 16
_BATCH = 8
_CALIBRATION_IMAGES = 200
_FLOOR = 0.3  # of a channel's spread over all cells: keeps cells without any variation from being blown up


def shrunk_size(size_hw: tuple[int, int], longest_px: int) -> tuple[int, int]:
    """Height and width after shrinking, if need be, to a longer side of `longest_px`."""
    scale = min(1.0, longest_px / max(size_hw))
    return max(round(size_hw[0] * scale), 1), max(round(size_hw[1] * scale), 1)


def cell_features(
    paths: Sequence[str], images_root: Path, sizes_hw: Sequence[tuple[int, int]], scratch: Path, longest_px: int = 320
) -> CellFeatures:
    """Extract, in two passes: one over at most 200 images for means, spreads and components, one over all.

    Args:
        paths: relative to `images_root`.
        images_root: folder of the images.
        sizes_hw: of each image; images of one size go through the network together.
        scratch: folder for the file of features, which may be deleted once they are no longer used.
        longest_px: larger images are shrunk so that their longer side has so many pixels, which bounds the time.

    Raises:
        InputError: an image is not readable.
    """
    network = build_backbone(PACKAGED_BACKBONE, "package").eval()
    network.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    targets = [shrunk_size(size, longest_px) for size in sizes_hw]
    some = np.random.default_rng(0).permutation(len(paths))[:_CALIBRATION_IMAGES].tolist()
    with torch.inference_mode():
        maps = (made for _, made in _forward(network, paths, images_root, targets, some, "calibrating"))
        space = _Space(list(maps), by_position=len(set(targets)) == 1)
        grids = np.array([_grid(target) for target in targets], dtype=np.int64).reshape(-1, 2)
        starts = np.concatenate([[0], np.cumsum(grids.prod(axis=1))]).astype(np.int64)
        shape = (int(starts[-1]), space.dimensions)
        rows = np.lib.format.open_memmap(scratch / "cells.npy", "w+", np.float16, shape)
        for indices, made in _forward(network, paths, images_root, targets, range(len(paths)), "features"):
            for index, cells in zip(indices, space(made), strict=True):
                rows[starts[index] : starts[index + 1]] = cells
    return CellFeatures(rows, starts, grids)


class _Space:
    """Standardising and principal components, fitted to the maps of some images."""

    def __init__(self, batches: Sequence[Sequence[Tensor]], by_position: bool) -> None:
        self.means, self.spreads = [], []
        for level in zip(*batches, strict=True):
            flat = torch.cat([maps.float().transpose(0, 1).flatten(1) for maps in level], dim=1)
            spread = flat.std(dim=1)[None, :, None, None]
            mean = flat.mean(dim=1)[None, :, None, None]
            if by_position:
                stacked = torch.cat([maps.float() for maps in level])
                mean = stacked.mean(dim=0, keepdim=True)
                spread = stacked.std(dim=0, keepdim=True) + _FLOOR * spread if len(stacked) > 1 else spread
            self.means.append(mean)
            self.spreads.append(spread + 1e-3)
        cells = torch.cat([self._cells(maps) for maps in batches])
        self.centre, self.scale = cells.mean(dim=0), cells.std(dim=0) + 1e-6
        standard = (cells - self.centre) / self.scale
        _, axes = torch.linalg.eigh(standard.T @ standard)
        self.axes = axes.flip(1)[:, :DIMENSIONS]
        self.dimensions = int(self.axes.shape[1])

    def __call__(self, maps: Sequence[Tensor]) -> list[NDArray[np.float16]]:
        """One (cells, 128) array an image."""
        projected = ((self._cells(maps) - self.centre) / self.scale) @ self.axes
        return list(projected.reshape(len(maps[0]), -1, self.dimensions).half().numpy())

    def _cells(self, maps: Sequence[Tensor]) -> Tensor:
        """(images x cells, channels)."""
        fine, eighth, sixteenth, coarse = [
            (one.float() - mean) / spread for one, mean, spread in zip(maps, self.means, self.spreads, strict=True)
        ]
        grid = sixteenth.shape[2:]
        parts = (
            functional.adaptive_max_pool2d(fine.abs(), grid),
            functional.adaptive_max_pool2d(eighth, grid),
            -functional.adaptive_max_pool2d(-eighth, grid),
            sixteenth,
            functional.interpolate(coarse, grid, mode="bilinear", align_corners=False),
        )
        return torch.cat(parts, dim=1).permute(0, 2, 3, 1).flatten(0, 2)


def _forward(
    network: Backbone,
    paths: Sequence[str],
    root: Path,
    targets: Sequence[tuple[int, int]],
    chosen: Sequence[int],
    label: str,
) -> Iterator[tuple[list[int], list[Tensor]]]:
    """Indices of a batch of images of one size, and their maps of strides 4, 8, 16, 32 as float16."""
    device = network.mean.device
    with tqdm(total=len(chosen), desc=label, leave=False, mininterval=1.0) as bar:
        for indices in _batches(targets, chosen):
            gray = torch.stack([_load(resolve_under(root, paths[i]), targets[i]) for i in indices])
            yield indices, [one.half().cpu() for one in network(gray.to(device).expand(-1, 3, -1, -1))]
            bar.update(len(indices))


def _batches(targets: Sequence[tuple[int, int]], chosen: Sequence[int]) -> Iterator[list[int]]:
    waiting: dict[tuple[int, int], list[int]] = {}
    for i in chosen:
        waiting.setdefault(targets[i], []).append(i)
        if len(waiting[targets[i]]) == _BATCH:
            yield waiting.pop(targets[i])
    yield from waiting.values()


def _grid(size_hw: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of the map of stride 16: four times halved, rounded up."""
    return -(-size_hw[0] // _GRID_STRIDE), -(-size_hw[1] // _GRID_STRIDE)


def _load(path: Path, size_hw: tuple[int, int]) -> Tensor:
    image = read_gray(path)
    if image.shape != size_hw:
        image = np.asarray(Image.fromarray(image).resize(size_hw[::-1], Image.Resampling.BILINEAR))
    return torch.from_numpy(np.array(image, dtype=np.float32)).unsqueeze(0) / 255.0
