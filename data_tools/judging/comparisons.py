"""Approaches side by side: every pair on the same images, over all their seeds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from data_tools.judging.evaluation_report import Difference
from data_tools.judging.metric import Comparison, Metric
from data_tools.judging.pairs import Approach, Pair, Tested
from data_tools.judging.resampling import SampledByRun
from data_tools.metrics.comparison import groups_to_settle, holm


def compare_all(
    approaches: Sequence[Approach],
    metrics: Sequence[Metric],
    sampled: Mapping[str, SampledByRun],
    seed: int,
    resamples: int,
) -> tuple[Difference, ...]:
    """What every pair differs in, with Holm's correction over the family, for all pairs together.

    Args:
        approaches: to compare, each with every other.
        metrics: whose comparisons are made.
        sampled: the resampled statistics of each metric that has any, by its name.
        seed: of the resampling.
        resamples: how many.
    """
    return _corrected(
        [
            _difference(*one)
            for a, b in combinations(approaches, 2)
            for one in each_tested(a, b, metrics, sampled, seed, resamples)
        ]
    )


def each_tested(
    a: Approach,
    b: Approach,
    metrics: Sequence[Metric],
    sampled: Mapping[str, SampledByRun],
    seed: int,
    resamples: int,
) -> Iterator[tuple[Pair, Comparison, Tested]]:
    """Every comparison of two approaches that both have figures for; arguments as of `compare_all`."""
    for metric in metrics:
        pair = Pair(a, b, sampled.get(metric.name, {}), seed, resamples)
        for comparison in metric.comparisons:
            tested = comparison.rule(pair)
            if tested is not None:
                yield pair, comparison, tested


def _difference(pair: Pair, comparison: Comparison, tested: Tested) -> Difference:
    groups = images = None
    if tested.ci95 is not None and tested.ci95[0] <= 0 <= tested.ci95[1]:
        groups = groups_to_settle(tested.difference, tested.ci95, tested.n_groups, tested.fewest_groups)
        images = None if groups is None else math.ceil(groups * tested.n / tested.n_groups)
    name, p_value = tested.per_image or (None, None)
    return Difference(
        metric=comparison.name,
        a=pair.a.name,
        b=pair.b.name,
        value_a=tested.value_a,
        value_b=tested.value_b,
        difference=tested.difference,
        ci95=tested.ci95,
        p_value=tested.p_value,
        test=tested.test,
        n=tested.n,
        seeds_a=len(pair.a.runs),
        seeds_b=len(pair.b.runs),
        in_family=comparison.in_family,
        images_to_settle=images,
        groups_to_settle=groups,
        n_groups=tested.n_groups,
        per_image_test=name,
        per_image_p_value=p_value,
    )


def _corrected(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """With Holm's adjusted p-values where the family has one."""
    in_family = [i for i, one in enumerate(differences) if one.in_family and one.p_value is not None]
    adjusted = dict(zip(in_family, holm([differences[i].p_value or 0.0 for i in in_family]), strict=True))
    return tuple(replace(one, p_value_holm=adjusted.get(i)) for i, one in enumerate(differences))
