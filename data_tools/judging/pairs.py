"""Two approaches on the same images: the tests by which a metric's figures are compared.

A metric names one of these rules for each of its comparisons. A rule takes a `Pair` and gives a `Tested`, or None where
there is nothing to compare; nothing outside this module knows how an interval or a p-value comes about.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.judging.judged import Judged
from data_tools.judging.resampling import SampledByRun, resample_common
from data_tools.metrics.auc import compare_auc
from data_tools.metrics.bootstrap import bootstrap_p_value, mean_of, median_of, percentile_interval
from data_tools.metrics.comparison import mcnemar, wilcoxon

_BOOTSTRAP = "paired bootstrap clustered by group"
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Approach:
    """Runs that differ by their seed alone, by label."""

    name: str
    runs: Mapping[str, Judged]

    def drawn(self, columns: Floats, seed: int) -> Floats:
        """(resamples, seeds) statistics -> (resamples,) means over seeds that are themselves drawn with replacement."""
        k = len(self.runs)
        if k == 1:
            return columns[:, 0]
        weights = np.random.default_rng((seed, k)).multinomial(k, np.full(k, 1 / k), size=len(columns))
        mean: Floats = (columns * weights).sum(axis=1) / k
        return mean

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
    """Two approaches, with the resampled statistics of one metric.

    Attributes:
        a, b: the approaches.
        sampled: the metric's statistics, by the labels of all runs.
        seed: of the resampling.
        resamples: how many.
    """

    a: Approach
    b: Approach
    sampled: SampledByRun
    seed: int
    resamples: int

    @property
    def and_seeds(self) -> str:
        """What the name of a test adds where seeds are resampled too."""
        return " and by seed" if len(self.a.runs) + len(self.b.runs) > 2 else ""

    def difference(self, statistic: str) -> tuple[float, Floats] | None:
        """Of the means over seeds, on the images and on the resamples; None where a run lacks the statistic."""
        sides = []
        for approach, offset in ((self.a, 0), (self.b, 1)):
            of_runs = [self.sampled[label].get(statistic) for label in approach.runs]
            known = [one for one in of_runs if one is not None]
            if len(known) < len(of_runs):
                return None
            drawn = approach.drawn(np.stack([one.drawn for one in known], axis=1), self.seed + offset)
            sides.append((float(np.mean([one.value for one in known])), drawn))
        return sides[0][0] - sides[1][0], sides[0][1] - sides[1][1]


@dataclass(frozen=True)
class Tested:
    """a minus b in one figure.

    Attributes:
        difference: of the means over seeds.
        ci95: its 95 % interval.
        p_value: that there is no difference, two-sided; None where that is unknown.
        test: how interval and p-value came about, in words.
        n: images behind it.
        n_groups: groups of these images, where they are not those of the whole split.
    """

    difference: float
    ci95: tuple[float, float]
    p_value: float | None
    test: str
    n: int
    n_groups: int | None = None


Rule = Callable[[Pair], Tested | None]


def by_bootstrap(statistic: str, n: Callable[[Judged], int]) -> Rule:
    """Interval and p-value from the resamples of a statistic; `n` counts the images that it is over."""

    def rule(pair: Pair) -> Tested | None:
        n_images = n(pair.a.first)
        sampled = pair.difference(statistic) if n_images else None
        if sampled is None:
            return None
        difference, drawn = sampled
        return Tested(
            difference, _interval(difference, drawn), bootstrap_p_value(drawn), _BOOTSTRAP + pair.and_seeds, n_images
        )

    return rule


def by_delong(pair: Pair) -> Tested | None:
    """The AUC by DeLong's test; with several seeds, or where a class is missing, by the bootstrap of "auc"."""
    run_a, run_b = pair.a.first, pair.b.first
    n = len(run_a.samples)
    if n and len(pair.a.runs) == len(pair.b.runs) == 1:
        tested = compare_auc(run_a.scores, run_b.scores, run_a.positive)
        if tested is not None:
            return Tested(tested.difference, tested.ci95, tested.p_value, "DeLong", n)
    return by_bootstrap("auc", lambda run: len(run.samples))(pair)


def by_hits(pair: Pair) -> Tested | None:
    """The hit rate: interval by bootstrap, p-value by McNemar's exact test.

    With several seeds an image counts as hit when more than half of them hit it.
    """
    tested = by_bootstrap("hit_rate", lambda run: len(run.boxed))(pair)
    if tested is None:
        return None
    hit_a, hit_b = ((approach.distances <= 0).mean(axis=1) > 0.5 for approach in (pair.a, pair.b))
    p_value = mcnemar(int((hit_a & ~hit_b).sum()), int((hit_b & ~hit_a).sum()))
    test = f"{tested.test}; exact McNemar" + (" of the majority over seeds" if pair.and_seeds else "")
    return Tested(tested.difference, tested.ci95, p_value, test, tested.n)


def by_common_mean(pair: Pair) -> Tested | None:
    """The mean distance where every run of both has a peak: interval by bootstrap, p-value by Wilcoxon's test."""
    common = _Common.of(pair)
    if common is None:
        return None
    drawn = common.drawn(pair, resample_common(mean_of, common.columns, common.groups, pair.seed, pair.resamples))
    difference = float(np.mean(np.mean(common.a, axis=0)) - np.mean(np.mean(common.b, axis=0)))
    tested = wilcoxon(common.a.mean(axis=1) - common.b.mean(axis=1))
    over_seeds = " of the means over seeds" if pair.and_seeds else ""
    test = f"{_BOOTSTRAP}{pair.and_seeds} of the mean; Wilcoxon signed rank{over_seeds}, zero differences dropped"
    p_value = 1.0 if tested is None else tested[1]
    return Tested(difference, _interval(difference, drawn), p_value, test, len(common.a), common.n_groups)


def by_common_median(pair: Pair) -> Tested | None:
    """The median distance on the same images, by bootstrap alone."""
    common = _Common.of(pair)
    if common is None:
        return None
    drawn = common.drawn(pair, resample_common(median_of, common.columns, common.groups, pair.seed, pair.resamples))
    difference = float(np.mean(np.median(common.a, axis=0)) - np.mean(np.median(common.b, axis=0)))
    interval, p_value = _interval(difference, drawn), bootstrap_p_value(drawn)
    return Tested(difference, interval, p_value, _BOOTSTRAP + pair.and_seeds, len(common.a), common.n_groups)


@dataclass(frozen=True, eq=False)
class _Common:
    """(images, seeds) distances of both approaches on the images on which every run has a peak."""

    a: Floats
    b: Floats
    groups: list[str]

    @classmethod
    def of(cls, pair: Pair) -> "_Common | None":
        """None where there is no such image."""
        distances = np.concatenate([pair.a.distances, pair.b.distances], axis=1)
        everywhere = np.isfinite(distances).all(axis=1)
        if not everywhere.any():
            return None
        groups = [sample.group for sample, kept in zip(pair.a.first.boxed, everywhere, strict=True) if kept]
        k = len(pair.a.runs)
        return cls(distances[everywhere, :k], distances[everywhere, k:], groups)

    @property
    def columns(self) -> list[Floats]:
        return [*self.a.T, *self.b.T]

    @property
    def n_groups(self) -> int:
        return len(set(self.groups))

    def drawn(self, pair: Pair, of_columns: Floats) -> Floats:
        """(resamples,) differences of the means over seeds, from the values of all columns."""
        k = self.a.shape[1]
        return pair.a.drawn(of_columns[:, :k], pair.seed) - pair.b.drawn(of_columns[:, k:], pair.seed + 1)


def _interval(difference: float, drawn: Floats) -> tuple[float, float]:
    return percentile_interval(drawn) or (difference, difference)
