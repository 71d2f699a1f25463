"""The cluster bootstrap: whole groups of images drawn with replacement (Efron & Tibshirani 1993; Field & Welsh 2007).

Images of one lot resemble each other, so drawing them one by one would make intervals too narrow. All statistics of a
call see the same draws, so that the difference of two of them is a paired bootstrap.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
_CELLS = 1_000_000

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""(c, groups) counts of c resamples -> (c,) values, NaN where a resample leaves the statistic undefined."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % percentile interval from the bootstrap."""

    value: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Clusters:
    """The group of each image as a number 0..total-1."""

    codes: NDArray[np.int64]
    total: int

    @classmethod
    def of(cls, groups: Sequence[str]) -> "Clusters":
        """Number the groups."""
        names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
        return cls(codes.astype(np.int64), len(names))


def cluster_bootstrap(values: Floats, groups: Sequence[str], seed: int, resamples: int = RESAMPLES) -> Interval | None:
    """The mean of `values` and its interval; None of no values. For a paired comparison give the differences."""
    if not len(values):
        return None
    clusters = Clusters.of(groups)
    drawn = distributions(clusters, [mean_of(values, clusters)], seed, resamples)[:, 0]
    ci95 = percentile_interval(drawn)
    return None if ci95 is None else Interval(float(np.mean(values)), ci95)


def distributions(clusters: Clusters, statistics: Sequence[Statistic], seed: int, resamples: int = RESAMPLES) -> Floats:
    """(resamples, statistics) values, each row from one draw of groups."""
    if not statistics or not clusters.total:
        return np.full((resamples, len(statistics)), np.nan)
    rows = [
        np.stack([statistic(counts) for statistic in statistics], axis=1)
        for counts in _draws(clusters.total, seed, resamples)
    ]
    return np.concatenate(rows)


def percentile_interval(drawn: Floats) -> tuple[float, float] | None:
    """The 95 % percentile interval over the resamples that are defined; None where none is."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def bootstrap_p_value(differences: Floats) -> float | None:
    """Two-sided p-value that a difference is 0: twice the smaller tail beyond 0, at least 2 / (B + 1)."""
    known = differences[np.isfinite(differences)]
    if not len(known):
        return None
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(known) + 1))


def mean_of(values: ArrayLike, clusters: Clusters) -> Statistic:
    """The mean over the images whose value is finite."""
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    codes = clusters.codes[known]
    sums = np.bincount(codes, weights=array[known], minlength=clusters.total)
    sizes = np.bincount(codes, minlength=clusters.total).astype(np.float64)
    return lambda counts: _divide(counts @ sums, counts @ sizes)


def median_of(values: ArrayLike, clusters: Clusters) -> Statistic:
    """The median over the images whose value is finite; the mean of the two middle ones for an even number."""
    array = np.asarray(values, dtype=np.float64)
    order = np.argsort(array, kind="stable")
    order = order[np.isfinite(array[order])]
    ordered, codes = array[order], clusters.codes[order]

    def statistic(counts: Floats) -> Floats:
        if not len(ordered):
            return np.full(len(counts), np.nan)
        reached = np.cumsum(counts[:, codes], axis=1)
        total = reached[:, -1:]
        low = ordered[np.argmax(reached * 2 >= total, axis=1)]
        high = ordered[np.argmax(reached * 2 > total, axis=1)]
        return np.where(total[:, 0] > 0, (low + high) / 2, np.nan)

    return statistic


def average_precision_of(scores: ArrayLike, positive: ArrayLike, clusters: Clusters) -> Statistic:
    """Average precision of the resampled images, as `data_tools.metrics.average_precision` defines it."""
    ranking = _Ranking.of(scores, positive, clusters)

    def statistic(counts: Floats) -> Floats:
        hits, tied, between = ranking.counted(counts)
        taken = np.cumsum(hits + tied + between, axis=1)
        precision = _divide(np.cumsum(hits, axis=1), taken, undefined=0.0)
        return _divide((hits * precision).sum(axis=1), hits.sum(axis=1))

    return statistic


def box_ap_of(scores: ArrayLike, hits: ArrayLike, clusters: Clusters, boxes: Floats) -> Statistic:
    """COCO's average precision of one class at one IoU: precision, made to fall, at recall 0, .01, ... 1.

    Args:
        scores: (n,) of the predicted boxes.
        hits: (n,) whether each finds a true box that none before it found.
        clusters: the groups of the n boxes' images.
        boxes: (clusters.total,) number of true boxes in each group.
    """
    ranking = _Ranking.of(scores, hits, clusters)
    recalls = np.linspace(0, 1, 101)

    def statistic(counts: Floats) -> Floats:
        hits, tied, between = ranking.counted(counts)
        reached = np.cumsum(hits, axis=1)
        precision = _divide(reached, np.cumsum(hits + tied + between, axis=1), undefined=0.0)
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        total = counts @ boxes
        recall = _divide(reached, np.broadcast_to(total[:, None], reached.shape), undefined=0.0)
        padded = np.concatenate([precision, np.zeros((len(counts), 1))], axis=1)
        at = np.stack([np.searchsorted(row, recalls, "left") for row in recall])
        return np.where(total > 0, np.take_along_axis(padded, at, axis=1).mean(axis=1), np.nan)

    return statistic


def auc_of(scores: ArrayLike, positive: ArrayLike, clusters: Clusters) -> Statistic:
    """Area under the ROC curve of the resampled images, ties counting half."""
    ranking = _Ranking.of(scores, positive, clusters)
    negatives = np.bincount(clusters.codes[~np.asarray(positive, dtype=bool)], minlength=clusters.total)

    def statistic(counts: Floats) -> Floats:
        hits, tied, between = ranking.counted(counts)
        total = counts @ negatives.astype(np.float64)
        below = total[:, None] - np.cumsum(between + tied, axis=1) + tied / 2
        return _divide((hits * below).sum(axis=1), hits.sum(axis=1) * total)

    return statistic


@dataclass(frozen=True, eq=False)
class _Ranking:
    """How many images of each group there are at and between the distinct scores of positives, from the highest.

    Attributes:
        members: sparse (3 * levels, groups): positives at a level, negatives at it, negatives above it and below the
            level before. Negatives below all positives matter to no statistic here.
        levels: number of distinct scores of positives.
    """

    members: Any
    levels: int

    @classmethod
    def of(cls, scores: ArrayLike, positive: ArrayLike, clusters: Clusters) -> "_Ranking":
        from scipy.sparse import csr_matrix

        values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
        levels = np.unique(values[flags])[::-1]
        # place of each image among the levels, counted from the highest: equal ones first, then those just above
        place = np.searchsorted(-levels, -values, "left")
        kept = place < len(levels)
        at_level = np.zeros(len(values), dtype=bool)
        at_level[kept] = levels[place[kept]] == values[kept]
        block = np.where(flags, 0, np.where(at_level, 1, 2))
        rows = (block * len(levels) + place)[kept]
        shape = (3 * len(levels), clusters.total)
        return cls(csr_matrix((np.ones(len(rows)), (rows, clusters.codes[kept])), shape=shape), len(levels))

    def counted(self, counts: Floats) -> tuple[Floats, Floats, Floats]:
        """(c, levels) positives at each level, negatives at it, and negatives between it and the one before."""
        table: Floats = np.ascontiguousarray((self.members @ counts.T).T)
        return table[:, : self.levels], table[:, self.levels : 2 * self.levels], table[:, 2 * self.levels :]


def _draws(total: int, seed: int, resamples: int) -> Iterator[Floats]:
    """Chunks (c, total) of how often each group is drawn in `total` draws with replacement."""
    rng = np.random.default_rng(seed)
    chunk = max(min(_CELLS // total, 500), 1)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = rng.integers(0, total, size=(rows, total), dtype=np.int32).astype(np.int64)
        drawn += np.arange(rows)[:, None] * total
        yield np.bincount(drawn.ravel(), minlength=rows * total).reshape(rows, total).astype(np.float64)


def _divide(upper: Floats, lower: Floats, undefined: float = np.nan) -> Floats:
    return np.divide(upper, lower, out=np.full_like(upper, undefined), where=lower > 0)
