"""Which boxed images belong together: by defect type, by size and by shape."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import areas
from data_tools.core.records import Sample
from data_tools.metrics.box_map import TERCILES, tercile_edges

_ASPECTS = (1.5, 3.0)
ASPECT_NAMES = ("below_1.5", "1.5_to_3", "3_and_above")


def strata(boxed: Sequence[Sample], training: Sequence[Sample]) -> dict[str, NDArray[np.str_]]:
    """For "by_type", "by_size" and "by_aspect" the part that each boxed image belongs to.

    Size is the area of the image's largest box by the terciles of the training boxes, left out where there are too
    few; aspect is the longer side of that box over the shorter.
    """
    result = {"by_type": np.array([sample.type for sample in boxed], dtype=str)}
    largest = [sample.boxes_xyxy[int(areas(sample.boxes_xyxy).argmax())] for sample in boxed]
    table = np.array(largest, dtype=np.float64).reshape(-1, 4)
    sides = table[:, 2:] - table[:, :2]
    edges = tercile_edges(training)
    if edges is not None:
        result["by_size"] = np.array(TERCILES)[np.searchsorted(edges, sides[:, 0] * sides[:, 1], "left")]
    aspects = sides.max(axis=1, initial=0.0) / np.maximum(sides.min(axis=1, initial=np.inf), 1e-9)
    result["by_aspect"] = np.array(ASPECT_NAMES)[np.searchsorted(_ASPECTS, aspects, "right")]
    return result
