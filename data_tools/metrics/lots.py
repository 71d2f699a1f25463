"""New lots against the lots of a reference: has a property moved, and which lots lie apart. The unit is the lot.

Images of a lot resemble each other, so a lot is one observation: its mean. Both tests hold for any distribution of
these means, as long as the lots of both sides would be exchangeable if nothing had changed.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from data_tools.metrics.figures import mean_ranks

Floats = NDArray[np.float64]

DRAWS = 20_000
_CELLS = 2_000_000


def lot_means(values: Floats, codes: NDArray[np.int64], most: int, seed: int) -> Floats:
    """(lots, properties) means over at most so many images of each lot, drawn without replacement.

    Means of many images spread less than those of few, so lots of both sides are averaged over as many as possible
    alike, lest a number of images pass for a change.

    Args:
        values: (n, properties) of the images; NaN where an image has none. A lot without any has a mean of NaN.
        codes: (n,) lot of each, 0..lots - 1, each of them present.
        most: images of a lot that count, at least 1.
        seed: of the draw.
    """
    order = np.random.default_rng(seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    sizes = np.bincount(codes)
    place = np.arange(len(codes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    kept = order[place < most]
    known = np.isfinite(values[kept])
    sums, counts = np.zeros((len(sizes), values.shape[1])), np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, codes[kept], np.where(known, values[kept], 0.0))
    np.add.at(counts, codes[kept], known)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def rank_sum(reference: Floats, new: Floats, seed: int) -> float:
    """Two-sided p-value of Wilcoxon's rank-sum statistic, by permutation of the lots.

    All ways to choose the new lots are taken where there are at most 20,000, else so many drawn ones, the one seen
    added. Ties share their mean rank.

    >>> rank_sum(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0]), 0)
    0.2
    """
    ranks = mean_ranks(np.concatenate([reference, new]))
    total, k = len(ranks), len(new)
    middle = k * (total + 1) / 2
    seen = abs(float(ranks[len(reference) :].sum()) - middle) - 1e-9
    if math.comb(total, k) <= DRAWS:
        chosen = np.array(list(combinations(range(total), k)))
        return float((np.abs(ranks[chosen].sum(axis=1) - middle) >= seen).mean())
    rng, extreme, done = np.random.default_rng(seed), 0, 0
    while done < DRAWS:
        rows = min(max(_CELLS // total, 1), DRAWS - done)
        drawn = np.argpartition(rng.random((rows, total)), k - 1, axis=1)[:, :k]
        extreme += int((np.abs(ranks[drawn].sum(axis=1) - middle) >= seen).sum())
        done += rows
    return (extreme + 1) / (DRAWS + 1)


def smallest_rank_sum_p(reference: int, new: int) -> float:
    """The smallest p-value that `rank_sum` can give for so many lots without ties."""
    return max(2 / math.comb(reference + new, new), 1 / (DRAWS + 1))


def lots_apart(reference: Floats, new: Floats) -> Floats:
    """(new lots,) conformal p-values that a lot is like those of the reference (Vovk et al. 2005, chapter 2).

    A lot's distance is the largest over its properties of |mean - median| in units of the median absolute deviation,
    both taken over the reference with this lot among them, so that all are treated alike. The p-value is the share of
    these lots that lie at least as far out; it cannot be below 1 / (reference lots + 1).

    Args:
        reference: (lots, properties) means; one that is NaN is not far out.
        new: (new lots, properties) means.
    """
    p_values = np.empty(len(new))
    for i, lot in enumerate(new):
        lots = np.vstack([reference, lot])
        middle = np.nanmedian(lots, axis=0)
        away = np.abs(np.where(np.isfinite(lots), lots, middle) - middle)
        unit = np.median(away, axis=0)
        # where most lots are alike, any other is infinitely far
        far = np.divide(away, unit, out=np.where(away > 0, np.inf, 0.0), where=unit > 0).max(axis=1)
        p_values[i] = (far >= far[-1]).mean()
    return p_values


def benjamini_hochberg(p_values: Sequence[float] | Floats) -> Floats:
    """Adjusted p-values: those up to a level have a share of false ones of at most that level on average.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.04, 0.04]
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted
