"""Features of the cells of images, as checks of labels read them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CellFeatures:
    """Features of every cell of every image, in a file that is mapped into memory.

    Attributes:
        rows: (all cells, 128) float16, image after image, each row by row.
        starts: (n + 1,) where each image's cells start; the last is the total.
        grids_hw: (n, 2) rows and columns of each image's grid.
    """

    rows: NDArray[np.float16]
    starts: NDArray[np.int64]
    grids_hw: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.grids_hw)

    def of(self, index: int) -> NDArray[np.float32]:
        """(cells, 128) of one image."""
        return np.asarray(self.rows[self.starts[index] : self.starts[index + 1]], dtype=np.float32)
