"""A metric in one file: how far apart the mean scores of defect and good images lie."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Comparison, Metric, MetricRow
from data_tools.judging.pairs import by_bootstrap
from data_tools.judging.resampling import Sampling, ToSample
from data_tools.metrics.bootstrap import Clusters, mean_of


def score_gap(judged: Judged) -> dict[str, Any]:
    return {"score_gap": {"value": gap_of(judged.scores, judged.positive)}}


def gap_of(scores: np.ndarray, positive: np.ndarray) -> float | None:
    if positive.all() or not positive.any():
        return None
    return float(scores[positive].mean() - scores[~positive].mean())


def _to_sample(judged: Judged, clusters: Clusters) -> Mapping[str, ToSample]:
    yes, no = (
        mean_of(np.where(chosen, judged.scores, np.nan), clusters) for chosen in (judged.positive, ~judged.positive)
    )
    value = gap_of(judged.scores, judged.positive)
    return {"score_gap": ToSample(value, lambda counts: yes(counts) - no(counts))}


METRIC = Metric(
    name="score_gap",
    compute=score_gap,
    rows=(
        MetricRow(
            "toy: gap of scores",
            ("score_gap", "value"),
            "Mean score of the defect images minus that of the good ones.",
            ci95=("score_gap", "ci95"),
            short=True,
            over_seeds=True,
        ),
    ),
    sampling=Sampling(lambda judged: judged.samples, _to_sample),
    intervals={"score_gap": ("score_gap", "ci95")},
    comparisons=(
        Comparison(
            "score_gap",
            "toy: gap of scores",
            by_bootstrap("score_gap", lambda judged: len(judged.samples)),
            in_family=True,
        ),
    ),
)
