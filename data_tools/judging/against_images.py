"""Image by image: predictions of then, judged again, beside those of now, as two approaches on the same images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.judging.changes import Change
from data_tools.judging.comparisons import each_tested
from data_tools.judging.judged import Judged, judge
from data_tools.judging.metric import Metric, look_up
from data_tools.judging.old_report import OldReport, old_number, reopen
from data_tools.judging.pairs import Approach
from data_tools.judging.resampling import SampledByRun, resample

T = TypeVar("T")

_SAME = 1e-9  # relative: the same predictions give the same figure, up to the order in which numbers are added


@dataclass(frozen=True)
class Setting:
    """How it is judged: the images of validation, the seed of the resampling, and how many resamples."""

    validation: tuple[Sample, ...]
    seed: int
    resamples: int


def judge_again(old: OldReport, name: str, now: Judged, setting: Setting) -> tuple[Approach | None, str]:
    """An approach of then on the truth of `now`; None, and the reason, where its predictions are not at hand."""
    if old.truth_sha256 is None:
        return None, f"{old.path} says neither which images nor which predictions it is of, only how many images"
    entries, reason = reopen(old, name)
    if not entries:
        return None, reason
    how = now.categories, now.seed, now.box_map_engine, now.rule
    try:
        runs = {one.label: judge(now.samples, setting.validation, now.training, one, *how) for one in entries}
    except InputError as error:
        return None, str(error)
    return Approach(name, runs), ""


def judged_otherwise(old: OldReport, then: Approach, metrics: Sequence[Metric]) -> list[str]:
    """A remark on each figure that comes out otherwise than the report of then says."""
    remarks = []
    for label, run in then.runs.items():
        for metric in metrics:
            sections = metric.sections(run)
            for one in metric.comparisons:
                said, is_now = old_number(old.approaches[then.name][label], one.path), look_up(sections, one.path)
                if said is not None and (is_now is None or abs(said - is_now) > _SAME * max(abs(said), abs(is_now))):
                    shown = "not defined" if is_now is None else f"{is_now:.6g}"
                    remarks.append(
                        f"{label}: {one.label} was {said:.6g}, and is {shown} where the same predictions are judged "
                        "now, by another definition or with other images of validation; compared as judged now"
                    )
    return remarks


def by_images(
    now: Approach,
    then: Approach,
    metrics: Sequence[Metric],
    sampled: Mapping[str, SampledByRun],
    setting: Setting,
) -> list[Change]:
    """The figures that both have, by the rules that compare two approaches.

    Args:
        now, then: the approach, on the same images.
        metrics: that were judged.
        sampled: the resampled figures of the runs of now, by metric; those of then are drawn here, from the same draws.
        setting: of the resampling.
    """
    both = {
        metric.name: _labelled("now", sampled[metric.name], now)
        | _labelled("then", resample(metric.sampling, then.runs, setting.seed, setting.resamples), then)
        for metric in metrics
        if metric.sampling is not None
    }
    a, b = (Approach(one.name, _labelled(when, one.runs, one)) for when, one in (("now", now), ("then", then)))
    return [
        Change(
            metric=comparison.name,
            approach=now.name,
            old_approach=then.name,
            old=tested.value_b,
            new=tested.value_a,
            ci95=tested.ci95,
            p_value=tested.p_value,
            paired=True,
            test=tested.test,
            n=tested.n,
            n_groups=tested.n_groups,
        )
        for _, comparison, tested in each_tested(a, b, metrics, both, setting.seed, setting.resamples)
    ]


def _labelled(when: str, by_run: Mapping[str, T], approach: Approach) -> dict[str, T]:
    """What belongs to an approach's runs, under labels that tell now from then."""
    return {f"{when} {label}": by_run[label] for label in approach.runs}
