"""Image by image: predictions of then, judged again, beside those of now, as two approaches on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

from data_tools.core.errors import InputError
from data_tools.core.records import Sample
from data_tools.judging.changes import Change
from data_tools.judging.judged import Judged, judge
from data_tools.judging.metric import Metric, look_up
from data_tools.judging.old_report import OldReport, old_number, reopen
from data_tools.judging.pairs import Approach, Pair
from data_tools.judging.resampling import resample

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
    kept = now.training, now.categories, now.seed, now.box_map_engine
    training, categories, seed, engine = kept
    try:
        runs = {
            one.label: judge(now.samples, setting.validation, training, one, categories, seed, engine, now.rule)
            for one in entries
        }
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
                said, found = old_number(old.approaches[then.name][label], one.path), look_up(sections, one.path)
                if said is not None and (found is None or abs(said - found) > _SAME * max(abs(said), abs(found))):
                    shown = "not defined" if found is None else f"{found:.6g}"
                    remarks.append(
                        f"{label}: {one.label} was {said:.6g}, and is {shown} where the same predictions are judged "
                        "now, by another definition or with other images of validation; compared as judged now"
                    )
    return remarks


def by_images(now: Approach, then: Approach, metrics: Sequence[Metric], setting: Setting) -> list[Change]:
    """The figures that both have, by the rules that compare two approaches."""
    a, b = (
        Approach(one.name, {f"{when} {label}": run for label, run in one.runs.items()})
        for when, one in (("now", now), ("then", then))
    )
    changes = []
    for metric in metrics:
        sampled = {}
        if metric.sampling is not None:
            sampled = resample(metric.sampling, {**a.runs, **b.runs}, setting.seed, setting.resamples)
        pair = Pair(a, b, sampled, setting.seed, setting.resamples)
        for one in metric.comparisons:
            tested = one.rule(pair)
            if tested is not None:
                changes.append(
                    Change(
                        metric=one.name,
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
                )
    return changes
