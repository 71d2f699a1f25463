"""95 % intervals that hold where images of one group resemble each other and groups are few: the unit is the group.

Every form widens with fewer groups by Student's t, has its value inside, stays within the figure's range, and is None
with fewer than two groups. Where no group differs from another a spread cannot be seen; `unseen` then says how far the
figure could be off with groups that have not been met.
"""

import math

import numpy as np
from numpy.typing import NDArray

from data_tools.metrics.bootstrap import Clusters, draws

NOT_ENOUGH_GROUPS = "not enough groups"
Floats = NDArray[np.float64]
Ends = tuple[float, float]
_ENOUGH = 2000  # resamples for two tails of 2.5 %


def rate_interval(hits: Floats, clusters: Clusters) -> Ends | None:
    """Clopper-Pearson with the effective number of images (Korn & Graubard, Survey Methodology 1998).

    That number is n over the design effect, never beyond n, and over the squared ratio of Student's t with groups - 1
    and with n - 1 degrees; with fewer where a few groups bring most of the variance, as `_degrees` says. A rate of 0
    or 1 shows no design effect, so the largest is taken: that of groups whose images are all alike. With every group
    one image this is Clopper-Pearson.

    Args:
        hits: (n,) 0 or 1 for each image.
        clusters: their groups.
    """
    totals, sizes = _by_group(hits, clusters)
    n, groups = len(hits), len(sizes)
    if groups < 2:
        return None
    rate = totals.sum() / n
    if 0 < rate < 1:
        effect = max(_variance(totals, sizes) / (rate * (1 - rate) / (n - 1)), 1.0)
        # without clustering, rare misses of single images are what Clopper-Pearson is made for
        degrees = _degrees(totals - rate * sizes, groups - 1) if effect > 1 + 1e-9 else groups - 1
        effective = n / effect * (_t(n - 1) / _t(degrees)) ** 2
    else:
        effective = n**2 / float((sizes**2).sum())
    return clopper_pearson(rate * effective, effective)


def clopper_pearson(hits: float, n: float) -> Ends:
    """The exact 95 % interval of a rate, for numbers that need not be whole."""
    from scipy.special import betaincinv  # scipy.stats, which has the same, takes seconds to import

    low = float(betaincinv(hits, n - hits + 1, 0.025)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, n - hits, 0.975)) if hits < n else 1.0
    return low, high


def mean_interval(values: Floats, clusters: Clusters, bounds: Ends, seed: int, resamples: int) -> Ends | None:
    """Bootstrap-t over groups (Efron & Tibshirani 1993, chapter 12), nowhere narrower than Student's t.

    Args:
        values: (n,) finite.
        clusters: their groups.
        bounds: the smallest and the largest value that the mean can have.
        seed: of the draws.
        resamples: how many.
    """
    totals, sizes = _by_group(values, clusters)
    groups = len(sizes)
    if groups < 2:
        return None
    mean = float(totals.sum() / sizes.sum())
    error = math.sqrt(_variance(totals, sizes))
    if error <= 1e-12 * max(abs(mean), 1.0):
        return unseen(mean, groups, bounds)
    low = high = _t(groups - 1)
    table = np.stack([totals, sizes, totals**2, totals * sizes, sizes**2], axis=1)
    drawn = np.concatenate([counts @ table for counts in draws(groups, seed, min(resamples, _ENOUGH))])
    means = drawn[:, 0] / drawn[:, 1]
    squares = drawn[:, 2] - 2 * means * drawn[:, 3] + means**2 * drawn[:, 4]
    errors = np.sqrt(np.maximum(groups / (groups - 1) * squares, 0)) / drawn[:, 1]
    spread = errors > 1e-9 * error
    if spread.any():
        tails = np.percentile((means[spread] - mean) / errors[spread], [2.5, 97.5])
        low, high = max(low, float(tails[1])), max(high, float(-tails[0]))
    return _within((mean - low * error, mean + high * error), mean, bounds)


def auc_interval(placements: tuple[Floats, Floats], positive: NDArray[np.bool_], clusters: Clusters) -> Ends | None:
    """Obuchowski's variance for clustered data (Biometrics 1997), on the logit scale, with Student's t.

    Its degrees are the smaller number of groups, of those with positives and those with negatives, less one; or fewer
    where a few groups bring most of the variance, as `_degrees` says.

    Args:
        placements: of positives and of negatives, as `data_tools.metrics.auc.placements` gives them.
        positive: (n,) whether the image shows a defect.
        clusters: the groups of the n images.
    """
    with_positives, with_negatives = (
        clusters.sizes(flags) for flags in (np.asarray(positive, dtype=bool), ~np.asarray(positive, dtype=bool))
    )
    with_any = int(np.count_nonzero(with_positives)), int(np.count_nonzero(with_negatives))
    smaller = min(with_any)
    if smaller < 2:
        return None
    value = float(placements[0].mean())
    parts = auc_parts(placements, positive, clusters)
    variance = clustered_auc_variance(parts, with_any)
    if not 0 < value < 1 or variance <= 1e-16:
        fewest = min(sizes.sum() ** 2 / (sizes**2).sum() for sizes in (with_positives, with_negatives))
        return unseen(value, fewest, (0.0, 1.0))
    return on_logit_scale(value, math.sqrt(variance), _degrees(parts.sum(axis=0), smaller - 1))


def auc_parts(placements: tuple[Floats, Floats], positive: NDArray[np.bool_], clusters: Clusters) -> Floats:
    """(2, groups) each group's part of the AUC's deviation from its mean, by its positives and by its negatives."""
    flags = np.asarray(positive, dtype=bool)
    return np.stack(
        [
            np.bincount(clusters.codes[rows], weights=values - values.mean(), minlength=clusters.total) / len(values)
            for rows, values in zip((flags, ~flags), placements, strict=True)
        ]
    )


def clustered_auc_variance(parts: Floats, with_any: tuple[int, int]) -> float:
    """Obuchowski's variance of an AUC; DeLong's where every group is one image.

    Args:
        parts: as `auc_parts` gives them.
        with_any: how many groups have positives, and how many negatives; at least two each.
    """
    own = float(sum(n / (n - 1) * (part**2).sum() for n, part in zip(with_any, parts, strict=True)))
    groups = parts.shape[1]
    shared = float(2 * groups / (groups - 1) * (parts[0] * parts[1]).sum())
    return max(own + shared, 0.0)


def resampled_interval(value: float, drawn: Floats, groups: int, fewest: float, bounds: Ends) -> Ends | None:
    """Group bootstrap, corrected for few groups: its standard error times sqrt(G / (G - 1)), with Student's t.

    On the logit scale for a figure between 0 and 1, as average precision; else symmetric.

    Args:
        value: of the figure, or a difference.
        drawn: the same on resamples of groups; NaN where undefined.
        groups: how many are resampled.
        fewest: groups with the kind of image that the fewest groups have.
        bounds: the smallest and the largest value that the figure can have.
    """
    known = drawn[np.isfinite(drawn)]
    if fewest < 2 or len(known) < 2:
        return None
    error = float(known.std() * math.sqrt(groups / (groups - 1)))
    if error <= 1e-12 * max(abs(value), 1.0):
        return unseen(value, fewest, bounds)
    if bounds == (0.0, 1.0) and 0 < value < 1:
        return on_logit_scale(value, error, fewest - 1)
    half = _t(fewest - 1) * error
    return _within((value - half, value + half), value, bounds)


def on_logit_scale(value: float, error: float, degrees: float) -> Ends:
    """The interval of a value strictly between 0 and 1 with a standard error."""
    logit = math.log(value / (1 - value))
    # beyond 700 the exponential overflows, and the end is 0 or 1 to the last digit anyway
    half = min(_t(degrees) * error / (value * (1 - value)), 700.0 - abs(logit))
    return 1 / (1 + math.exp(-(logit - half))), 1 / (1 + math.exp(-(logit + half)))


def unseen(value: float, groups: float, bounds: Ends) -> Ends | None:
    """How far a value can be off where all groups agree: the share of other groups is below 1 - .025^(1 / groups).

    These could bring the smallest or the largest value there is. None where the figure has no bounds.
    """
    if groups <= 1 or not all(math.isfinite(end) for end in bounds):
        return None
    share = 1 - 0.025 ** (1 / groups)
    low, high = (value + share * (end - value) for end in bounds)
    return _within((low, high), value, bounds)


def _by_group(values: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Sums of values and numbers of images, of the groups that have any."""
    sizes = clusters.sizes()
    totals = clusters.sums(values)
    return totals[sizes > 0], sizes[sizes > 0]


def _variance(totals: Floats, sizes: Floats) -> float:
    """Of the mean over all images, linearised, groups being independent (the ratio estimator's)."""
    groups, n = len(sizes), sizes.sum()
    rest = totals - totals.sum() / n * sizes
    return float(groups / (groups - 1) * (rest**2).sum() / n**2)


def _degrees(parts: Floats, most: float) -> float:
    """Of a variance estimated from groups' parts: twice its square over its own variance (Satterthwaite 1946).

    As many as there are groups for normal parts, and fewer for long-tailed ones, as near a rate or an AUC of 1, where a
    few groups hold all that goes wrong and most samples hold too few of them. Between 1 and `most`.
    """
    square = float((parts**2).sum())
    spread = float((parts**4).sum()) - square**2 / len(parts)
    return max(min(most, 2 * square**2 / spread), 1.0) if spread > 0 else most


def _t(degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.975))


def _within(ends: Ends, value: float, bounds: Ends) -> Ends:
    low, high = max(ends[0], bounds[0]), min(ends[1], bounds[1])
    return min(low, value), max(high, value)
