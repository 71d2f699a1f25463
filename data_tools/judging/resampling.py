"""Bootstrap distributions of every run's statistics, all from the same draws, so that they can be compared in pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Sample
from data_tools.judging.judged import Judged
from data_tools.metrics.bootstrap import (
    Clusters,
    Statistic,
    distributions,
    mean_of,
    percentile_interval,
)
from data_tools.metrics.peak_distance import DRA_LIMIT_PX, Distances

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sampled:
    """A statistic on the images as they are, and on resamples of their groups (NaN where undefined)."""

    value: float
    drawn: Floats

    @property
    def ci95(self) -> list[float] | None:
        """The percentile interval, as JSON has it."""
        interval = percentile_interval(self.drawn)
        return None if interval is None else list(interval)


SampledByRun = dict[str, dict[str, Sampled]]
"""By run, then by statistic; a statistic that is undefined for a run is absent."""


@dataclass(frozen=True, eq=False)
class ToSample:
    """A statistic before it is resampled.

    Attributes:
        value: on the images as they are; None where it is undefined, so that nothing is drawn.
        statistic: the same as a function of how often each group is drawn.
        for_seeds_alone: needed only where some approach has several seeds; otherwise another rule gives its interval.
    """

    value: float | None
    statistic: Statistic
    for_seeds_alone: bool = False


@dataclass(frozen=True)
class Sampling:
    """What of a run is resampled.

    Attributes:
        samples: the images that are drawn, with their groups.
        statistics: by name, for a run and the clusters of these images.
    """

    samples: Callable[[Judged], Sequence[Sample]]
    statistics: Callable[[Judged, Clusters], Mapping[str, ToSample]]


def resample(
    sampling: Sampling, runs: Mapping[str, Judged], seed: int, resamples: int, several_seeds: bool
) -> SampledByRun:
    """The statistics of every run, of which there is at least one, all from the same draws."""
    first = next(iter(runs.values()))
    clusters = Clusters.of([sample.group for sample in sampling.samples(first)])
    statistics = {
        (label, name): one
        for label, run in runs.items()
        for name, one in sampling.statistics(run, clusters).items()
        if several_seeds or not one.for_seeds_alone
    }
    return _draw(runs, clusters, statistics, seed, resamples)


def resample_distances(
    distances: Mapping[str, Distances], groups: Sequence[str], seed: int, resamples: int
) -> SampledByRun:
    """The `rates` of distances that belong to no run, such as those of baselines."""
    clusters = Clusters.of(groups)
    statistics = {
        (name, key): mean_to_sample(column, clusters)
        for name, one in distances.items()
        for key, column in rates(one.to_box).items()
    }
    return _draw(distances, clusters, statistics, seed, resamples)


def resample_common(
    make: Callable[[Floats, Clusters], Statistic],
    columns: Sequence[Floats],
    groups: Sequence[str],
    seed: int,
    resamples: int,
) -> Floats:
    """(resamples, columns) values of one statistic, such as `mean_of`, for several columns on the same images."""
    clusters = Clusters.of(groups)
    return distributions(clusters, [make(column, clusters) for column in columns], seed, resamples)


def rates(to_box: Floats) -> dict[str, Floats]:
    """For each image its distance, whether it hits at 0 and 15 px, and its part of DRA; a mean of each is a metric."""
    return {
        "mean_px": to_box,
        "hit_rate": (to_box <= 0).astype(np.float64),
        "hit_rate_15px": (to_box <= 15).astype(np.float64),
        "dra_20px": np.maximum(0.0, 1.0 - to_box / DRA_LIMIT_PX),
    }


def mean_to_sample(column: Floats, clusters: Clusters) -> ToSample:
    """The mean over the images whose value is finite."""
    known = column[np.isfinite(column)]
    return ToSample(float(known.mean()) if len(known) else None, mean_of(column, clusters))


def _draw(
    labels: Mapping[str, object],
    clusters: Clusters,
    statistics: Mapping[tuple[str, str], ToSample],
    seed: int,
    resamples: int,
) -> SampledByRun:
    defined = {key: (one.value, one.statistic) for key, one in statistics.items() if one.value is not None}
    drawn = distributions(clusters, [statistic for _, statistic in defined.values()], seed, resamples)
    sampled: SampledByRun = {label: {} for label in labels}
    for ((label, name), (value, _)), column in zip(defined.items(), drawn.T, strict=True):
        sampled[label][name] = Sampled(value, column)
    return sampled
