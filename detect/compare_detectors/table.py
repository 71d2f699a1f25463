"""Finished cells -> the comparison: each figure's mean over folds and runs with its interval, as JSON and Markdown."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, Dataset, Sample
from data_tools.files.predictions import read_predictions
from data_tools.judging.judged import Entry, Judged, judge
from data_tools.metrics.bootstrap import Clusters, Floats, distributions, percentile_interval
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.report.cells import NOT_DEFINED, number, with_interval
from data_tools.report.markdown import pipes
from detect.compare_detectors.cells import Cell
from detect.compare_detectors.intervals import statistics_of

REFERENCE = "ours"
HEADINGS = {
    "auc": "AUC",
    "ap": "box AP",
    "ap50": "box AP50",
    "hit_rate": "hit rate",
    "peak_px": "peak distance px",
    "peak_diagonal": "of diagonal",
    "coverage": "coverage",
    "fpr_at_tpr_98": "FPR at TPR 98 %",
}
_DIGITS = {"peak_px": 1, "peak_diagonal": 4}
NOTE = (
    "Mean over runs, and over folds alike however many runs each has; in brackets its 95 % interval, percentiles of a "
    "bootstrap of whole groups of test images, within each fold if there are several: too narrow with few groups; "
    "those of detect.evaluate are wider (training again with other seeds is not in it: see the standard deviation "
    "over runs in the JSON). Hit rate: over all boxed images, one without a peak is a miss. Peak distance: over the "
    "images with a peak, their share is the coverage. AP50 of a type: its images and the good ones."
)


@dataclass(frozen=True)
class Run:
    """A finished cell with the name of the dataset, or fold, whose test split it is judged on."""

    fold: str
    seed: int
    judged: Judged


@dataclass(frozen=True)
class Figure:
    """One figure of an approach.

    Attributes:
        folds: (r,) where each of its runs was tested.
        values: (r,) of these runs.
        drawn: (r, resamples) the same, of resampled groups of test images.
    """

    folds: tuple[str, ...]
    values: tuple[float, ...]
    drawn: Floats

    def on(self, folds: Collection[str]) -> "Figure":
        """The figure over the runs on some folds."""
        rows = [row for row, fold in enumerate(self.folds) if fold in folds]
        return Figure(tuple(self.folds[row] for row in rows), tuple(self.values[row] for row in rows), self.drawn[rows])

    @property
    def defined_on(self) -> set[str]:
        """The folds on which it is defined in some run."""
        return {fold for fold, value in zip(self.folds, self.values, strict=True) if np.isfinite(value)}

    @property
    def known(self) -> list[float]:
        """The values of the runs in which it is defined."""
        return [value for value in self.values if np.isfinite(value)]

    @property
    def mean(self) -> float | None:
        """Over the runs in which it is defined, each fold counting alike; None without one."""
        defined = np.isfinite(self.values)
        return float(self._over_folds(np.array(self.values), defined)) if defined.any() else None

    @property
    def drawn_mean(self) -> Floats:
        """(resamples,) the mean over all runs, each fold counting alike."""
        return self._over_folds(self.drawn, np.ones(len(self.folds), dtype=bool))

    def _over_folds(self, rows: Floats, chosen: NDArray[np.bool_]) -> Floats:
        """The mean over folds of the mean over a fold's chosen rows: seeds that are not finished shift no weight."""
        folds = np.array(self.folds)
        of_folds = [rows[chosen & (folds == fold)].mean(axis=0) for fold in dict.fromkeys(folds[chosen].tolist())]
        return np.asarray(np.mean(of_folds, axis=0))

    def summary(self) -> dict[str, Any]:
        """Mean and standard deviation over runs, the interval of the mean, and the values; undefined ones are None."""
        return {
            "mean": self.mean,
            "sd": float(np.std(self.known, ddof=1)) if len(self.known) > 1 else None,
            "ci95": _interval(self.drawn_mean),
            "values": [value if np.isfinite(value) else None for value in self.values],
        }


def judged_cells(datasets: Mapping[Path, Dataset], cells: Sequence[Cell]) -> dict[str, list[Run]]:
    """The finished cells of each approach, aligned with the truth of their test split; nothing knows who made them.

    Args:
        datasets: by the folder that the cells name.
        cells: finished ones.

    Raises:
        InputError: predictions that are missing or fit other images.
    """
    result: dict[str, list[Run]] = {}
    for cell in cells:
        dataset = datasets[cell.data]
        test, val, train = (dataset.split(name) for name in ("test", "val", "train"))
        predictions, validation = (
            read_predictions(cell.folder / "predictions" / f"{s}.jsonl") for s in ("test", "val")
        )
        entry = Entry(str(cell), predictions, validation)
        judged = judge(test, val, train, entry, dataset.categories, 0, PYCOCOTOOLS)
        result.setdefault(cell.approach, []).append(Run(cell.fold, cell.seed, judged))
    return result


def compare(runs: Mapping[str, Sequence[Run]], resamples: int) -> dict[str, Any]:
    """For each approach and figure the values by run, their mean with its interval, and against "ours" the same.

    All runs on a fold see the same draws of its groups, so differences and ratios are paired; folds are drawn
    independently of each other, so no two of them may test the same group (`require_disjoint`).
    """
    tests = {run.fold: run.judged.samples for of_approach in runs.values() for run in of_approach}
    clusters = {fold: Clusters.of([sample.group for sample in samples]) for fold, samples in tests.items()}
    figures = {approach: _figures(of_approach, clusters, resamples) for approach, of_approach in runs.items()}
    samples = [sample for of_fold in tests.values() for sample in of_fold]
    boxed = [sample for sample in samples if sample.status == BOXED]
    types = sorted({sample.type for sample in boxed})
    return {
        "schema": 2,
        "resamples": resamples,
        "folds": list(tests),
        "n_images": len(samples),
        "n_boxed": len(boxed),
        "n_groups": sum(one.total for one in clusters.values()),
        "types": {name: sum(s.type == name for s in boxed) for name in types},
        "runs": {approach: [{"fold": r.fold, "seed": r.seed} for r in of_it] for approach, of_it in runs.items()},
        "approaches": {a: {name: one.summary() for name, one in of.items()} for a, of in figures.items()},
        "against_ours": _against(figures),
    }


def require_disjoint(tests: Mapping[str, Sequence[Sample]]) -> None:
    """Refuse folds that do not share out one dataset.

    Args:
        tests: the test images of each fold.

    Raises:
        InputError: two of them test images of the same group.
    """
    groups = {fold: {sample.group for sample in samples} for fold, samples in tests.items()}
    for first, second in combinations(groups, 2):
        if shared := sorted(groups[first] & groups[second]):
            raise InputError(
                f"--data: {first} and {second} both test images of group {shared[0]}; several datasets "
                "must be folds of one, as data_tools.splits --folds makes them"
            )


def _figures(runs: Sequence[Run], clusters: Mapping[str, Clusters], resamples: int) -> dict[str, Figure]:
    """By name the figures that every run has; those of a type are over the runs whose test images hold that type."""
    seeds = {fold: seed for seed, fold in enumerate(clusters)}
    resampled = [_resampled(run, clusters[run.fold], seeds[run.fold], resamples) for run in runs]
    figures = {}
    for name in dict.fromkeys(name for of_run in resampled for name in of_run):
        kind = name.partition("/")[2]
        holding = [i for i, of_run in enumerate(resampled) if not kind or f"hit_rate/{kind}" in of_run]
        if all(name in resampled[i] for i in holding):
            values, drawn = zip(*(resampled[i][name] for i in holding), strict=True)
            figures[name] = Figure(tuple(runs[i].fold for i in holding), values, np.stack(drawn))
    return figures


def _resampled(run: Run, groups: Clusters, seed: int, resamples: int) -> dict[str, tuple[float, Floats]]:
    """The figures of a run by name, each with its (resamples,) values of resampled groups."""
    statistics = statistics_of(run.judged, groups)
    drawn = distributions(groups, list(statistics.values()), seed, resamples)
    if groups.total < 2:  # every resample is the same
        drawn = np.full_like(drawn, np.nan)
    every = np.ones((1, groups.total))
    return {name: (float(of(every)[0]), drawn[:, i]) for i, (name, of) in enumerate(statistics.items())}


def _against(figures: Mapping[str, Mapping[str, Figure]]) -> dict[str, Any]:
    """Ours minus each other for every headline figure, and the ratio of the AP50s, on folds where both are defined."""
    comparisons: dict[str, Any] = {}
    ours = figures.get(REFERENCE, {})
    for other in sorted(figures.keys() - {REFERENCE} if ours else ()):
        row: dict[str, Any] = {}
        for name in [name for name in HEADINGS if name in ours and name in figures[other]]:
            folds = ours[name].defined_on & figures[other][name].defined_on
            mine, theirs = ours[name].on(folds), figures[other][name].on(folds)
            a, b = mine.mean, theirs.mean
            interval = _interval(mine.drawn_mean - theirs.drawn_mean) if folds else None
            row[name] = {
                "difference": None if a is None or b is None else a - b,
                "ci95": interval,
                "folds": sorted(folds),
            }
            if name == "ap50" and a is not None and b:
                row["ap50_ratio"] = {"value": a / b, "ci95": _ratio_interval(mine, theirs)}
        comparisons[other] = row
    return comparisons


def _ratio_interval(a: Figure, b: Figure) -> list[float] | None:
    """Of the ratio of two means; None where some resample leaves it without a bound."""
    above, below = a.drawn_mean, b.drawn_mean
    return None if (below == 0).any() else _interval(above / below)


def _interval(drawn: Floats) -> list[float] | None:
    interval = percentile_interval(drawn)
    return None if interval is None else list(interval)


def to_markdown(comparison: Mapping[str, Any], spent: Mapping[str, Sequence[Mapping[str, float | None]]]) -> str:
    """Headline figures with what the budget bought, ours minus the others', and hit rate and AP50 by type."""
    approaches = comparison["approaches"]
    rows = [["", "runs", "megapixels", "steps", "minutes", *HEADINGS.values()]]
    for name, figures in approaches.items():
        used = [_mean_of([cell[key] for cell in spent.get(name, ())], digits) for key, digits in _SPENT]
        cells = [shown(figures.get(key), _DIGITS.get(key, 3)) for key in HEADINGS]
        rows.append([name, str(len(comparison["runs"][name])), *used, *cells])
    by_type = [["", *(f"{kind}, {count} images" for kind, count in comparison["types"].items())]]
    for key, heading in (("hit_rate", "hit rate"), ("ap50", "AP50")):
        for name, figures in approaches.items():
            by_type.append(
                [f"{name}, {heading}", *(shown(figures.get(f"{key}/{kind}")) for kind in comparison["types"])]
            )
    differences = [["ours minus", *HEADINGS.values()]]
    for other, row in comparison["against_ours"].items():
        differences.append([other, *(shown(row.get(key), _DIGITS.get(key, 3), "difference") for key in HEADINGS)])
    ratios = [
        f"AP50 of ours is {shown(row['ap50_ratio'], 1, 'value')} times that of {other}."
        for other, row in comparison["against_ours"].items()
        if "ap50_ratio" in row
    ]
    about = f"Test: {comparison['n_images']} images of {comparison['n_groups']} groups, {comparison['n_boxed']} boxed"
    if len(comparison["folds"]) > 1:
        about += f", in {len(comparison['folds'])} folds"
    tables = [rows, *([differences] if len(differences) > 1 else []), by_type]
    said = [f"{about}.", *_on_some_folds(comparison), *ratios]
    return "\n\n".join([*map(pipes, tables), " ".join(said), NOTE])


def _on_some_folds(comparison: Mapping[str, Any]) -> list[str]:
    """A sentence on each approach that has not been tested on every fold: its row is of other images."""
    folds = {name: {run["fold"] for run in runs} for name, runs in comparison["runs"].items()}
    every = set(comparison["folds"])
    return [
        f"{name} is judged on {', '.join(sorted(of_it))} alone, so its row is of fewer images than others."
        for name, of_it in folds.items()
        if of_it < every
    ]


_SPENT = (("megapixels", 0), ("steps", 0), ("minutes", 1))


def shown(figure: Mapping[str, Any] | None, digits: int = 3, key: str = "mean") -> str:
    """A figure's mean, or what else has that key, with its interval; n/a without one."""
    return NOT_DEFINED if figure is None else with_interval(figure[key], figure["ci95"], digits)


def _mean_of(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return number(float(np.mean(known)) if known else None, digits)
