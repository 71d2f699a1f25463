"""Every true box's distance to the nearest of the best k peaks, so that a second defect that is missed shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import centres, diagonal, point_to_box_distance
from data_tools.core.heatmaps import local_maxima
from data_tools.core.records import BOXED, Prediction, Sample

COUNTS = (1, 3, 5)
SUPPRESSION = 0.05
_TOLERANCES_PX = (0, 15)


def top_peaks(prediction: Prediction, count: int) -> NDArray[np.float64]:
    """(m, 2) at most `count` peaks in pixels, best first: the record's own, then further ones; none if it abstains.

    Further ones are the local maxima of the heat map, or without a map the centres of the boxes, by height or score. A
    peak nearer than 5 % of the image's diagonal to a better one is suppressed: one rule for maps and boxes.
    """
    if prediction.peak_xy is None or count < 1:
        return np.zeros((0, 2))
    if prediction.heatmap is None:
        further = centres(prediction.boxes_xyxy[np.argsort(-prediction.box_scores, kind="stable")])
    else:
        further = local_maxima(prediction.heatmap, prediction.size_hw)
    radius = SUPPRESSION * diagonal(prediction.size_hw)
    taken = [np.array(prediction.peak_xy)]
    while len(taken) < count:
        further = further[np.hypot(*(further - taken[-1]).T) >= radius]
        if not len(further):
            break
        taken.append(further[0])
    return np.array(taken)


def box_distances(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """(boxes, `COUNTS`) pixels from each true box of the boxed samples to the nearest of the best k peaks."""
    rows = [np.zeros((0, len(COUNTS)))]
    for sample, prediction in zip(samples, predictions, strict=True):
        if sample.status == BOXED:
            far = point_to_box_distance(top_peaks(prediction, max(COUNTS)), sample.boxes_xyxy)
            nearest = [far[:k].min(axis=0, initial=np.inf) for k in COUNTS]
            rows.append(np.stack(nearest, axis=1))
    return np.concatenate(rows)


def peak_recall(
    samples: Sequence[Sample], predictions: Sequence[Prediction]
) -> dict[str, dict[str, float | int | None]]:
    """For each k of `COUNTS`: mean and median distance of the boxes that have a peak, recall within 0 and 15 px, n."""
    table = box_distances(samples, predictions)
    result: dict[str, dict[str, float | int | None]] = {}
    for k, distances in zip(COUNTS, table.T, strict=True):
        known = distances[np.isfinite(distances)]
        result[str(k)] = {
            "mean_px": float(known.mean()) if len(known) else None,
            "median_px": float(np.median(known)) if len(known) else None,
            **{f"recall_{t}px": float((distances <= t).mean()) if len(distances) else None for t in _TOLERANCES_PX},
            "n_boxes": len(distances),
        }
    return result
