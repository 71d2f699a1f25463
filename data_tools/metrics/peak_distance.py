"""How far the peak lies from the defect: the metric that judges a heat map and a box by the same measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import centres, diagonal, point_to_box_distance
from data_tools.records import BOXED, Sample

Point = tuple[float, float]
TOLERANCES_PX = (0, 5, 10, 15)
DRA_LIMIT_PX = 20.0


@dataclass(frozen=True)
class Distances:
    """One row for each boxed image; an abstention has an infinite distance.

    Attributes:
        to_box: (n,) pixels from the peak to the nearest true box, 0 inside it.
        to_centre: (n,) pixels from the peak to the nearest centre of a true box.
        of_diagonal: (n,) `to_box` as a share of the image's diagonal.
    """

    to_box: NDArray[np.float64]
    to_centre: NDArray[np.float64]
    of_diagonal: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Distances":
        return Distances(self.to_box[rows], self.to_centre[rows], self.of_diagonal[rows])


def peak_distances(samples: Sequence[Sample], peaks: Sequence[Point | None]) -> Distances:
    """Distances for boxed samples.

    Raises:
        ValueError: a sample is not boxed.
    """
    rows = []
    for sample, peak in zip(samples, peaks, strict=True):
        if sample.status != BOXED:
            raise ValueError(f"image {sample.image_id} has no boxes to measure a distance to")
        if peak is None:
            rows.append((np.inf, np.inf, np.inf))
            continue
        point = np.array([peak])
        to_box = float(point_to_box_distance(point, sample.boxes_xyxy).min())
        to_centre = float(np.hypot(*(centres(sample.boxes_xyxy) - point).T).min())
        rows.append((to_box, to_centre, to_box / diagonal(sample.size_hw)))
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return Distances(table[:, 0], table[:, 1], table[:, 2])


def summarise(distances: Distances) -> dict[str, float | int | None]:
    """Means over the images that have a peak; rates over all, so that an abstention is a miss.

    Keys: mean_px, median_px, p90_px, mean_centre_px, mean_diagonal, hit_rate (within 0 px), hit_rate_5px,
    hit_rate_10px, hit_rate_15px, dra_20px, coverage, n. Undefined values are None.
    """
    n = len(distances.to_box)
    known = distances.to_box[np.isfinite(distances.to_box)]

    def over_known(values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], Any]) -> float | None:
        finite = values[np.isfinite(values)]
        return float(statistic(finite)) if len(finite) else None

    hits = {
        f"hit_rate{f'_{tolerance}px' if tolerance else ''}": distance_recall(distances.to_box, tolerance)
        for tolerance in TOLERANCES_PX
    }
    return {
        "mean_px": over_known(distances.to_box, np.mean),
        "median_px": over_known(distances.to_box, np.median),
        "p90_px": over_known(distances.to_box, _p90),
        "mean_centre_px": over_known(distances.to_centre, np.mean),
        "mean_diagonal": over_known(distances.of_diagonal, np.mean),
        **hits,
        "dra_20px": distance_recall_area(distances.to_box, DRA_LIMIT_PX),
        "coverage": len(known) / n if n else None,
        "n": n,
    }


def _p90(values: NDArray[np.float64]) -> float:
    return float(np.percentile(values, 90))


def distance_recall(to_box: NDArray[np.float64], tolerance_px: float) -> float | None:
    """Share of images whose peak lies within the tolerance, as in Zhang et al., IJCV 2018; None of no images."""
    return float((to_box <= tolerance_px).mean()) if len(to_box) else None


def distance_recall_area(to_box: NDArray[np.float64], limit_px: float) -> float | None:
    """Mean of max(0, 1 - d / limit): the area under distance-recall up to the limit; None of no images."""
    return float(np.maximum(0.0, 1.0 - to_box / limit_px).mean()) if len(to_box) else None


def centre_peaks(samples: Sequence[Sample]) -> list[Point | None]:
    """The trivial localizer that always says the middle of the image."""
    return [(sample.size_hw[1] / 2, sample.size_hw[0] / 2) for sample in samples]


def mean_position_peaks(samples: Sequence[Sample], training: Sequence[Sample]) -> list[Point | None]:
    """The trivial localizer that always says the mean training defect position, as shares of height and width.

    Abstains everywhere without training boxes.
    """
    rows = [centres(s.boxes_xyxy) / np.array([s.size_hw[1], s.size_hw[0]]) for s in training if s.status == BOXED]
    if not rows:
        return [None] * len(samples)
    x, y = np.concatenate(rows).mean(axis=0)
    return [(float(x * sample.size_hw[1]), float(y * sample.size_hw[0])) for sample in samples]


def random_peaks(samples: Sequence[Sample], seed: int) -> list[Point | None]:
    """A uniformly random point for each image, from the seed and the image's id."""
    peaks: list[Point | None] = []
    for sample in samples:
        x, y = np.random.default_rng((seed, sample.image_id)).random(2)
        peaks.append((float(x * sample.size_hw[1]), float(y * sample.size_hw[0])))
    return peaks
