"""Bootstrap distributions of every run's statistics, all from the same draws, so that they can be compared in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.judging.judged import Judged
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.bootstrap import (
    Clusters,
    Statistic,
    auc_of,
    average_precision_of,
    distributions,
    mean_of,
    median_of,
    percentile_interval,
)
from data_tools.metrics.box_ap_resampling import box_ap50_of
from data_tools.metrics.located import end_to_end
from data_tools.metrics.peak_distance import DRA_LIMIT_PX, Distances

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sampled:
    """A statistic on the images as they are, and on resamples of their groups (NaN where undefined)."""

    value: float
    drawn: Floats

    @property
    def ci95(self) -> list[float] | None:
        """The percentile interval, as JSON has it."""
        found = percentile_interval(self.drawn)
        return None if found is None else list(found)


Table = dict[str, dict[str, Sampled]]
"""By run, then by statistic; a statistic that is undefined for a run is absent."""


def resample_images(runs: Mapping[str, Judged], seed: int, resamples: int, with_auc: bool) -> Table:
    """Average precision, and the AUC if wanted, over all images."""
    first = next(iter(runs.values()))
    clusters = Clusters.of([sample.group for sample in first.samples])
    values: dict[tuple[str, str], float | None] = {}
    statistics: dict[tuple[str, str], Statistic] = {}
    for label, run in runs.items():
        values[label, "average_precision"] = average_precision(run.scores, run.positive)
        statistics[label, "average_precision"] = average_precision_of(run.scores, run.positive, clusters)
        if with_auc:
            values[label, "auc"] = roc_auc(run.scores, run.positive)
            statistics[label, "auc"] = auc_of(run.scores, run.positive, clusters)
    return _table(runs, clusters, values, statistics, seed, resamples)


def resample_boxed(runs: Mapping[str, Judged], seed: int, resamples: int) -> Table:
    """Mean distance where there is a peak, and rates over all boxed images, as they are and end to end."""
    first = next(iter(runs.values()))
    clusters = Clusters.of([sample.group for sample in first.boxed])
    columns: dict[tuple[str, str], Floats] = {}
    for label, run in runs.items():
        columns |= {(label, name): column for name, column in rates(run.distances.to_box).items()}
        if run.threshold is not None:
            through = end_to_end(run.distances.to_box, run.scores[run.boxed_rows], run.threshold)
            columns |= {(label, f"end_to_end.{name}"): c for name, c in rates(through).items() if name != "mean_px"}
    return _means(runs, clusters, columns, seed, resamples)


def resample_box_ap(runs: Mapping[str, Judged], seed: int, resamples: int) -> Table:
    """Box AP50 of every run that speaks in boxes or can be read so."""
    first = next(iter(runs.values()))
    clusters = Clusters.of([sample.group for sample in first.samples])
    values: dict[tuple[str, str], float | None] = {}
    statistics: dict[tuple[str, str], Statistic] = {}
    for label, run in runs.items():
        boxes = run.in_boxes
        found = boxes and box_ap50_of(boxes.samples, boxes.predictions, boxes.num_classes, clusters)
        if found:
            values[label, "box_ap50"] = float(found(np.ones((1, clusters.total)))[0])
            statistics[label, "box_ap50"] = found
    return _table(runs, clusters, values, statistics, seed, resamples)


def resample_baselines(found: Mapping[str, Distances], groups: Sequence[str], seed: int, resamples: int) -> Table:
    """The same for distances that belong to no run."""
    clusters = Clusters.of(groups)
    columns = {(name, key): c for name, distances in found.items() for key, c in rates(distances.to_box).items()}
    return _means(found, clusters, columns, seed, resamples)


def resample_common(
    distances: Sequence[Floats], groups: Sequence[str], seed: int, resamples: int
) -> tuple[Floats, Floats]:
    """Means and medians of several columns of distances of the same images: two (resamples, columns) arrays."""
    clusters = Clusters.of(groups)
    statistics = [make(column, clusters) for make in (mean_of, median_of) for column in distances]
    drawn = distributions(clusters, statistics, seed, resamples)
    return drawn[:, : len(distances)], drawn[:, len(distances) :]


def rates(to_box: Floats) -> dict[str, Floats]:
    """For each image its distance, whether it hits at 0 and 15 px, and its part of DRA; a mean of each is a metric."""
    return {
        "mean_px": to_box,
        "hit_rate": (to_box <= 0).astype(np.float64),
        "hit_rate_15px": (to_box <= 15).astype(np.float64),
        "dra_20px": np.maximum(0.0, 1.0 - to_box / DRA_LIMIT_PX),
    }


def _means(
    labels: Mapping[str, object],
    clusters: Clusters,
    columns: Mapping[tuple[str, str], Floats],
    seed: int,
    resamples: int,
) -> Table:
    values = {key: _mean_of_finite(column) for key, column in columns.items()}
    statistics = {key: mean_of(column, clusters) for key, column in columns.items()}
    return _table(labels, clusters, values, statistics, seed, resamples)


def _mean_of_finite(column: Floats) -> float | None:
    known = column[np.isfinite(column)]
    return float(known.mean()) if len(known) else None


def _table(
    labels: Mapping[str, object],
    clusters: Clusters,
    values: Mapping[tuple[str, str], float | None],
    statistics: Mapping[tuple[str, str], Statistic],
    seed: int,
    resamples: int,
) -> Table:
    kept = [key for key in statistics if values[key] is not None]
    drawn = distributions(clusters, [statistics[key] for key in kept], seed, resamples)
    table: Table = {label: {} for label in labels}
    for (label, name), column in zip(kept, drawn.T, strict=True):
        value = values[label, name]
        assert value is not None
        table[label][name] = Sampled(value, column)
    return table
