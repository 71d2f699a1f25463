"""The one image score at which a run calls an image a defect: chosen on validation, stored, applied as it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from data_tools.core.fields import Fields
from data_tools.metrics.fpr_at_tpr import outcome_at
from data_tools.metrics.operating_point import DEFAULT_RULE

KEY = "threshold"
"""Of a run's manifest and of a bundle's record."""
DEFECT, GOOD = "defect", "good"


@dataclass(frozen=True)
class Threshold:
    """A threshold, or why there is none.

    Attributes:
        value: an image is a defect when its score is at least that; None for no decision.
        reason: why there is none; "" where there is one.
        tpr: share of validation's defects that it had to catch; None where it was given by hand.
        fpr: share of validation's good images that it flags; None without good images.
        n_defects, n_good: images of validation behind it.
    """

    value: float | None
    reason: str = ""
    tpr: float | None = None
    fpr: float | None = None
    n_defects: int = 0
    n_good: int = 0

    def decide(self, score: float) -> str | None:
        """DEFECT, GOOD, or None without a threshold."""
        if self.value is None:
            return None
        return DEFECT if score >= self.value else GOOD

    def to_json(self) -> dict[str, Any]:
        """As `threshold_from` reads it."""
        return asdict(self)


def choose_threshold(scores: ArrayLike, positive: Sequence[bool]) -> Threshold:
    """The highest threshold that catches 98 % of the defects, as `detect.evaluate` has it, from validation's scores."""
    n_defects = sum(positive)
    counts = {"n_defects": n_defects, "n_good": len(positive) - n_defects}
    if not n_defects:
        return Threshold(None, "validation has no defect images to choose a threshold by", **counts)
    value = DEFAULT_RULE.threshold(scores, positive)
    return Threshold(value, "", DEFAULT_RULE.tpr, outcome_at(np.asarray(scores), positive, value).fpr, **counts)


def threshold_from(values: Fields) -> Threshold:
    """The threshold that a manifest or a bundle's record holds under `KEY`.

    Raises:
        InputError: it holds another thing there.
    """
    given = values.group(KEY)
    value = given.optional_number("value")
    reason = "" if value is not None else given.text("reason")
    counts = given.integer("n_defects"), given.integer("n_good")
    return Threshold(value, reason, given.optional_number("tpr", 0, 1), given.optional_number("fpr", 0, 1), *counts)
