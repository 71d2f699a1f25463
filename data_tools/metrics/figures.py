"""Figures of a run as the inference by group needs them: a value, its interval, and what swapping whole groups does.

A figure knows the group of each of its images. New ones derive from `Figure`; a mean over images is `Mean` or, of zeros
and ones, `Rate`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.metrics.auc import placements, roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import (
    Clusters,
    Floats,
    Statistic,
    auc_of,
    average_precision_of,
    both_ways,
    mean_of,
    median_of,
)
from data_tools.metrics.clustered import Ends, auc_interval, mean_interval, rate_interval, resampled_interval
from data_tools.metrics.sign_flip import Flips, linear


class Figure(ABC):
    """One figure of one run.

    Attributes:
        clusters: the groups of its images.
        bounds: the smallest and the largest value it can have.
    """

    clusters: Clusters
    bounds: Ends = (0.0, 1.0)

    @property
    @abstractmethod
    def value(self) -> float | None:
        """On the images as they are; None where it is undefined."""

    @abstractmethod
    def statistic(self) -> Statistic:
        """The same as a function of how often each group is drawn."""

    @abstractmethod
    def beside(self, other: "Figure") -> "Figure":
        """The figure of both runs' answers, with the groups of the other numbered after one's own.

        Scores are replaced by their ranks, so that those of two approaches compare.
        """

    @property
    def groups(self) -> int:
        """Groups with an image that counts."""
        return self.clusters.total

    @property
    def fewest_groups(self) -> int:
        """Groups with any image; where several kinds of image are needed, with the kind that the fewest have."""
        return int(np.count_nonzero(self.clusters.sizes()))

    def interval(self, drawn: Floats, seed: int, resamples: int) -> Ends | None:
        """95 %; by default from the resamples `drawn` of the statistic."""
        if self.value is None:
            return None
        return resampled_interval(self.value, drawn, self.clusters.total, self.fewest_groups, self.bounds)

    def flips(self, other: "Figure") -> Flips:
        """This minus the other on the same images, as a function of the groups that are swapped."""
        statistic = self.beside(other).statistic()

        def differences(signs: Floats) -> Floats:
            ours, theirs = both_ways(statistic, np.hstack([(1 + signs) / 2, (1 - signs) / 2]))
            return ours - theirs

        return differences


@dataclass(frozen=True, eq=False)
class Mean(Figure):
    """The mean over the images whose value is finite.

    Attributes:
        values: (n,) of the images.
    """

    values: Floats
    clusters: Clusters
    bounds: Ends = (0.0, 1.0)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) whether an image has a value."""
        return np.isfinite(self.values)

    @property
    def value(self) -> float | None:
        """The mean; None where no image has a value."""
        return float(self.values[self.known].mean()) if self.known.any() else None

    @property
    def groups(self) -> int:
        """Groups with an image that has a value."""
        return int(np.count_nonzero(self.clusters.sizes(self.known)))

    @property
    def fewest_groups(self) -> int:
        """The same."""
        return self.groups

    def statistic(self) -> Statistic:
        """The mean of a resample."""
        return mean_of(self.values, self.clusters)

    def beside(self, other: Figure) -> "Mean":
        """Of both runs' values."""
        assert isinstance(other, Mean)
        return Mean(np.concatenate([self.values, other.values]), self.clusters.beside(other.clusters), self.bounds)

    def interval(self, drawn: Floats, seed: int, resamples: int) -> Ends | None:
        """Bootstrap-t by group."""
        known = self.known
        if not known.any():
            return None
        return self._interval(
            self.values[known], Clusters(self.clusters.codes[known], self.clusters.total), seed, resamples
        )

    def _interval(self, values: Floats, clusters: Clusters, seed: int, resamples: int) -> Ends | None:
        return mean_interval(values, clusters, self.bounds, seed, resamples)

    def flips(self, other: Figure) -> Flips:
        """A sum over groups, unless images without a value in one alone change what is divided by."""
        assert isinstance(other, Mean)
        known = self.known
        if not (known.any() and np.array_equal(known, other.known)):
            return super().flips(other)
        differences = np.where(known, self.values - other.values, 0.0) / known.sum()
        return linear(self.clusters.sums(differences))


@dataclass(frozen=True, eq=False)
class Rate(Mean):
    """The share of images; `values` are 0 or 1, or NaN for those that do not count."""

    def _interval(self, values: Floats, clusters: Clusters, seed: int, resamples: int) -> Ends | None:
        return rate_interval(values, clusters)


@dataclass(frozen=True, eq=False)
class Median(Mean):
    """The median over the images whose value is finite."""

    @property
    def value(self) -> float | None:
        """The median; None where no image has a value."""
        return float(np.median(self.values[self.known])) if self.known.any() else None

    def statistic(self) -> Statistic:
        """The median of a resample."""
        return median_of(self.values, self.clusters)

    def beside(self, other: Figure) -> "Median":
        """Of both runs' values."""
        return Median(**vars(super().beside(other)))

    def interval(self, drawn: Floats, seed: int, resamples: int) -> Ends | None:
        """By the group bootstrap."""
        return Figure.interval(self, drawn, seed, resamples)

    def flips(self, other: Figure) -> Flips:
        """By the median of both runs' values."""
        return Figure.flips(self, other)


@dataclass(frozen=True, eq=False)
class Ranked(Figure):
    """A figure of image scores, which is undefined where a class is missing.

    Attributes:
        scores: (n,) higher is more defective.
        positive: (n,) whether the image shows a defect.
    """

    scores: Floats
    positive: NDArray[np.bool_]
    clusters: Clusters

    @property
    def fewest_groups(self) -> int:
        """Of the groups with positives and of those with negatives the fewer."""
        return int(min(np.count_nonzero(self.clusters.sizes(flags)) for flags in (self.positive, ~self.positive)))

    @cached_property
    def ranks(self) -> Floats:
        """(n,) from 1 for the lowest score, equal ones sharing their mean."""
        return mean_ranks(self.scores)

    def beside(self, other: Figure) -> "Ranked":
        """Of both runs' ranks."""
        assert isinstance(other, Ranked)
        return type(self)(
            np.concatenate([self.ranks, other.ranks]),
            np.concatenate([self.positive, other.positive]),
            self.clusters.beside(other.clusters),
        )


class AveragePrecision(Ranked):
    """Average precision of the image scores."""

    @cached_property
    def value(self) -> float | None:
        """None where a class is missing: without negatives every precision is 1, which says nothing of the scores."""
        return None if self.positive.all() else average_precision(self.scores, self.positive)

    def statistic(self) -> Statistic:
        """Average precision of a resample."""
        return average_precision_of(self.scores, self.positive, self.clusters)


class Auc(Ranked):
    """Area under the ROC curve of the image scores."""

    @cached_property
    def value(self) -> float | None:
        """None where a class is missing."""
        return roc_auc(self.scores, self.positive)

    def statistic(self) -> Statistic:
        """AUC of a resample."""
        return auc_of(self.scores, self.positive, self.clusters)

    def interval(self, drawn: Floats, seed: int, resamples: int) -> Ends | None:
        """By the clustered variance, on the logit scale."""
        if self.value is None:
            return None
        return auc_interval(placements(self.scores, self.positive), self.positive, self.clusters)

    def flips(self, other: Figure) -> Flips:
        """Exactly, and yet a sum over groups: in AUC(signs) - AUC(-signs) what is even in the signs cancels out.

        Each positive is placed among the negatives of both approaches' ranks, and each negative among the positives.
        """
        assert isinstance(other, Ranked)
        pooled = np.concatenate([self.ranks, other.ranks])
        both = placements(pooled, np.tile(self.positive, 2))
        differences = np.empty(len(self.scores))
        for flags, placed in ((self.positive, both[0]), (~self.positive, both[1])):
            count = int(flags.sum())
            differences[flags] = (placed[:count] - placed[count:]) / count
        return linear(self.clusters.sums(differences))


def mean_ranks(scores: ArrayLike) -> Floats:
    """(n,) ranks of (n,) scores from 1 for the lowest, equal ones sharing their mean."""
    _, places, counts = np.unique(np.asarray(scores, dtype=np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[places]
