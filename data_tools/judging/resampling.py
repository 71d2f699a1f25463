"""Bootstrap distributions of every run's figures, all from the same draws, so that they can be compared in pairs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Sample
from data_tools.judging.judged import Judged
from data_tools.metrics.bootstrap import Clusters, distributions
from data_tools.metrics.figures import Figure, Mean, Rate
from data_tools.metrics.peak_distance import DRA_LIMIT_PX, Distances

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sampled:
    """A figure on the images as they are, and on resamples of their groups (NaN where undefined).

    Attributes:
        figure: defined on the images as they are.
        drawn: (resamples,) its values.
        seed: of the draws.
    """

    figure: Figure
    drawn: Floats
    seed: int = field(default=0)

    @property
    def value(self) -> float:
        """On the images as they are."""
        value = self.figure.value
        assert value is not None
        return value

    @cached_property
    def ci95(self) -> list[float] | None:
        """The 95 % interval as JSON has it; None where there are not enough groups."""
        interval = self.figure.interval(self.drawn, self.seed, len(self.drawn))
        return None if interval is None else list(interval)


SampledByRun = dict[str, dict[str, Sampled]]
"""By run, then by figure; a figure that is undefined for a run is absent."""


@dataclass(frozen=True)
class Sampling:
    """What of a run is resampled.

    Attributes:
        samples: the images that are drawn, with their groups.
        figures: by name, for a run and the clusters of these images.
    """

    samples: Callable[[Judged], Sequence[Sample]]
    figures: Callable[[Judged, Clusters], Mapping[str, Figure]]


def resample(sampling: Sampling, runs: Mapping[str, Judged], seed: int, resamples: int) -> SampledByRun:
    """The figures of every run, of which there is at least one, all from the same draws."""
    first = next(iter(runs.values()))
    clusters = Clusters.of([sample.group for sample in sampling.samples(first)])
    return draw_all({label: sampling.figures(run, clusters) for label, run in runs.items()}, clusters, seed, resamples)


def resample_distances(
    distances: Mapping[str, Distances], groups: Sequence[str], seed: int, resamples: int
) -> SampledByRun:
    """The `pointing_figures` of distances that belong to no run, such as those of baselines."""
    clusters = Clusters.of(groups)
    figures = {name: pointing_figures(one.to_box, one, clusters) for name, one in distances.items()}
    return draw_all(figures, clusters, seed, resamples)


def pointing_figures(to_box: Floats, distances: Distances, clusters: Clusters) -> dict[str, Figure]:
    """The mean distance where there is a peak, and shares of all boxed images.

    Args:
        to_box: (n,) distances, infinite for an abstention; those of `distances`, or with the detection in the way.
        distances: of the same images, for the furthest that a peak can be.
        clusters: their groups.
    """
    furthest = float(distances.diagonal.max(initial=0.0))
    return {
        "mean_px": Mean(to_box, clusters, (0.0, furthest)),
        "hit_rate": Rate((to_box <= 0).astype(np.float64), clusters),
        "hit_rate_15px": Rate((to_box <= 15).astype(np.float64), clusters),
        "dra_20px": Mean(np.maximum(0.0, 1.0 - to_box / DRA_LIMIT_PX), clusters),
        "coverage": Rate(np.isfinite(to_box).astype(np.float64), clusters),
    }


def draw_all(
    figures: Mapping[str, Mapping[str, Figure]], clusters: Clusters, seed: int, resamples: int
) -> SampledByRun:
    """Every figure that is defined, by run and name, from the same draws; one of two names is drawn once."""
    every = dict.fromkeys(figure for of_run in figures.values() for figure in of_run.values())
    defined = [figure for figure in every if figure.value is not None]
    drawn = distributions(clusters, [figure.statistic() for figure in defined], seed, resamples)
    sampled = {figure: Sampled(figure, column, seed) for figure, column in zip(defined, drawn.T, strict=True)}
    return {
        label: {name: sampled[figure] for name, figure in of_run.items() if figure in sampled}
        for label, of_run in figures.items()
    }
