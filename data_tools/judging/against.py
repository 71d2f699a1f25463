"""Now against an earlier report: what changed in each approach, with intervals, and whether anything became worse.

Where the predictions of then are at hand as they were, they are judged again and compared image by image, as two
approaches are. Else only the intervals of the report are known, and they are compared as if they were independent,
which shows less. A report on other images is refused: its difference would be that of the images.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from data_tools.core.errors import InputError
from data_tools.judging.against_images import Setting, by_images, judge_again, judged_otherwise
from data_tools.judging.against_intervals import THRESHOLDED, by_intervals, other_engines, other_rule
from data_tools.judging.changes import BETTER, NOT_SHOWN, TOO_FEW_GROUPS, WORSE, Against, Change
from data_tools.judging.evaluation_report import DataSummary, EvaluationReport
from data_tools.judging.metric import LOWER, Metric, look_up
from data_tools.judging.old_report import OldReport, old_number
from data_tools.judging.pairs import Approach
from data_tools.judging.registry import comparisons
from data_tools.judging.resampling import SampledByRun
from data_tools.metrics.comparison import holm
from data_tools.metrics.sign_flip import smallest_p_value

LEVEL = 0.05


def require_comparable(old: OldReport, data: DataSummary, approaches: Sequence[str]) -> None:
    """Refuse a report of other images, or one that shares no approach.

    Raises:
        InputError: see above; the message says what differs and what to do.
    """
    now = {key: int(getattr(data, key)) for key in old.counts}
    advice = (
        "a difference would be that of the images, not of the models. Judge on the images of then, or judge the "
        "predictions of both models on the images of now with --predictions"
    )
    if old.split != data.split:
        raise InputError(f"{old.path}: 'split' is {old.split!r}, but {data.split!r} is judged now; {advice}")
    changed = [f"{key} {then} then, {now[key]} now" for key, then in old.counts.items() if then != now[key]]
    if changed:
        raise InputError(f"{old.path}: is of other images ({'; '.join(changed)}); {advice}")
    if old.truth_sha256 is not None and old.truth_sha256 != data.truth_sha256:
        raise InputError(
            f"{old.path}: 'truth_sha256' is of other images, or of other labels, boxes or groups of them; {advice}"
        )
    if not _matched(old, approaches):
        raise InputError(
            f"{old.path}: holds {_listed(old.approaches)}, and judged now are {_listed(approaches)}; name each "
            "approach with --approaches as it was named then"
        )


def compare_with_old(
    report: EvaluationReport,
    approaches: Sequence[Approach],
    old: OldReport,
    metrics: Sequence[Metric],
    sampled: Mapping[str, SampledByRun],
    setting: Setting,
) -> Against:
    """What changed since an earlier report that `require_comparable` has let pass.

    Args:
        report: of now.
        approaches: its runs as they were judged.
        old: the earlier report.
        metrics: that were judged now.
        sampled: their resampled figures, by metric.
        setting: of judging and resampling.

    Raises:
        InputError: a damaged figure in the earlier report, or no figure that both reports have.
    """
    matched = _matched(old, [approach.name for approach in approaches])
    remarks = _left_out(old, approaches, matched)
    changes: list[Change] = []
    for approach in approaches:
        if approach.name in matched:
            then, reason = judge_again(old, matched[approach.name], approach.first, setting)
            if then is not None:
                remarks += judged_otherwise(old, then, metrics)
                changes += by_images(approach, then, metrics, sampled, setting)
            else:
                remarks.append(
                    f"{approach.name}: the intervals of the two reports are compared, which shows less than comparing "
                    f"image by image: {reason}"
                )
                remarks += other_engines(old, report)
                changes += by_intervals(report, approach, old, matched[approach.name], metrics)
    if not changes:
        raise InputError(
            f"{old.path}: holds no figure that can be compared with those of now: none has an interval on both sides"
        )
    remarks += _not_compared(report, approaches, old, matched, changes)
    judged = corrected(changes)
    return Against(str(old.path), judged, tuple(dict.fromkeys(remarks)), _verdict(judged))


def _matched(old: OldReport, names: Sequence[str]) -> dict[str, str]:
    """The name then of each approach of now that both have; where each has one alone, these two."""
    shared = {name: name for name in dict.fromkeys(names) if name in old.approaches}
    if not shared and len(set(names)) == len(old.approaches) == 1:
        return {names[0]: next(iter(old.approaches))}
    return shared


def _left_out(old: OldReport, approaches: Sequence[Approach], matched: Mapping[str, str]) -> list[str]:
    remarks = [f"{now} is compared with {then}, the only approach then" for now, then in matched.items() if now != then]
    remarks += [f"{one.name} is not in {old.path}" for one in approaches if one.name not in matched]
    return remarks + [f"{name} was not judged now" for name in old.approaches if name not in matched.values()]


def _not_compared(
    report: EvaluationReport,
    approaches: Sequence[Approach],
    old: OldReport,
    matched: Mapping[str, str],
    changes: Sequence[Change],
) -> list[str]:
    """A remark on each figure that is defined on a side and yet not compared."""
    done, remarks = {(one.approach, one.metric) for one in changes}, []
    for approach in approaches:
        for one in comparisons().values() if approach.name in matched else ():
            then = [old_number(run, one.path) for run in old.approaches[matched[approach.name]].values()]
            now = [look_up(report.runs[label].metrics, one.path) for label in approach.runs]
            known = [all(value is not None for value in side) for side in (then, now)]
            if (approach.name, one.name) not in done and any(known):
                reason = "no interval of it is known on both sides"
                if not all(known):
                    reason = "it is not defined, or was not judged, " + ("now" if known[0] else "then")
                elif one.path[0] in THRESHOLDED and other_rule(old, matched[approach.name], approach):
                    reason = "another rule chose the threshold then"
                remarks.append(f"{approach.name}: {one.label} is not compared: {reason}")
    return remarks


def corrected(changes: Sequence[Change]) -> tuple[Change, ...]:
    """With Holm's adjusted p-values over all of them, and what they show."""
    tested = [i for i, one in enumerate(changes) if one.p_value is not None]
    adjusted = dict(zip(tested, holm([changes[i].p_value or 0.0 for i in tested]), strict=True))
    return tuple(
        replace(one, p_value_holm=adjusted.get(i), change=_what_it_shows(one, adjusted.get(i), len(tested)))
        for i, one in enumerate(changes)
    )


def _what_it_shows(one: Change, p_value: float | None, family: int) -> str:
    if p_value is None or one.ci95 is None:
        return TOO_FEW_GROUPS
    if p_value <= LEVEL and not one.ci95[0] <= 0 <= one.ci95[1]:
        return WORSE if (one.difference > 0) == (comparisons()[one.metric].better == LOWER) else BETTER
    return TOO_FEW_GROUPS if one.paired and family * smallest_p_value(one.n_groups) > LEVEL else NOT_SHOWN


def _verdict(changes: Sequence[Change]) -> str:
    """One sentence that claims no more than it may."""
    by_kind = {kind: [one for one in changes if one.change == kind] for kind in (WORSE, BETTER, TOO_FEW_GROUPS)}
    if len(by_kind[TOO_FEW_GROUPS]) == len(changes):
        groups = max(one.n_groups for one in changes)
        needed = next(g for g in range(2, 64) if len(changes) * smallest_p_value(g) <= LEVEL)
        return (
            f"{TOO_FEW_GROUPS} to show a change: {groups} for {len(changes)} figures, where at least {needed} groups "
            "are needed; --metric asks for fewer figures"
        )
    family = sum(one.p_value is not None for one in changes)
    shown = [
        f"{kind} than then after Holm's correction over {family} figures: {'; '.join(map(_in_words, by_kind[kind]))}"
        for kind in (WORSE, BETTER)
        if by_kind[kind]
    ]
    return "; ".join([*([] if by_kind[WORSE] else ["no figure is shown to be worse than then"]), *shown])


def _in_words(one: Change) -> str:
    low, high = one.ci95 or (0.0, 0.0)
    return (
        f"{one.approach}, {comparisons()[one.metric].label} {one.old:.4g} -> {one.new:.4g} "
        f"(95 % CI {low:+.3g}..{high:+.3g}, p = {one.p_value_holm:.2g})"
    )


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    return ", ".join(map(repr, dict.fromkeys(names)))
