"""How far the cells of an image lie from those of good images: defects that no labelled defect resembles stand out.

A Gaussian is fitted to the features of good images, and the Mahalanobis distance to it is the surprise: PaDiM (Defard
et al., ICPR Workshops 2021). As there, each place in the image has a Gaussian of its own where all images have one
grid of cells, since devices lie in one jig; images of several sizes share one Gaussian.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.cell_features import CellFeatures

_MOST_IMAGES = 2_000  # more would make a covariance of 128 features no better
_CHUNK = 64
_RIDGE = 0.05  # of a feature's mean variance: keeps distances finite where good images are few


class Normality:
    """What is usual in the cells of good images.

    Args:
        cells: features of all images.
        good: indices of images without a defect, at least one.
    """

    def __init__(self, cells: CellFeatures, good: Sequence[int] | NDArray[np.int64]) -> None:
        self._by_place = len(np.unique(cells.grids_hw, axis=0)) == 1
        chosen = np.asarray(good, dtype=np.int64)
        if len(chosen) > _MOST_IMAGES:
            chosen = chosen[np.linspace(0, len(chosen) - 1, _MOST_IMAGES).astype(np.int64)]
        count = 0
        total: NDArray[np.float64] = np.zeros(1)
        square: NDArray[np.float64] = np.zeros(1)
        for start in range(0, len(chosen), _CHUNK):
            rows = self._placed([cells.of(i) for i in chosen[start : start + _CHUNK]])
            count += rows.shape[1]
            total = total + rows.sum(axis=1, dtype=np.float64)
            square = square + rows.transpose(0, 2, 1) @ rows
        self._means = np.asarray(total / count)[:, None]
        covariances = square / count - self._means.transpose(0, 2, 1) @ self._means
        width = covariances.shape[-1]
        ridge = _RIDGE * float(np.trace(covariances.mean(axis=0))) / width + 1e-6
        roots = np.linalg.cholesky(covariances + ridge * np.eye(width))
        self._whiten = np.linalg.inv(roots).astype(np.float32)

    def distances(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """(cells,) Mahalanobis distances of the (cells, features) of one image."""
        placed = self._placed([rows]) - self._means.astype(np.float32)
        white = self._whiten @ placed.transpose(0, 2, 1)
        distances: NDArray[np.float64] = np.sqrt((white.astype(np.float64) ** 2).sum(axis=1)).ravel()
        return distances

    def _placed(self, images: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """(places, samples, features): a place for each cell, or one place for all cells."""
        return np.stack(images, axis=1) if self._by_place else np.concatenate(images)[None]
