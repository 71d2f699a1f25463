"""Predictions and truth -> the report. It never asks who made a prediction."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, UNBOXED, Dataset, Splits
from data_tools.files.dataset_folder import truth_hash
from data_tools.judging import registry
from data_tools.judging.against import compare_with_old, require_comparable
from data_tools.judging.against_images import Setting
from data_tools.judging.comparisons import compare_all
from data_tools.judging.evaluation_report import DataSummary, EvaluationReport, Family, RunReport
from data_tools.judging.judged import Entry, Judged, judge
from data_tools.judging.metric import Metric
from data_tools.judging.old_report import OldReport
from data_tools.judging.pairs import Approach
from data_tools.judging.resampling import Sampled, SampledByRun, resample
from data_tools.judging.seeds import over_seeds
from data_tools.judging.verdict import verdict
from data_tools.metrics.bootstrap import RESAMPLES
from data_tools.metrics.clustered import NOT_ENOUGH_GROUPS
from data_tools.metrics.coco_engines import PYCOCOTOOLS, choose_engine
from data_tools.metrics.operating_point import DEFAULT_RULE, Rule

log = logging.getLogger(__name__)


def evaluate(
    dataset: Dataset,
    split: str,
    entries: Sequence[Entry],
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    box_map_engine: str = PYCOCOTOOLS,
    rule: Rule = DEFAULT_RULE,
    against: OldReport | None = None,
) -> EvaluationReport:
    """Judge runs by the registered metrics.

    Args:
        dataset: the truth.
        split: "train", "val", "test" or "all".
        entries: the runs; each has exactly one prediction for each image of the split.
        metrics: their names, as `data_tools.judging.registry.metrics` has them; None for all.
        seed: of the bootstrap and of the random baselines.
        resamples: of the bootstrap.
        box_map_engine: of `coco_engines.ENGINES`; the report names the one that was taken.
        rule: what chooses each run's threshold on its validation images.
        against: an earlier report, which the runs are compared with; None for none.

    Raises:
        InputError: an empty split, an image without prediction, a prediction of a foreign image, an unknown metric, an
            engine that is not installed, or an earlier report that cannot be compared with.
    """
    samples = dataset.split(split)
    if not samples:
        raise InputError(f"the {split} split has no images, so there is nothing to judge")
    chosen = _choose(metrics)
    data = _summary(dataset, split)
    if against is not None:  # first, because judging may take long
        require_comparable(against, data, [entry.approach or entry.label for entry in entries])
    train, val = ((dataset.split(name) if dataset.splits is not None else ()) for name in ("train", "val"))
    engine = choose_engine(box_map_engine)
    judged = {e.label: judge(samples, val, train, e, dataset.categories, seed, engine, rule) for e in entries}
    for label, one in judged.items():
        for remark in one.remarks:
            log.warning("warning: %s: %s", label, remark)
    approaches = _approaches(entries, judged)
    sampled: dict[str, SampledByRun] = {}
    for metric in chosen if judged else ():
        if metric.sampling is not None:
            sampled[metric.name] = resample(metric.sampling, judged, seed, resamples)
    runs = {entry.label: _run(entry, judged[entry.label], chosen, sampled) for entry in entries}
    rows = [row for metric in chosen for row in metric.rows]
    summaries = {
        approach.name: over_seeds({label: runs[label].metrics for label in approach.runs}, rows)
        for approach in approaches
    }
    baselines: dict[str, dict[str, Any]] = {}
    for metric in chosen:
        if metric.baselines is not None:
            for name, sections in metric.baselines(samples, train, seed, resamples).items():
                baselines.setdefault(name, {}).update(sections)
    differences = compare_all(approaches, chosen, sampled, seed, resamples)
    report = EvaluationReport(
        data=data,
        runs=runs,
        approaches=summaries,
        baselines=baselines,
        comparisons=differences,
        family=Family(tuple(registry.family()), "Holm", resamples, seed),
        verdict=verdict(differences, summaries, baselines),
        engines={metric.name: metric.engine(engine) for metric in chosen if metric.engine is not None},
        judged=judged,
    )
    if against is None:
        return report
    setting = Setting(val, seed, resamples)
    return replace(report, against=compare_with_old(report, approaches, against, chosen, sampled, setting))


def _choose(names: Sequence[str] | None) -> list[Metric]:
    """The metrics of these names, in the order in which they are registered."""
    known = registry.metrics()
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise InputError(f"metric {unknown[0]!r}: give one of {', '.join(known)}")
    return [metric for name, metric in known.items() if names is None or name in names]


def _approaches(entries: Sequence[Entry], judged: Mapping[str, Judged]) -> list[Approach]:
    members: dict[str, dict[str, Judged]] = {}
    for entry in entries:
        members.setdefault(entry.approach or entry.label, {})[entry.label] = judged[entry.label]
    return [Approach(name, of) for name, of in members.items()]


def _run(entry: Entry, judged: Judged, chosen: Sequence[Metric], sampled: Mapping[str, SampledByRun]) -> RunReport:
    """All sections of a run, with the intervals beside the values that they belong to."""
    sections: dict[str, Any] = {}
    for metric in chosen:
        own = metric.sections(judged)
        twice = sections.keys() & own.keys()
        if twice:
            raise ValueError(f"metric {metric.name}: another metric computes {', '.join(sorted(twice))}, too")
        if metric.name in sampled:
            _add_intervals(metric, own, sampled[metric.name][entry.label])
        sections |= own
    kinds = [section for section in sections.values() if isinstance(section, Mapping)]
    of_sections = (section.get(key) for section in kinds for key in ("useless_because", "remark"))
    remarks = (*judged.remarks, *(remark for remark in of_sections if remark))
    approach, source = entry.approach or entry.label, entry.source
    return RunReport(entry.predictions.header.producer, approach, sections, remarks, source)


def _add_intervals(metric: Metric, sections: Mapping[str, Any], sampled: Mapping[str, Sampled]) -> None:
    """Put each interval where the metric wants it, unless the section is undefined altogether."""
    for statistic, (*parents, key) in metric.intervals.items():
        section: Any = sections
        for parent in parents:
            section = section[parent] if section is not None else None
        if section is not None:
            section[key] = sampled[statistic].ci95 if statistic in sampled else None
            if statistic in sampled and section[key] is None:
                section["ci95_note"] = NOT_ENOUGH_GROUPS


def _summary(dataset: Dataset, split: str) -> DataSummary:
    samples = dataset.split(split)
    n_good, n_boxed, n_unboxed = (sum(s.status == status for s in samples) for status in (GOOD, BOXED, UNBOXED))
    remarks = tuple(
        f"no {kind} images were judged, so AUC, average precision and FPR are not defined"
        for kind, count in (("good", n_good), ("defect", n_boxed + n_unboxed))
        if not count
    )
    groups, truth = len({s.group for s in samples}), truth_hash(samples, dataset.categories)
    remarks += _not_unseen(dataset.splits, split)
    return DataSummary(len(samples), n_good, n_boxed, n_unboxed, split, groups, remarks, truth)


def _not_unseen(splits: Splits | None, split: str) -> tuple[str, ...]:
    """A remark where images are judged that an approach may have learned from, or chosen its thresholds by."""
    if splits is None:
        return ()
    uses = {"train": "from which an approach may have learned", "val": "by which one may have chosen its thresholds"}
    judged = [
        f"{len(splits.ids(name))} are of the {name} split, {use}"
        for name, use in uses.items()
        if split in (name, "all") and splits.ids(name)
    ]
    return (f"of the judged images {', and '.join(judged)}: unseen ones may be judged worse",) if judged else ()
