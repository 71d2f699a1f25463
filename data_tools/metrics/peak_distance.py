"""How far the peak lies from the defect: the metric that judges a heat map and a box by the same measure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.core.geometry import centres, diagonal, distance_in_pairs, point_to_box_distance
from data_tools.core.records import BOXED, Sample

Point = tuple[float, float]
TOLERANCES_PX = (0, 5, 10, 15)
DRA_LIMIT_PX = 20.0


@dataclass(frozen=True)
class Distances:
    """One row for each boxed image; an abstention has an infinite distance.

    Attributes:
        to_box: (n,) pixels from the peak to the nearest true box, 0 inside it.
        to_centre: (n,) pixels from the peak to the nearest centre of a true box.
        offset_xy: (n, 2) signed pixels from that centre to the peak, x to the right and y down; NaN for an abstention.
        diagonal: (n,) the images' diagonals in pixels.
    """

    to_box: NDArray[np.float64]
    to_centre: NDArray[np.float64]
    offset_xy: NDArray[np.float64]
    diagonal: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Distances":
        return Distances(self.to_box[rows], self.to_centre[rows], self.offset_xy[rows], self.diagonal[rows])

    @property
    def of_diagonal(self) -> NDArray[np.float64]:
        """(n,) `to_box` as a share of the image's diagonal."""
        return self.to_box / self.diagonal

    @property
    def centre_of_diagonal(self) -> NDArray[np.float64]:
        """(n,) `to_centre` as a share of the image's diagonal."""
        return self.to_centre / self.diagonal


def peak_distances(samples: Sequence[Sample], peaks: Sequence[Point | None]) -> Distances:
    """Distances for boxed samples.

    Raises:
        ValueError: a sample is not boxed.
    """
    for sample in samples:
        if sample.status != BOXED:
            raise ValueError(f"image {sample.image_id} has no boxes to measure a distance to")
    if len(samples) != len(peaks):
        raise ValueError(f"{len(peaks)} peaks for {len(samples)} samples")
    if not samples:
        return Distances(np.zeros(0), np.zeros(0), np.zeros((0, 2)), np.zeros(0))
    points = np.array([(np.nan, np.nan) if peak is None else peak for peak in peaks], dtype=np.float64)
    # one row a box, those of an image in succession
    boxes = np.concatenate([sample.boxes_xyxy for sample in samples])
    counts = np.array([len(sample.boxes_xyxy) for sample in samples])
    starts = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(samples)), counts)
    offsets = points[owner] - centres(boxes)
    to_centre = np.hypot(offsets[:, 0], offsets[:, 1])
    nearest = np.minimum.reduceat(to_centre, starts)
    first = np.full(len(samples), len(boxes))
    is_nearest = np.flatnonzero((to_centre == nearest[owner]) | np.isnan(to_centre))
    np.minimum.at(first, owner[is_nearest], is_nearest)
    to_box = np.minimum.reduceat(distance_in_pairs(points[owner], boxes), starts)
    diagonals = np.array([diagonal(sample.size_hw) for sample in samples])
    to_box, nearest = (np.where(np.isnan(values), np.inf, values) for values in (to_box, nearest))
    return Distances(to_box, nearest, offsets[first], diagonals)


def peak_distance(sample: Sample, peak_xy: Point | None) -> float:
    """Pixels from the peak to the nearest true box of one boxed sample; infinite for an abstention."""
    return float(peak_distances([sample], [peak_xy]).to_box[0])


def nearest_true_point(peak_xy: Point, boxes_xyxy: NDArray[np.float64]) -> Point:
    """The point of the nearest of the (n, 4) boxes that is nearest to the peak; the peak itself inside a box."""
    box = boxes_xyxy[int(point_to_box_distance(np.array([peak_xy]), boxes_xyxy)[0].argmin())]
    return float(np.clip(peak_xy[0], box[0], box[2])), float(np.clip(peak_xy[1], box[1], box[3]))


def recalls(to_box: NDArray[np.float64]) -> dict[str, float | None]:
    """hit_rate (within 0 px), hit_rate_5px, hit_rate_10px, hit_rate_15px and dra_20px of (n,) distances."""
    rates = {
        f"hit_rate{f'_{tolerance}px' if tolerance else ''}": distance_recall(to_box, tolerance)
        for tolerance in TOLERANCES_PX
    }
    return rates | {"dra_20px": distance_recall_area(to_box, DRA_LIMIT_PX)}


def summarise(distances: Distances) -> dict[str, float | int | None]:
    """Means over the images that have a peak; rates over all, so that an abstention is a miss.

    Keys: mean_px, median_px, p90_px to the nearest box, and the same three with _centre_px to the nearest box centre;
    each with _diagonal (median_diagonal, mean_centre_diagonal, ...) as a share of the image's diagonal; mean_dx_px and
    mean_dy_px, signed, which show a misaligned map; those of `recalls`; coverage, n. Undefined values are None.
    """
    n = len(distances.to_box)
    known = distances.to_box[np.isfinite(distances.to_box)]

    def over_known(values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], Any]) -> float | None:
        finite = values[np.isfinite(values)]
        return float(statistic(finite)) if len(finite) else None

    measured = {
        "px": distances.to_box,
        "centre_px": distances.to_centre,
        "diagonal": distances.of_diagonal,
        "centre_diagonal": distances.centre_of_diagonal,
    }
    return {
        **{f"{name}_{unit}": over_known(v, of) for unit, v in measured.items() for name, of in _STATISTICS},
        "mean_dx_px": over_known(distances.offset_xy[:, 0], np.mean),
        "mean_dy_px": over_known(distances.offset_xy[:, 1], np.mean),
        **recalls(distances.to_box),
        "coverage": len(known) / n if n else None,
        "n": n,
    }


_STATISTICS: tuple[tuple[str, Callable[[NDArray[np.float64]], Any]], ...] = (
    ("mean", np.mean),
    ("median", np.median),
    ("p90", partial(np.percentile, q=90)),
)


@dataclass(frozen=True, eq=False)
class DistanceRecall:
    """The share of images whose peak lies within a distance, as a step curve.

    Attributes:
        within_px: (n,) distinct finite distances from 0 on.
        share: (n,) of the images; between two distances it stays what it was at the smaller one.
        p95_px: the 95th percentile of the finite distances, to which a drawing should reach; None without any.
    """

    within_px: NDArray[np.float64]
    share: NDArray[np.float64]
    p95_px: float | None


def distance_recall_curve(to_box: ArrayLike) -> DistanceRecall | None:
    """The curve of (n,) distances, of which an infinite one is never reached; None of no images."""
    distances = np.asarray(to_box, dtype=np.float64)
    if not len(distances):
        return None
    finite = distances[np.isfinite(distances)]
    steps = np.unique(np.append(finite, 0.0))
    share = np.searchsorted(np.sort(distances), steps, side="right") / len(distances)
    return DistanceRecall(steps, share, float(np.percentile(finite, 95)) if len(finite) else None)


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
