"""A metric in one file: how far apart the mean scores of defect and good images lie."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Comparison, Metric, MetricRow
from data_tools.judging.pairs import by_group
from data_tools.judging.resampling import Sampling
from data_tools.metrics.bootstrap import Clusters, Statistic, mean_of
from data_tools.metrics.figures import Figure


def score_gap(judged: Judged) -> dict[str, Any]:
    return {"score_gap": {"value": gap_of(judged.scores, judged.positive)}}


def gap_of(scores: np.ndarray, positive: np.ndarray) -> float | None:
    if positive.all() or not positive.any():
        return None
    return float(scores[positive].mean() - scores[~positive].mean())


class ScoreGap(Figure):
    bounds = (-math.inf, math.inf)

    def __init__(self, scores: np.ndarray, positive: np.ndarray, clusters: Clusters) -> None:
        self.scores, self.positive, self.clusters = scores, positive, clusters

    @property
    def value(self) -> float | None:
        return gap_of(self.scores, self.positive)

    def statistic(self) -> Statistic:
        yes, no = (
            mean_of(np.where(chosen, self.scores, np.nan), self.clusters) for chosen in (self.positive, ~self.positive)
        )
        return lambda counts: yes(counts) - no(counts)

    def beside(self, other: Figure) -> "ScoreGap":
        assert isinstance(other, ScoreGap)
        scores = np.concatenate([self.scores, other.scores])
        positive = np.concatenate([self.positive, other.positive])
        return ScoreGap(scores, positive, self.clusters.beside(other.clusters))


def _figures(judged: Judged, clusters: Clusters) -> Mapping[str, Figure]:
    return {"score_gap": ScoreGap(judged.scores, judged.positive, clusters)}


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
    sampling=Sampling(lambda judged: judged.samples, _figures),
    intervals={"score_gap": ("score_gap", "ci95")},
    comparisons=(
        Comparison(
            "score_gap",
            "toy: gap of scores",
            by_group("score_gap", lambda judged: len(judged.samples)),
            in_family=True,
        ),
    ),
)
