"""The operating point of a run: the threshold that a rule chooses on validation, and what it does on the judged images.

The threshold is frozen before the judged images are looked at. Costs an image are at the share of defects that the
images have; another line with rarer defects pays another sum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from data_tools.core.records import Sample
from data_tools.judging.judged import Judged
from data_tools.judging.metric import LOWER, KeyPath, MetricRow, Style
from data_tools.metrics.bootstrap import Clusters, Floats
from data_tools.metrics.clustered import Ends
from data_tools.metrics.figures import Figure, Mean, Rate
from data_tools.metrics.fpr_at_tpr import Outcome, outcome_at
from data_tools.metrics.operating_point import Costs, EscapeRate, threshold_interval, uselessness

SECTION = "operating_point"


class MeanCost(Mean):
    """A mean in which few images hold nearly all: by the group bootstrap, since a bootstrap-t knows no bound then."""

    def interval(self, drawn: Floats, seed: int, resamples: int) -> Ends | None:
        """By the group bootstrap."""
        return Figure.interval(self, drawn, seed, resamples)


def operating_point(judged: Judged) -> dict[str, Any]:
    """Section "operating_point"; without a threshold it says why, and what follows from one is None."""
    rule = judged.rule
    section: dict[str, Any] = {"rule": {"name": rule.name, **asdict(rule), "words": rule.words}}
    threshold = judged.threshold
    if threshold is None or judged.validation is None:
        absent = dict.fromkeys(("validation", "test", "useless", "useless_because"))
        return {"threshold": None, "reason": judged.no_threshold, **section, **absent}
    samples, predictions = judged.validation
    chosen_on = np.array([p.score for p in predictions]), np.array([s.is_defect for s in samples], dtype=bool)
    groups = [sample.group for sample in samples]
    there, here = outcome_at(*chosen_on, threshold), outcome_at(judged.scores, judged.positive, threshold)
    sentences = [
        uselessness(where, outcome, int(positive.sum()), int((~positive).sum()))
        for where, outcome, positive in (
            ("validation", there, chosen_on[1]),
            ("the judged images", here, judged.positive),
        )
    ]
    useless = next((sentence for sentence in sentences if sentence), None)
    return {
        "validation_tpr": rule.tpr if isinstance(rule, EscapeRate) else None,
        **asdict(here),
        **section,
        "validation": {
            "threshold_ci95": threshold_interval(rule, *chosen_on, groups, judged.seed),
            **_shares(samples),
            **_values(judged, there, len(samples)),
        },
        "test": _shares(judged.samples)
        | {name: {"value": value} for name, value in _values(judged, here, len(judged.samples)).items()},
        "useless": useless is not None,
        "useless_because": useless,
    }


def operating_figures(judged: Judged, clusters: Clusters) -> dict[str, Figure]:
    """The rates at the threshold, and the mean cost where mistakes have one; empty without a threshold."""
    if judged.threshold is None:
        return {}
    positive, flagged = judged.positive, (judged.scores >= judged.threshold).astype(np.float64)
    caught = np.where(positive, flagged, np.nan)
    overkill = Rate(np.where(positive, np.nan, flagged), clusters)
    figures: dict[str, Figure] = {
        "tpr": Rate(caught, clusters),
        "fpr": overkill,
        "escape": Rate(1 - caught, clusters),
        "overkill": overkill,
    }
    if isinstance(judged.rule, Costs):
        costs = judged.rule.of(positive & (flagged == 0), ~positive & (flagged == 1))
        largest = max(judged.rule.escape, judged.rule.overkill)
        figures["cost_per_image"] = MeanCost(np.asarray(costs, dtype=np.float64), clusters, (0.0, largest))
    return figures


def _shares(samples: Sequence[Sample]) -> dict[str, Any]:
    n, defects = len(samples), sum(sample.is_defect for sample in samples)
    return {
        "n_positive": defects,
        "n_negative": n - defects,
        "n_groups": len({sample.group for sample in samples}),
        "defect_share": defects / n if n else None,
    }


def _values(judged: Judged, outcome: Outcome, n: int) -> dict[str, float | None]:
    cost = judged.rule.of(outcome.escapes, outcome.overkills) / n if isinstance(judged.rule, Costs) and n else None
    escape = None if outcome.tpr is None else 1 - outcome.tpr
    return {"escape": escape, "overkill": outcome.fpr, "cost_per_image": cost}


INTERVALS: Mapping[str, KeyPath] = {
    "tpr": (SECTION, "tpr_ci95"),
    "fpr": (SECTION, "fpr_ci95"),
    **{name: (SECTION, "test", name, "ci95") for name in ("escape", "overkill", "cost_per_image")},
}
ROWS = (
    MetricRow(
        "TPR, validation threshold",
        (SECTION, "tpr"),
        "Share of defect images flagged at the threshold that validation chose.",
        Style.PERCENT,
        ci95=INTERVALS["tpr"],
        over_seeds=True,
    ),
    MetricRow(
        "FPR, validation threshold",
        (SECTION, "fpr"),
        "Share of good images flagged at the threshold that validation chose.",
        Style.PERCENT,
        LOWER,
        INTERVALS["fpr"],
        over_seeds=True,
    ),
    MetricRow(
        "escapes (defects passed)",
        (SECTION, "escapes"),
        "Defect images that the threshold from validation passes.",
        Style.COUNT,
        LOWER,
        short=True,
    ),
    MetricRow(
        "overkills (good flagged)",
        (SECTION, "overkills"),
        "Good images that the threshold from validation flags.",
        Style.COUNT,
        LOWER,
        short=True,
    ),
    MetricRow(
        "cost an image",
        (SECTION, "test", "cost_per_image", "value"),
        "Mean cost of the escapes and overkills at that threshold, at the share of defects of the judged images.",
        better=LOWER,
        ci95=INTERVALS["cost_per_image"],
        over_seeds=True,
    ),
)
