"""Finished cells -> the comparison: each figure's mean over seeds with its interval, as JSON and as Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.judging.judged import Entry, Judged, judge
from data_tools.metrics.bootstrap import Clusters, Floats, distributions, percentile_interval
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.predictions import read_predictions
from data_tools.records import BOXED, Dataset
from tests.benchmarks.time_to_quality.intervals import statistics_of

REFERENCE = "ours"
HEADINGS = {
    "auc": "AUC", "ap": "box AP", "ap50": "box AP50", "hit_rate": "hit rate", "peak_px": "peak distance px",
    "peak_diagonal": "of diagonal", "coverage": "coverage", "fpr_at_tpr_98": "FPR at TPR 98 %",
}  # fmt: skip
_DIGITS = {"peak_px": 1, "peak_diagonal": 4}
NOTE = (
    "Mean over seeds; in brackets the 95 % interval of that mean, by a bootstrap of whole groups of test images "
    "(training again with other seeds is not in it: see the standard deviation over seeds in the JSON). Hit rate: over "
    "all boxed images, one without a peak is a miss. Peak distance: over the images with a peak, their share is the "
    "coverage. AP50 of a type: its images and the good ones."
)


def judged_cells(dataset: Dataset, folders: Mapping[str, Mapping[int, Path]]) -> dict[str, dict[int, Judged]]:
    """The finished cells of each approach, aligned with the truth of the test split; nothing knows who made them.

    Raises:
        InputError: predictions that are missing or fit other images.
    """
    test, val, train = (dataset.split(name) for name in ("test", "val", "train"))
    result: dict[str, dict[int, Judged]] = {}
    for approach, cells in folders.items():
        for seed, folder in cells.items():
            found, validation = (read_predictions(folder / "predictions" / f"{s}.jsonl") for s in ("test", "val"))
            entry = Entry(f"{approach} seed {seed}", found, validation)
            result.setdefault(approach, {})[seed] = judge(
                test, val, train, entry, len(dataset.categories), 0, PYCOCOTOOLS
            )
    return result


def compare(runs: Mapping[str, Mapping[int, Judged]], resamples: int) -> dict[str, Any]:
    """For each approach and figure the values by seed, their mean with its interval, and against "ours" the same.

    All approaches see the same draws of groups, so differences and ratios are paired.
    """
    first = next(iter(next(iter(runs.values())).values()))
    clusters = Clusters.of([sample.group for sample in first.samples])
    once = np.ones((1, clusters.total))
    values: dict[str, dict[str, list[float]]] = {}
    means: dict[str, dict[str, Floats]] = {}
    for approach, cells in runs.items():
        of_runs = [statistics_of(run, clusters) for run in cells.values()]
        names = [name for name in of_runs[0] if all(name in one for one in of_runs)]
        values[approach] = {name: [float(one[name](once)[0]) for one in of_runs] for name in names}
        drawn = [distributions(clusters, [one[name] for name in names], 0, resamples) for one in of_runs]
        if clusters.total < 2:  # drawn from one group, every resample is the same
            drawn = [np.full_like(one, np.nan) for one in drawn]
        means[approach] = dict(zip(names, np.mean(drawn, axis=0).T, strict=True))
    approaches = {
        approach: {name: summary(values[approach][name], means[approach][name]) for name in values[approach]}
        for approach in runs
    }
    boxed = [sample for sample in first.samples if sample.status == BOXED]
    types = sorted({sample.type for sample in boxed})
    return {
        "schema": 1, "resamples": resamples, "n_images": len(first.samples), "n_boxed": len(boxed),
        "n_groups": clusters.total, "types": {name: sum(s.type == name for s in boxed) for name in types},
        "seeds": {approach: sorted(cells) for approach, cells in runs.items()},
        "approaches": approaches, "against_ours": _against(approaches, means),
    }  # fmt: skip


def summary(values: Sequence[float], drawn: Floats) -> dict[str, Any]:
    """Mean and standard deviation over seeds, the interval of the mean, and the values; undefined ones are None."""
    known = [value for value in values if np.isfinite(value)]
    interval = percentile_interval(drawn)
    return {
        "mean": float(np.mean(known)) if known else None,
        "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "ci95": None if interval is None else list(interval),
        "values": [float(value) if np.isfinite(value) else None for value in values],
    }


def _against(approaches: Mapping[str, Any], means: Mapping[str, Mapping[str, Floats]]) -> dict[str, Any]:
    """Ours minus each other for every headline figure, and the ratio of the AP50s."""
    found: dict[str, Any] = {}
    for other in approaches.keys() - {REFERENCE} if REFERENCE in approaches else ():
        row: dict[str, Any] = {}
        for name in HEADINGS.keys() & approaches[REFERENCE].keys() & approaches[other].keys():
            a, b = approaches[REFERENCE][name]["mean"], approaches[other][name]["mean"]
            interval = percentile_interval(means[REFERENCE][name] - means[other][name])
            row[name] = {"difference": None if a is None or b is None else a - b, "ci95": interval and list(interval)}
            if name == "ap50":
                row["ap50_ratio"] = None if a is None or not b else a / b
        found[other] = row
    return dict(sorted(found.items()))


def to_markdown(comparison: Mapping[str, Any], spent: Mapping[str, Sequence[Mapping[str, float | None]]]) -> str:
    """Two tables: the headline figures with what the time bought, and hit rate and AP50 by type."""
    approaches = comparison["approaches"]
    rows = [["", "seeds", "minutes", "steps", *HEADINGS.values()]]
    for name, figures in approaches.items():
        used = [_mean_of([cell[key] for cell in spent.get(name, ())], digits) for key, digits in _SPENT]
        cells = [shown(figures.get(key), _DIGITS.get(key, 3)) for key in HEADINGS]
        rows.append([name, str(len(comparison["seeds"][name])), *used, *cells])
    by_type = [["", *(f"{kind}, {count} images" for kind, count in comparison["types"].items())]]
    for key, heading in (("hit_rate", "hit rate"), ("ap50", "AP50")):
        for name, figures in approaches.items():
            by_type.append(
                [f"{name}, {heading}", *(shown(figures.get(f"{key}/{kind}")) for kind in comparison["types"])]
            )
    ratios = [
        f"AP50 of ours is {row['ap50_ratio']:.1f} times that of {other}."
        for other, row in comparison["against_ours"].items() if row.get("ap50_ratio") is not None
    ]  # fmt: skip
    about = f"Test: {comparison['n_images']} images of {comparison['n_groups']} groups, {comparison['n_boxed']} boxed."
    return "\n\n".join([_pipes(rows), _pipes(by_type), " ".join([about, *ratios]), NOTE])


_SPENT = (("minutes", 1), ("steps", 0))


def shown(figure: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A mean with its interval, or n/a."""
    if figure is None or figure["mean"] is None:
        return "n/a"
    text = f"{figure['mean']:.{digits}f}"
    if figure["ci95"] is None:
        return text
    return text + f" ({figure['ci95'][0]:.{digits}f}..{figure['ci95'][1]:.{digits}f})"


def _mean_of(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    return f"{np.mean(known):.{digits}f}" if known else "n/a"


def _pipes(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
