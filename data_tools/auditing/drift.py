"""Drift: whether new lots are like those of a reference, told without labels, by numbers of each image.

Of all claims of one comparison at most a share of 5 % is false where nothing has changed, however much the images of a
lot resemble each other. Half of it goes to the properties (Wilcoxon's rank-sum test over lots, permuted, with Holm's
correction), half to single lots (conformal p-values, Benjamini & Hochberg); where the lots are too few for one of the
two, the other has all of it, and where they are too few for both, that is the finding.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.auditing.findings import NOTE, WARNING, Finding
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.metrics.comparison import holm
from data_tools.metrics.lots import benjamini_hochberg, lot_means, lots_apart, rank_sum, smallest_rank_sum_p

CHECK, LEVEL = "drift", 0.05
_SHOWN = 8
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers of the images of one side.

    Attributes:
        name: of the side, for people.
        properties: what the columns are, for people.
        values: (n, properties), NaN where an image has none.
        lots: (n,) name of the lot of each.
        image_ids: (n,) for the gallery; empty where the images have none.
    """

    name: str
    properties: tuple[str, ...]
    values: Floats
    lots: tuple[str, ...]
    image_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shift:
    """One property on both sides: medians of the lots' means, and the p-value after Holm's correction."""

    name: str
    reference: float
    new: float
    p_value: float


@dataclass(frozen=True)
class Drift:
    """What a comparison of two sides found.

    Attributes:
        shifts: of the properties that vary at all.
        apart: adjusted p-value of each new lot.
        level: of all claims together.
        levels: up to which p-values of shifts and of lots are claimed; 0 where there are not enough lots.
        n_lots: of the reference, and new.
    """

    shifts: tuple[Shift, ...]
    apart: dict[str, float]
    level: float
    levels: tuple[float, float]
    n_lots: tuple[int, int]

    @property
    def shifted(self) -> list[Shift]:
        """The properties that are shown to have moved."""
        return [one for one in self.shifts if one.p_value <= self.levels[0]]

    @property
    def lots_apart(self) -> list[str]:
        """The lots that are shown to lie apart."""
        return [name for name, p_value in self.apart.items() if p_value <= self.levels[1]]


def find_drift(reference: Measured, new: Measured, level: float = LEVEL, seed: int = 0) -> Drift:
    """Compare two sides of the same properties, each with at least one image, lot by lot."""
    of_reference, of_new = (Clusters.of(side.lots) for side in (reference, new))
    most = max(int(min(np.median(side.sizes()) for side in (of_reference, of_new))), 1)
    means, new_means = (
        lot_means(side.values, clusters.codes, most, seed)
        for side, clusters in ((reference, of_reference), (new, of_new))
    )
    pooled = np.vstack([means, new_means])
    vary = [
        i
        for i in range(pooled.shape[1])
        if np.isfinite(means[:, i]).any() and np.isfinite(new_means[:, i]).any() and _varies(pooled[:, i])
    ]
    levels = _levels(len(means), len(new_means), len(vary), level)
    columns = [[column[np.isfinite(column)] for column in (means[:, i], new_means[:, i])] for i in vary]
    corrected = holm([rank_sum(old, now, seed) for old, now in columns])
    shifts = tuple(
        Shift(reference.properties[i], float(np.median(old)), float(np.median(now)), p_value)
        for i, (old, now), p_value in zip(vary, columns, corrected, strict=True)
    )
    adjusted = benjamini_hochberg(lots_apart(means[:, vary], new_means[:, vary])) if vary else np.ones(len(new_means))
    names = np.unique(np.asarray(new.lots, dtype=str)).tolist()
    apart = dict(zip(names, adjusted.tolist(), strict=True))
    return Drift(shifts, apart, level, levels, (len(means), len(new_means)))


def _varies(column: Floats) -> bool:
    known = column[np.isfinite(column)]
    return bool(np.ptp(known) > 1e-9 * max(float(np.abs(known).max()), 1e-9))


def _levels(reference: int, new: int, properties: int, level: float) -> tuple[float, float]:
    """What properties and lots each may claim, so that both together hold the level; by the numbers of lots alone."""
    least = max(properties, 1) * smallest_rank_sum_p(reference, new), 1 / (reference + 1)
    if all(p_value <= level / 2 for p_value in least):
        return level / 2, level / 2
    if least[0] <= level:
        return level, 0.0
    return (0.0, level) if least[1] <= level else (0.0, 0.0)


def describe_drift(drift: Drift, reference: Measured, new: Measured) -> list[Finding]:
    """What was found, in words."""
    counted = f"{drift.n_lots[0]} lots of {reference.name}, {drift.n_lots[1]} of {new.name}"
    findings = [
        Finding(
            WARNING,
            CHECK,
            f"{one.name} has shifted: {one.reference:.4g} in {reference.name}, {one.new:.4g} in {new.name} (medians of "
            f"lots' means; p = {one.p_value:.2g} after Holm's correction over {len(drift.shifts)} properties; "
            f"{counted})",
            "look at new images beside old ones, and judge a model on labelled images of the new lots before relying "
            "on it",
        )
        for one in drift.shifted
    ]
    apart = drift.lots_apart
    if apart:
        ids = [i for i, lot in zip(new.image_ids, new.lots, strict=False) if lot in apart]
        findings.append(
            Finding(
                WARNING,
                CHECK,
                f"{len(apart)} of {drift.n_lots[1]} lots lie further out than those of {reference.name}: "
                f"{_few(apart)} (conformal, of such claims at most {drift.levels[1]:.1%} are false on average)",
                "look at these lots first",
                tuple(ids[:24]),
            )
        )
    told = ", ".join(f"{one.name} {one.reference:.4g} -> {one.new:.4g} (p {one.p_value:.2g})" for one in drift.shifts)
    findings.append(Finding(NOTE, CHECK, f"compared by lot ({counted}): {told or 'nothing that varies'}"))
    return findings + _too_few(drift, reference.name)


def _too_few(drift: Drift, reference: str) -> list[Finding]:
    """Which claims could not be made, and what they take."""
    known, new = drift.n_lots
    missing = []
    if not drift.levels[0]:
        missing.append("no shift can be shown")
    if not drift.levels[1]:
        needed = math.ceil((2 if drift.levels[0] else 1) / drift.level - 1e-9) - 1
        missing.append(f"no single lot can be told, which takes {needed} lots or more in {reference}")
    if not missing:
        return []
    text = f"{NOT_ENOUGH_GROUPS}: with {known} and {new} lots {' and '.join(missing)}"
    return [Finding(NOTE, CHECK, text, lacks_groups=True)]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
