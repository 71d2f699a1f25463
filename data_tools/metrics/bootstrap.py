"""The cluster bootstrap: whole groups of images drawn with replacement (Efron & Tibshirani 1993; Field & Welsh 2007).

Images of one lot resemble each other, so drawing them one by one would make intervals too narrow. All statistics of a
call see the same draws, so that the difference of two of them is a paired bootstrap.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 4_000  # a standard error within 1 %
_CELLS = 1_000_000
_CACHED_CELLS = 250_000

Floats = NDArray[np.float64]
Table = NDArray[Any]
Statistic = Callable[[Floats], Floats]
"""(c, groups) counts of c resamples -> (c,) values, NaN where a resample leaves the statistic undefined."""


@dataclass(frozen=True, eq=False)
class Tabled:
    """A statistic in two steps: a table of sums over groups, and the figure of it.

    Attributes:
        table: (c, groups) counts -> (rows, c) sums over groups, of whole or half numbers, so that they are exact.
        figure: (rows, c) -> (c,) values; leaves the table as it is.
        groups: how many.
        step: resamples at a time, so few that their table stays in the processor's cache.
    """

    table: Callable[[Floats], Table]
    figure: Callable[[Table], Floats]
    groups: int
    step: int

    def __call__(self, counts: Floats) -> Floats:
        """(c, groups) counts -> (c,) values."""
        return np.concatenate([self.figure(self.table(part)) for part in self._parts(counts)])

    def both_ways(self, counts: Floats) -> tuple[Floats, Floats]:
        """The values of (c, groups) counts of 0 and 1, and of the groups that these leave out."""
        whole = self.table(np.ones((1, self.groups)))
        ours, others = [], []
        for part in self._parts(counts):
            one = self.table(part)
            ours.append(self.figure(one))
            others.append(self.figure(whole - one))
        return np.concatenate(ours), np.concatenate(others)

    def _parts(self, counts: Floats) -> list[Floats]:
        return [counts[start : start + self.step] for start in range(0, len(counts), self.step)]


@dataclass(frozen=True, eq=False)
class MeanOf:
    """The mean of those statistics that a resample leaves defined; NaN where it leaves none."""

    statistics: tuple[Statistic, ...]

    def __call__(self, counts: Floats) -> Floats:
        """(c, groups) counts -> (c,) values."""
        return self._mean([one(counts) for one in self.statistics])

    def both_ways(self, counts: Floats) -> tuple[Floats, Floats]:
        """As of `Tabled`."""
        ours, others = zip(*(both_ways(one, counts) for one in self.statistics), strict=True)
        return self._mean(ours), self._mean(others)

    @staticmethod
    def _mean(columns: Sequence[Floats]) -> Floats:
        values = np.stack(columns)
        known = np.isfinite(values)
        total = np.where(known, values, 0.0).sum(axis=0)
        return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def both_ways(statistic: Statistic, counts: Floats) -> tuple[Floats, Floats]:
    """The values of (c, groups) counts of 0 and 1, and of the groups that these leave out."""
    if isinstance(statistic, Tabled | MeanOf):
        return statistic.both_ways(counts)
    return statistic(counts), statistic(1.0 - counts)


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

    def sizes(self, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """(total,) images of each group, or of those that are chosen by (n,) flags."""
        codes = self.codes if chosen is None else self.codes[chosen]
        return np.bincount(codes, minlength=self.total).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """(total,) sums of (n,) values over the images of each group."""
        return np.asarray(np.bincount(self.codes, weights=values, minlength=self.total), dtype=np.float64)

    def beside(self, other: "Clusters") -> "Clusters":
        """The images of both, one after the other, the groups of the other numbered after one's own."""
        return Clusters(np.concatenate([self.codes, other.codes + self.total]), self.total + other.total)


def distributions(clusters: Clusters, statistics: Sequence[Statistic], seed: int, resamples: int = RESAMPLES) -> Floats:
    """(resamples, statistics) values, each row from one draw of groups."""
    if not statistics or not clusters.total:
        return np.full((resamples, len(statistics)), np.nan)
    rows = [
        np.stack([statistic(counts) for statistic in statistics], axis=1)
        for counts in draws(clusters.total, seed, resamples)
    ]
    return np.concatenate(rows)


def percentile_interval(drawn: Floats) -> tuple[float, float] | None:
    """The 95 % percentile interval over the resamples that are defined; None where none is."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def mean_of(values: ArrayLike, clusters: Clusters) -> Statistic:
    """The mean over the images whose value is finite."""
    array = np.asarray(values, dtype=np.float64)
    known = np.isfinite(array)
    codes = clusters.codes[known]
    sums = np.bincount(codes, weights=array[known], minlength=clusters.total)
    sizes = np.bincount(codes, minlength=clusters.total).astype(np.float64)
    return lambda counts: _divide(counts @ sums, counts @ sizes)


def median_of(values: ArrayLike, clusters: Clusters) -> Statistic:
    """The median over the images whose value is finite; the mean of the two middle ones for an even number.

    Images are counted by blocks of ascending values first, and one by one only in the block that holds the middle.
    """
    array = np.asarray(values, dtype=np.float64)
    order = np.argsort(array, kind="stable")
    order = order[np.isfinite(array[order])]
    if not len(order):
        return lambda counts: np.full(len(counts), np.nan)
    ordered, size = array[order], math.isqrt(len(order)) + 1
    blocks = -(-len(order) // size)
    codes = np.append(clusters.codes[order], np.full(blocks * size - len(order), clusters.total)).reshape(blocks, size)
    members = np.zeros((clusters.total + 1, blocks))
    np.add.at(members, (codes, np.arange(blocks)[:, None]), 1.0)
    groups = clusters.total

    def table(counts: Floats) -> Floats:
        """How many images each block has, and how often each group is drawn; one more is never drawn."""
        return np.concatenate([(counts @ members[:-1]).T, counts.T, np.zeros((1, len(counts)))])

    def figure(table: Floats) -> Floats:
        by_block, padded = np.cumsum(table[:blocks], axis=0).T, table[blocks:]
        rows, total = np.arange(table.shape[1]), by_block[:, -1]

        def where(beyond: Callable[[Floats, Floats], Any]) -> Floats:
            """The first value up to which more images than half, or half of them, have been counted."""
            block = np.argmax(beyond(by_block * 2, total[:, None]), axis=1)
            before = np.where(block > 0, by_block[rows, block - 1], 0.0)
            reached = before[:, None] + np.cumsum(padded[codes[block], rows[:, None]], axis=1)
            place = block * size + np.argmax(beyond(reached * 2, total[:, None]), axis=1)
            return np.asarray(ordered[np.minimum(place, len(ordered) - 1)])

        return np.where(total > 0, (where(np.greater_equal) + where(np.greater)) / 2, np.nan)

    return Tabled(table, figure, groups, max(_CELLS // (blocks + groups), 1))


def average_precision_of(scores: ArrayLike, positive: ArrayLike, clusters: Clusters) -> Statistic:
    """Average precision of the resampled images, as `data_tools.metrics.average_precision` defines it."""
    ranking = _Ranking.of(scores, positive, clusters)

    def figure(table: Table) -> Floats:
        reached, taken = ranking.parted(table)
        hits = np.diff(reached, axis=0, prepend=0).astype(np.float64)
        return _divide(np.einsum("ij,ij->j", hits, _precision(reached, taken)), reached[-1].astype(np.float64))

    return ranking.statistic(figure)


def box_ap_of(scores: ArrayLike, hits: ArrayLike, clusters: Clusters, boxes: Floats) -> Statistic:
    """COCO's average precision of one class at one IoU: precision, made to fall, at recall 0, .01, ... 1.

    Args:
        scores: (n,) of the predicted boxes; equal ones are taken in the order given, a group drawn again beside itself.
        hits: (n,) whether each finds a true box that none before it found.
        clusters: the groups of the n boxes' images.
        boxes: (clusters.total,) number of true boxes in each group.
    """
    from_the_top = np.empty(len(clusters.codes))
    from_the_top[np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")] = np.arange(len(clusters.codes))
    ranking = _Ranking.of(-from_the_top, hits, clusters, also=boxes)
    recalls = np.linspace(0, 1, 101)

    def figure(table: Table) -> Floats:
        (reached, taken), total = ranking.parted(table), table[-1]
        precision = _precision(reached, taken)
        from_below = precision[::-1]
        np.maximum.accumulate(from_below, axis=0, out=from_below)
        needed = _fewest(recalls, total)
        at = np.stack(
            [np.searchsorted(*of) for of in zip(np.ascontiguousarray(reached.T), needed, strict=True)], axis=1
        )
        best = np.take_along_axis(precision, np.minimum(at, len(precision) - 1), axis=0)
        return np.where(total > 0, np.where(at < len(precision), best, 0.0).mean(axis=0), np.nan)

    return ranking.statistic(figure)


def auc_of(scores: ArrayLike, positive: ArrayLike, clusters: Clusters) -> Statistic:
    """Area under the ROC curve of the resampled images, ties counting half."""
    negatives = clusters.sizes(~np.asarray(positive, dtype=bool))
    ranking = _Ranking.of(scores, positive, clusters, halves=True, also=negatives)

    def figure(table: Table) -> Floats:
        (reached, taken), total = ranking.parted(table), table[-1]
        hits = np.diff(reached, axis=0, prepend=0.0)
        return _divide(np.einsum("ij,ij->j", hits, total - (taken - reached)), reached[-1] * total)

    return ranking.statistic(figure)


@dataclass(frozen=True, eq=False)
class _Ranking:
    """How many images of each group there are at the distinct scores of positives, from the highest.

    Attributes:
        members: sparse (2 * levels or one more, groups): positives at a level, then negatives at it or between it and
            the level above, then what was asked for beside. Negatives below all positives matter to no statistic here.
            Whole numbers of 32 bits where none is halved: their tables take half the memory, which decides the time.
        levels: number of distinct scores of positives.
    """

    members: Any
    levels: int

    @classmethod
    def of(
        cls,
        scores: ArrayLike,
        positive: ArrayLike,
        clusters: Clusters,
        halves: bool = False,
        also: Floats | None = None,
    ) -> "_Ranking":
        """With `halves`, half of a negative that ties with a positive is counted one level further down.

        `also` are (groups,) numbers whose sum is the last row of the table.
        """
        from scipy.sparse import csr_matrix

        values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
        levels = np.unique(values[flags])[::-1]
        place = np.searchsorted(-levels, -values, "left")
        weights = np.where(place < len(levels), 1.0, 0.0)
        rows = np.where(flags, 0, len(levels)) + np.minimum(place, max(len(levels) - 1, 0))
        codes = clusters.codes
        if halves and len(levels):
            tied = np.flatnonzero(~flags & (levels[np.minimum(place, len(levels) - 1)] == values))
            weights[tied] = 0.5
            further = tied[place[tied] + 1 < len(levels)]
            rows = np.concatenate([rows, rows[further] + 1])
            weights, codes = np.append(weights, np.full(len(further), 0.5)), np.append(codes, codes[further])
        if also is not None:
            rows = np.append(rows, np.full(clusters.total, 2 * len(levels)))
            weights, codes = np.append(weights, also), np.append(codes, np.arange(clusters.total))
        kept = weights > 0
        shape = (2 * len(levels) + (also is not None), clusters.total)
        values = weights[kept].astype(np.float64 if halves else np.int32)
        return cls(csr_matrix((values, (rows[kept], codes[kept])), shape=shape), len(levels))

    def statistic(self, figure: Callable[[Floats], Floats]) -> Statistic:
        """The figure of what is counted; NaN without a positive."""
        if not self.levels:
            return lambda counts: np.full(len(counts), np.nan)
        step = max(_CACHED_CELLS // self.levels, 8)
        return Tabled(self._counted, figure, self.members.shape[1], step)

    def parted(self, table: Table) -> tuple[Table, Table]:
        """(levels, c) positives down to each level, and all images down to it."""
        return table[: self.levels], table[self.levels : 2 * self.levels]

    def _counted(self, counts: Floats) -> Table:
        table: Table = self.members @ np.ascontiguousarray(counts.T, dtype=self.members.dtype)
        reached, taken = self.parted(table)
        for part in (reached, taken):
            np.cumsum(part, axis=0, out=part)
        taken += reached
        return table


def _precision(reached: Table, taken: Table) -> Floats:
    """(levels, c) share of positives down to each level, 0 where nothing is."""
    return np.asarray(np.divide(reached, np.maximum(taken, 1)), dtype=np.float64)


def _fewest(recalls: Floats, totals: Table) -> Table:
    """(c, recalls) the fewest of c totals whose share, as a number of the machine, is at least each recall."""
    most = np.maximum(totals, 1)[:, None]
    fewest = np.ceil(recalls * most)
    fewest -= (fewest - 1) / most >= recalls
    fewest += fewest / most < recalls
    return fewest.astype(totals.dtype)


def draws(total: int, seed: int, resamples: int) -> Iterator[Floats]:
    """Chunks (c, total) of how often each group is drawn in `total` draws with replacement."""
    rng = np.random.default_rng(seed)
    chunk = max(min(_CELLS // total, 500), 1)
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        drawn = rng.integers(0, total, size=(rows, total), dtype=np.int32).astype(np.int64)
        drawn += np.arange(rows)[:, None] * total
        yield np.bincount(drawn.ravel(), minlength=rows * total).reshape(rows, total).astype(np.float64)


def _divide(upper: Floats, lower: Floats) -> Floats:
    return np.divide(upper, lower, out=np.full_like(upper, np.nan), where=lower > 0)
