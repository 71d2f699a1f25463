"""The operating point: the score from which an image is flagged, by a target escape rate or by what mistakes cost.

An escape is a defect image that is passed, an overkill a good image that is flagged. A rule chooses among the scores
that it sees, on validation; what the threshold is worth is told on other images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.core.errors import InputError
from data_tools.metrics.bootstrap import Clusters, draws
from data_tools.metrics.fpr_at_tpr import Outcome, threshold_at_tpr

Floats = NDArray[np.float64]
Flags = Sequence[bool] | NDArray[np.bool_]

_RESAMPLES = 400  # of the threshold, whose interval is read to two digits
_MOST_COST = 1e9
_TIE = 1e-9  # costs this close, as a share, are equal: .1 + .2 must tie with .3


@dataclass(frozen=True)
class EscapeRate:
    """At most this share of the defects of validation escapes; as few good images as possible are flagged.

    Raises:
        InputError: a rate outside 0..1, or 1, at which nothing need be flagged.
    """

    name: ClassVar[str] = "escape_rate"
    needs_good: ClassVar[bool] = False
    escape_rate: float = 0.02

    def __post_init__(self) -> None:
        if not 0 <= self.escape_rate < 1:
            raise InputError(f"escape rate {self.escape_rate:g}: give a share of the defects, from 0 to below 1")

    @property
    def tpr(self) -> float:
        """The share of defects that is caught."""
        return 1 - self.escape_rate

    @property
    def words(self) -> str:
        """As after "the threshold": what it does on validation."""
        return f"lets at most {_percent(self.escape_rate)} % of the defects escape"

    def threshold(self, scores: ArrayLike, positive: Flags) -> float:
        """The highest score that keeps the rate; of (n,) scores, of which at least one is of a defect."""
        return threshold_at_tpr(scores, positive, self.tpr)


@dataclass(frozen=True)
class Costs:
    """The least cost an image at the share of defects that validation has; of equal costs the lower threshold.

    Attributes:
        escape: of one defect image that is passed, in any unit.
        overkill: of one good image that is flagged, in the same unit.

    Raises:
        InputError: a cost outside 1e-9..1e9: sums of greater ones are inexact, or overflow.
    """

    name: ClassVar[str] = "costs"
    needs_good: ClassVar[bool] = True
    escape: float
    overkill: float

    def __post_init__(self) -> None:
        for name, cost in (("escape", self.escape), ("overkill", self.overkill)):
            if not 1 / _MOST_COST <= cost <= _MOST_COST:  # NaN is outside, too
                raise InputError(
                    f"cost of an {name} {cost:g}: give a positive number, from {1 / _MOST_COST:g} to {_MOST_COST:g}"
                )

    @property
    def words(self) -> str:
        """As after "the threshold": what it does on validation."""
        return (
            f"costs least at {self.escape:g} an escape and {self.overkill:g} an overkill, at the share of defects there"
        )

    def threshold(self, scores: ArrayLike, positive: Flags) -> float:
        """The score, or the next number above them all, from which flagging (n >= 1 images) costs least.

        >>> Costs(escape=10, overkill=1).threshold([.9, .8, .3, .7, .2, .1], [True, True, True, False, False, False])
        0.3
        """
        ordered, escapes, overkills = _mistakes(scores, positive)
        costs = self.of(escapes, overkills)
        return float(ordered[np.flatnonzero(costs <= costs.min() * (1 + _TIE))[-1]])

    def of(self, escapes: Any, overkills: Any) -> Any:
        """What so many mistakes cost together."""
        return self.escape * escapes + self.overkill * overkills


Rule = EscapeRate | Costs
DEFAULT_RULE = EscapeRate()


def threshold_interval(rule: Rule, scores: ArrayLike, positive: Flags, groups: Sequence[str], seed: int) -> Any:
    """[low, high] of the threshold over resamples of whole groups (percentiles); None with fewer than two groups.

    A resample without the images that the rule needs is left out.
    """
    values, flags, clusters = (
        np.asarray(scores, dtype=np.float64),
        np.asarray(positive, dtype=bool),
        Clusters.of(groups),
    )
    if clusters.total < 2:
        return None
    chosen = []
    for counts in draws(clusters.total, seed, _RESAMPLES):
        for row in counts:
            times = row[clusters.codes].astype(np.int64)
            drawn, drawn_flags = np.repeat(values, times), np.repeat(flags, times)
            if drawn_flags.any() and not (rule.needs_good and drawn_flags.all()):
                chosen.append(rule.threshold(drawn, drawn_flags))
    # an observed score each: one between two would be none that the rule can choose
    return np.percentile(chosen, [2.5, 97.5], method="nearest").tolist() if chosen else None


def uselessness(where: str, outcome: Outcome, n_positive: int, n_negative: int) -> str | None:
    """Why a threshold decides nothing on these images, as a sentence without its full stop; None where it does.

    Args:
        where: the images, as "validation".
        outcome: what the threshold does there.
        n_positive: defect images among them.
        n_negative: good images among them.
    """
    if n_negative and outcome.overkills == n_negative:
        return f"the threshold flags every good image of {where} ({n_negative} of {n_negative}), so it is useless"
    if n_positive and outcome.escapes == n_positive and not outcome.overkills:
        return f"the threshold flags no image of {where}, defects included, so it is useless"
    return None


def _mistakes(scores: ArrayLike, positive: Flags) -> tuple[Floats, Floats, Floats]:
    """Thresholds from the highest down (the first flags nothing), with the escapes and the overkills at each."""
    values, flags = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    if not len(values):
        raise ValueError("no images, so no threshold can be chosen")
    negated, of = np.unique(-values, return_inverse=True)
    ordered = -negated
    caught = np.cumsum(np.bincount(of, weights=flags, minlength=len(ordered)))
    flagged_good = np.cumsum(np.bincount(of, weights=~flags, minlength=len(ordered)))
    escapes = flags.sum() - np.concatenate([[0.0], caught])
    return np.concatenate([[np.nextafter(ordered[0], np.inf)], ordered]), escapes, np.concatenate([[0.0], flagged_good])


def _percent(share: float) -> str:
    return f"{100 * share:.6g}"
