"""Figures over the runs of an approach that differ by their seed alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data_tools.judging.evaluation_report import ApproachReport, SeedSummary
from data_tools.judging.metric import MetricRow, look_up


def over_seeds(runs: Mapping[str, Mapping[str, Any]], rows: Sequence[MetricRow]) -> ApproachReport:
    """Mean, standard deviation and range of each row that asks for it; a figure that is undefined everywhere is absent.

    Args:
        runs: the metrics of each run of the approach, by label.
        rows: of the metrics that were judged.
    """
    summaries = {}
    for row in rows:
        values = [look_up(metrics, row.path) for metrics in runs.values()] if row.over_seeds else []
        known = [value for value in values if value is not None]
        if known:
            summaries[row.key] = SeedSummary(
                mean=float(np.mean(known)),
                sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
                min=min(known),
                max=max(known),
                n_runs=len(known),
            )
    return ApproachReport(tuple(runs), summaries)
