"""Approaches side by side: every pair on the same images, over all their seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import UNBOXED
from data_tools.judging.judged import Judged
from data_tools.judging.resampling import Table, resample_common
from data_tools.metrics.auc import compare_auc
from data_tools.metrics.bootstrap import bootstrap_p_value, percentile_interval
from data_tools.metrics.comparison import holm, images_to_settle, mcnemar, wilcoxon

FAMILY = ("auc", "average_precision", "peak_distance", "hit_rate", "dra_20px")
"""The comparisons that Holm's correction covers, for all pairs together; the others are descriptive."""

_BOOTSTRAP = "paired bootstrap clustered by group"
_DESCRIPTIVE = ("hit_rate_15px", "end_to_end.hit_rate", "end_to_end.hit_rate_15px", "end_to_end.dra_20px")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Approach:
    """Runs that differ by their seed alone, by label."""

    name: str
    runs: Mapping[str, Judged]

    def drawn(self, columns: Floats, seed: int) -> Floats:
        """(resamples, seeds) statistics -> (resamples,) means over seeds that are themselves drawn with replacement."""
        k = len(self.runs)
        if k == 1:
            return columns[:, 0]
        weights = np.random.default_rng((seed, k)).multinomial(k, np.full(k, 1 / k), size=len(columns))
        mean: Floats = (columns * weights).sum(axis=1) / k
        return mean

    @property
    def distances(self) -> Floats:
        """(boxed images, seeds) pixels."""
        return np.stack([run.distances.to_box for run in self.runs.values()], axis=1)


@dataclass(frozen=True, eq=False)
class _Pair:
    a: Approach
    b: Approach
    seed: int

    def row(
        self,
        metric: str,
        difference: float,
        drawn: Floats,
        n: int,
        p_value: float | None,
        test: str,
        ci95: tuple[float, float] | None = None,
    ) -> dict[str, Any]:
        """A line of the report; `p_value` None takes that of the bootstrap."""
        interval = ci95 or percentile_interval(drawn) or (difference, difference)
        spans = interval[0] <= 0 <= interval[1]
        return {
            "metric": metric,
            "a": self.a.name,
            "b": self.b.name,
            "difference": difference,
            "ci95": list(interval),
            "p_value": bootstrap_p_value(drawn) if p_value is None else p_value,
            "test": test,
            "n": n,
            "seeds_a": len(self.a.runs),
            "seeds_b": len(self.b.runs),
            "in_family": metric in FAMILY,
            "images_to_settle": images_to_settle(difference, interval, n) if spans else None,
        }

    def difference(self, table: Table, metric: str) -> tuple[float, Floats] | None:
        """Of the means over seeds, on the images and on the resamples; None where a run lacks the metric."""
        sides = []
        for approach, offset in ((self.a, 0), (self.b, 1)):
            found = [table[label].get(metric) for label in approach.runs]
            known = [one for one in found if one is not None]
            if len(known) < len(found):
                return None
            drawn = approach.drawn(np.stack([one.drawn for one in known], axis=1), self.seed + offset)
            sides.append((float(np.mean([one.value for one in known])), drawn))
        return sides[0][0] - sides[1][0], sides[0][1] - sides[1][1]


def compare_all(
    approaches: Sequence[Approach],
    images: Table | None,
    boxes: Table | None,
    boxed: Table | None,
    seed: int,
    resamples: int,
) -> list[dict[str, Any]]:
    """The rows of every pair, with Holm's correction over `FAMILY`.

    Args:
        approaches: to compare, each with every other.
        images: from `resample_images`; None leaves out what is compared over all images.
        boxes: from `resample_box_ap`; None leaves out box AP50.
        boxed: from `resample_boxed`; None leaves out what is compared over the boxed images.
        seed: of the resampling.
        resamples: how many.
    """
    rows: list[dict[str, Any]] = []
    for a, b in combinations(approaches, 2):
        pair = _Pair(a, b, seed)
        if images is not None:
            rows += _image_rows(pair, images)
        if boxes is not None:
            rows += _box_rows(pair, boxes)
        if boxed is not None:
            rows += _distance_rows(pair, resamples) + _rate_rows(pair, boxed)
    family = [row for row in rows if row["in_family"] and row["p_value"] is not None]
    for row, adjusted in zip(family, holm([row["p_value"] for row in family]), strict=True):
        row["p_value_holm"] = adjusted
    return rows


def _image_rows(pair: _Pair, table: Table) -> list[dict[str, Any]]:
    run_a, run_b = (next(iter(approach.runs.values())) for approach in (pair.a, pair.b))
    n, rows = len(run_a.samples), []
    if len(pair.a.runs) == len(pair.b.runs) == 1:
        found = compare_auc(run_a.scores, run_b.scores, run_a.positive) if n else None
        if found is not None:
            rows.append(pair.row("auc", found.difference, np.zeros(0), n, found.p_value, "DeLong", found.ci95))
    for metric in ("auc", "average_precision"):
        sampled = pair.difference(table, metric) if metric not in {row["metric"] for row in rows} else None
        if sampled is not None:
            rows.append(pair.row(metric, *sampled, n, None, _BOOTSTRAP + _and_seeds(pair)))
    return rows


def _box_rows(pair: _Pair, table: Table) -> list[dict[str, Any]]:
    sampled = pair.difference(table, "box_ap50")
    if sampled is None:
        return []
    n = sum(sample.status != UNBOXED for sample in next(iter(pair.a.runs.values())).samples)
    return [pair.row("box_ap50", *sampled, n, None, _BOOTSTRAP + _and_seeds(pair))]


def _distance_rows(pair: _Pair, resamples: int) -> list[dict[str, Any]]:
    """Mean and median distance over the images on which every run of both has a peak."""
    both = np.concatenate([pair.a.distances, pair.b.distances], axis=1)
    common = np.isfinite(both).all(axis=1)
    if not common.any():
        return []
    boxed = next(iter(pair.a.runs.values())).boxed
    groups = [sample.group for sample, kept in zip(boxed, common, strict=True) if kept]
    means, medians = resample_common(list(both[common].T), groups, pair.seed, resamples)
    k, n = len(pair.a.runs), int(common.sum())
    first, second = both[common, :k], both[common, k:]
    tested = wilcoxon(first.mean(axis=1) - second.mean(axis=1))
    over_seeds = " of the means over seeds" if both.shape[1] > 2 else ""
    rows = []
    for metric, drawn, statistic in (("peak_distance", means, np.mean), ("peak_distance_median", medians, np.median)):
        difference = float(np.mean(statistic(first, axis=0)) - np.mean(statistic(second, axis=0)))
        resampled = pair.a.drawn(drawn[:, :k], pair.seed) - pair.b.drawn(drawn[:, k:], pair.seed + 1)
        p_value, test = None, _BOOTSTRAP + _and_seeds(pair)
        if metric == "peak_distance":
            p_value = 1.0 if tested is None else tested[1]
            test = f"{test} of the mean; Wilcoxon signed rank{over_seeds}, zero differences dropped"
        rows.append(pair.row(metric, difference, resampled, n, p_value, test) | {"n_groups": len(set(groups))})
    return rows


def _rate_rows(pair: _Pair, table: Table) -> list[dict[str, Any]]:
    rows = []
    n = len(pair.a.distances)
    for metric in ("hit_rate", "dra_20px", *_DESCRIPTIVE):
        sampled = pair.difference(table, metric) if n else None
        if sampled is None:
            continue
        p_value, test = None, _BOOTSTRAP + _and_seeds(pair)
        if metric == "hit_rate":
            # with several seeds an image counts as hit when more than half of them hit it
            hit_a, hit_b = ((approach.distances <= 0).mean(axis=1) > 0.5 for approach in (pair.a, pair.b))
            p_value = mcnemar(int((hit_a & ~hit_b).sum()), int((hit_b & ~hit_a).sum()))
            test += "; exact McNemar" + (" of the majority over seeds" if _and_seeds(pair) else "")
        rows.append(pair.row(metric, *sampled, n, p_value, test))
    return rows


def _and_seeds(pair: _Pair) -> str:
    return " and by seed" if len(pair.a.runs) + len(pair.b.runs) > 2 else ""
