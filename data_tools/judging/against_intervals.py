"""Figures of two reports by their intervals alone, as if these were independent."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

import numpy as np

from data_tools.core.fields import Fields
from data_tools.judging.changes import Change
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.metric import Comparison, KeyPath, Metric
from data_tools.judging.old_report import OldReport, OldRun, old_interval, old_number
from data_tools.judging.operating_point import SECTION
from data_tools.judging.pairs import Approach
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.clustered import Ends
from data_tools.metrics.comparison import difference_of_intervals
from data_tools.metrics.operating_point import DEFAULT_RULE

THRESHOLDED = (SECTION, "end_to_end")
"""Sections whose figures hang on how the threshold was chosen."""
_FIRST_RULE = {"name": DEFAULT_RULE.name, **asdict(DEFAULT_RULE)}


def interval_of(metric: Metric, comparison: Comparison) -> tuple[str, KeyPath] | None:
    """The resampled figure that a comparison is of, and where its interval stands; None where none is reported."""
    if not comparison.path:
        return None
    *parents, key = comparison.path
    beside = (*parents, "ci95" if key == "value" else f"{key}_ci95")
    return next(((figure, path) for figure, path in metric.intervals.items() if path == beside), None)


def by_intervals(
    report: EvaluationReport, now: Approach, old: OldReport, name: str, metrics: Iterable[Metric]
) -> list[Change]:
    """The figures of which both reports have a value with an interval.

    Args:
        report: of now.
        now: the approach.
        old: the earlier report.
        name: of the approach then.
        metrics: that were judged now.

    Raises:
        InputError: a damaged figure in the earlier report.
    """
    changes, left_out = [], THRESHOLDED if other_rule(old, name, now) else ()
    of_now = [OldRun(Fields(report.runs[label].metrics, label), {}) for label in now.runs]
    for metric in metrics:
        groups = _groups(metric, now)
        for one in metric.comparisons:
            place = interval_of(metric, one)
            if place is None or groups.get(place[0], 0) < 2 or one.path[0] in left_out:
                continue
            figure, path = place
            current = _over_runs(of_now, one.path, path)
            then = _over_runs(old.approaches[name].values(), one.path, path)
            if current is not None and then is not None:
                ci95, p_value = difference_of_intervals(*current, *then, groups[figure])
                changes.append(
                    Change(
                        metric=one.name,
                        approach=now.name,
                        old_approach=name,
                        old=then[0],
                        new=current[0],
                        ci95=ci95,
                        p_value=p_value,
                        paired=False,
                        test="intervals of the two reports, as if independent; Student's t with "
                        f"{groups[figure] - 1} degrees of freedom",
                        n=report.data.n_images,
                        n_groups=groups[figure],
                    )
                )
    return changes


def other_rule(old: OldReport, name: str, now: Approach) -> bool:
    """Whether another rule chose the thresholds then; a report that does not say is of before there was a choice."""
    rule = {"name": now.first.rule.name, **asdict(now.first.rule)}
    for run in old.approaches[name].values():
        section = run.metrics.values.get(SECTION)
        said = section.get("rule") if isinstance(section, Mapping) else None
        then = {key: said.get(key) for key in rule} if isinstance(said, Mapping) else _FIRST_RULE
        if then != rule:
            return True
    return False


def other_engines(old: OldReport, report: EvaluationReport) -> list[str]:
    """A remark on each metric that something else computed then."""
    return [
        f"{name} was computed by {old.engines[name]}, now by {engine}"
        for name, engine in report.engines.items()
        if name in old.engines and old.engines[name] != engine
    ]


def _groups(metric: Metric, now: Approach) -> dict[str, int]:
    """How many groups there are behind each figure, of the kind of image that the fewest have."""
    if metric.sampling is None:
        return {}
    clusters = Clusters.of([sample.group for sample in metric.sampling.samples(now.first)])
    return {name: figure.fewest_groups for name, figure in metric.sampling.figures(now.first, clusters).items()}


def _over_runs(runs: Iterable[OldRun], value_at: KeyPath, interval_at: KeyPath) -> tuple[float, Ends] | None:
    """Means of values and of ends over the runs of an approach; None where a run lacks one of them.

    Ends are averaged, as if the runs were wrong in the same direction: they are on the same images.
    """
    rows = []
    for run in runs:
        value = old_number(run, value_at)
        ends = None if value is None else old_interval(run, interval_at, value)
        if value is None or ends is None:
            return None
        rows.append((value, *ends))
    value, low, high = np.mean(rows, axis=0).tolist()
    return value, (low, high)
