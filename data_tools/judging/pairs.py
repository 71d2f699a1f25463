"""Two approaches on the same images: how a metric's figures are compared, with the group as the unit.

A metric names one of these rules for each of its comparisons. A rule takes a `Pair` and gives a `Tested`, or None where
there is nothing to compare; nothing outside this module knows how an interval or a p-value comes about.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.judging.judged import Judged
from data_tools.judging.resampling import Sampled, SampledByRun, draw_all
from data_tools.judging.single_images import PerImageTest
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS, resampled_interval
from data_tools.metrics.figures import Figure, Mean, Median
from data_tools.metrics.sign_flip import EXACT_GROUPS, RANDOM_FLIPS, Flips, sign_flip, smallest_p_value

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Approach:
    """Runs that differ by their seed alone, by label."""

    name: str
    runs: Mapping[str, Judged]

    @property
    def first(self) -> Judged:
        """One of the runs; the truth is the same in all."""
        return next(iter(self.runs.values()))

    @property
    def distances(self) -> Floats:
        """(boxed images, seeds) pixels."""
        return np.stack([run.distances.to_box for run in self.runs.values()], axis=1)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two approaches, with the resampled figures of one metric.

    Attributes:
        a, b: the approaches.
        sampled: the metric's figures, by the labels of all runs.
        seed: of the resampling.
        resamples: how many.
    """

    a: Approach
    b: Approach
    sampled: SampledByRun
    seed: int
    resamples: int

    def sides(self, figure: str) -> tuple[list[Sampled], list[Sampled]] | None:
        """The figure of the runs of each; None where a run lacks it."""
        sides = []
        for approach in (self.a, self.b):
            of_runs = [self.sampled[label].get(figure) for label in approach.runs]
            known = [one for one in of_runs if one is not None]
            if len(known) < len(of_runs):
                return None
            sides.append(known)
        return sides[0], sides[1]


@dataclass(frozen=True)
class Tested:
    """a minus b in one figure.

    Attributes:
        value_a, value_b: means over seeds, on the images that are compared.
        ci95: 95 % interval of the difference; None where there are not enough groups.
        p_value: that there is no difference, two-sided; None where that is unknown.
        test: how interval and p-value came about, in words.
        n: images behind it.
        n_groups: groups of these images.
        fewest_groups: groups with the kind of image that the fewest have.
        per_image: name and p-value of a test of single images, where every group is one image.
    """

    value_a: float
    value_b: float
    ci95: tuple[float, float] | None
    p_value: float | None
    test: str
    n: int
    n_groups: int
    fewest_groups: int
    per_image: tuple[str, float] | None = None

    @property
    def difference(self) -> float:
        """Of the two values."""
        return self.value_a - self.value_b


Rule = Callable[[Pair], Tested | None]


def by_group(figure: str, n: Callable[[Judged], int], per_image: PerImageTest | None = None) -> Rule:
    """Interval by the bootstrap and p-value by the sign-flip permutation of whole groups.

    Args:
        figure: its name among the metric's.
        n: counts the images that it is over.
        per_image: a test to be shown beside it where every group is one image and each approach has one run.
    """

    def rule(pair: Pair) -> Tested | None:
        n_images = n(pair.a.first)
        sides = pair.sides(figure) if n_images else None
        return None if sides is None else _tested(pair, *sides, n_images, per_image)

    return rule


def by_common_mean(per_image: PerImageTest | None = None) -> Rule:
    """The mean distance on the images on which every run of both has a peak."""
    return lambda pair: _on_common_images(pair, Mean, per_image)


def by_common_median(pair: Pair) -> Tested | None:
    """The median distance on the same images."""
    return _on_common_images(pair, Median, None)


def _on_common_images(pair: Pair, make: type[Mean], per_image: PerImageTest | None) -> Tested | None:
    columns = np.concatenate([pair.a.distances, pair.b.distances], axis=1)
    everywhere = np.isfinite(columns).all(axis=1)
    if not everywhere.any():
        return None
    groups = [sample.group for sample, kept in zip(pair.a.first.boxed, everywhere, strict=True) if kept]
    clusters = Clusters.of(groups)
    bounds = 0.0, float(pair.a.first.distances.diagonal.max())
    figures = {str(i): {"": make(column, clusters, bounds)} for i, column in enumerate(columns[everywhere].T)}
    sampled = [one[""] for one in draw_all(figures, clusters, pair.seed, pair.resamples).values()]
    k = len(pair.a.runs)
    return _tested(pair, sampled[:k], sampled[k:], len(groups), per_image)


def _tested(pair: Pair, a: Sequence[Sampled], b: Sequence[Sampled], n: int, per_image: PerImageTest | None) -> Tested:
    figure = a[0].figure
    groups, fewest, counted = figure.clusters.total, figure.fewest_groups, figure.groups
    values = [float(np.mean([one.value for one in side])) for side in (a, b)]
    single = per_image is not None and len(a) == len(b) == 1 and groups == len(figure.clusters.codes)
    beside = per_image(a[0].figure, b[0].figure) if per_image is not None and single else None
    if fewest < 2:
        return Tested(values[0], values[1], None, None, NOT_ENOUGH_GROUPS, n, counted, fewest, beside)
    drawn = _over_seeds(a, pair.seed) - _over_seeds(b, pair.seed + 1)
    span = figure.bounds[1] - figure.bounds[0]
    ci95 = resampled_interval(values[0] - values[1], drawn, groups, fewest, (-span, span))
    p_value = sign_flip(_flips([one.figure for one in a], [one.figure for one in b]), groups, pair.seed)
    test = _in_words(groups, fewest, "by group and by seed" if len(a) + len(b) > 2 else "by group")
    return Tested(values[0], values[1], ci95, p_value, test, n, counted, fewest, beside)


def _over_seeds(runs: Sequence[Sampled], seed: int) -> Floats:
    """(resamples,) means over seeds that are themselves drawn with replacement."""
    k = len(runs)
    if k == 1:
        return runs[0].drawn
    columns = np.stack([one.drawn for one in runs], axis=1)
    weights = np.random.default_rng((seed, k)).multinomial(k, np.full(k, 1 / k), size=len(columns))
    mean: Floats = (columns * weights).sum(axis=1) / k
    return mean


def _flips(a: Sequence[Figure], b: Sequence[Figure]) -> Flips:
    """The mean over pairs of runs in which each run of a, and each of b, takes part equally often."""
    pairs = [a[i % len(a)].flips(b[i % len(b)]) for i in range(math.lcm(len(a), len(b)))]
    return lambda signs: np.asarray(np.mean([flips(signs) for flips in pairs], axis=0))


def _in_words(groups: int, fewest: int, drawn: str) -> str:
    ways = f"all 2^{groups} ways" if groups <= EXACT_GROUPS else f"{RANDOM_FLIPS} of the ways"
    least = smallest_p_value(groups)
    floor = f", no p below {least:.3g}" if least > 0.05 else ""
    degrees = f"t with {fewest - 1} degree{'s' if fewest > 2 else ''} of freedom"
    return f"sign-flip permutation of {groups} groups ({ways}{floor}); interval: paired bootstrap {drawn}, {degrees}"
