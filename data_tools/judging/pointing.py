"""Pointing: how far from the defect a peak lies, and how much of a map lies on it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.judging.baselines import baseline_sections, stratified
from data_tools.judging.judged import Judged
from data_tools.judging.metric import LOWER, Breakdown, Comparison, KeyPath, Metric, MetricRow, Style
from data_tools.judging.pairs import by_common_mean, by_common_median, by_group
from data_tools.judging.resampling import Sampling, pointing_figures
from data_tools.judging.single_images import PerImageTest, exact_mcnemar, signed_rank
from data_tools.judging.strata import ASPECT_NAMES
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.box_map import TERCILES
from data_tools.metrics.energy_pointing import energy_pointing
from data_tools.metrics.figures import Figure
from data_tools.metrics.fpr_at_tpr import outcome_at
from data_tools.metrics.located import LOCATED_TPR, end_to_end, overkill_at_located_tpr
from data_tools.metrics.operating_point import EscapeRate
from data_tools.metrics.peak_distance import recalls
from data_tools.metrics.peak_recall import peak_recall

LOCATED_WITHIN_PX = (0, 15)


def pointing(judged: Judged) -> dict[str, Any]:
    """Sections "peak_distance" (with strata), "end_to_end", "peak_recall", "located" and "energy_pointing"."""
    return {
        "peak_distance": stratified(judged.boxed, judged.distances, judged.training),
        "end_to_end": _end_to_end(judged),
        "peak_recall": peak_recall(judged.boxed, judged.boxed_predictions),
        "located": {f"{tolerance}px": _located(judged, tolerance) for tolerance in LOCATED_WITHIN_PX},
        "energy_pointing": _energy(judged),
    }


def _end_to_end(judged: Judged) -> dict[str, Any] | None:
    """Hit rates with an unflagged defect infinitely far; None without a threshold from validation."""
    if judged.threshold is None or not len(judged.boxed):
        return None
    scores = judged.scores[judged.boxed_rows]
    to_box = end_to_end(judged.distances.to_box, scores, judged.threshold)
    return {
        **recalls(to_box),
        "flagged": float((scores >= judged.threshold).mean()),
        "n": len(to_box),
        "n_groups": len({sample.group for sample in judged.boxed}),
        "threshold": judged.threshold,
        "validation_tpr": judged.rule.tpr if isinstance(judged.rule, EscapeRate) else None,
    }


def _located(judged: Judged, tolerance: int) -> dict[str, Any] | None:
    """Overkill at a located TPR of 99.7 %, and located escapes and overkills at the threshold from validation."""
    scores, to_box = judged.scores[judged.boxed_rows], judged.distances.to_box
    good = judged.scores[judged.good]
    located = overkill_at_located_tpr(scores, to_box, good, tolerance)
    if located is None:
        return None
    at_validation = None
    if judged.threshold is not None:
        caught = (scores >= judged.threshold) & (to_box <= tolerance)
        outcome = outcome_at(good, np.zeros(len(good), dtype=bool), judged.threshold)
        at_validation = {
            "located_tpr": float(caught.mean()),
            "located_escapes": int((~caught).sum()),
            "fpr": outcome.fpr,
            "overkills": outcome.overkills,
        }
    status = "reached" if located.threshold is not None else "unreachable"
    return asdict(located) | {
        "tpr": LOCATED_TPR,
        "status": status,
        "n": len(scores),
        "at_validation_threshold": at_validation,
    }


def _energy(judged: Judged) -> dict[str, Any]:
    """Means over the boxed images whose map is defined; `coverage` is their share."""
    rows: list[tuple[float, float]] = []
    for sample, prediction in zip(judged.boxed, judged.boxed_predictions, strict=True):
        heatmap = judged.map_of(prediction)
        energy = None if heatmap is None else energy_pointing(heatmap, sample.boxes_xyxy, sample.size_hw)
        if energy is not None:
            rows.append((energy.inside, energy.lift))
    table: NDArray[np.float64] = np.array(rows, dtype=np.float64).reshape(-1, 2)
    n = len(judged.boxed)
    return {
        "value": float(table[:, 0].mean()) if len(table) else None,
        "lift": float(table[:, 1].mean()) if len(table) else None,
        "coverage": len(table) / n if n else None,
        "n": n,
        "maps": judged.currencies["maps"],
    }


def _figures(judged: Judged, clusters: Clusters) -> Mapping[str, Figure]:
    """Mean distance where there is a peak, and rates over all boxed images, as they are and end to end."""
    distances = judged.distances
    figures = pointing_figures(distances.to_box, distances, clusters)
    if judged.threshold is not None:
        to_box = end_to_end(distances.to_box, judged.scores[judged.boxed_rows], judged.threshold)
        through = pointing_figures(to_box, distances, clusters)
        figures |= {f"end_to_end.{name}": through[name] for name in _THROUGH}
    return figures


def _n_boxed(judged: Judged) -> int:
    return len(judged.boxed)


_THROUGH = ("hit_rate", "hit_rate_15px", "dra_20px")
_INTERVALS: Mapping[str, KeyPath] = {
    name: ("peak_distance", f"{name}_ci95") for name in ("mean_px", *_THROUGH, "coverage")
} | {f"end_to_end.{name}": ("end_to_end", f"{name}_ci95") for name in _THROUGH}


def _distance(label: str, key: str, meaning: str, style: Style = Style.ONE_DIGIT, better: str = LOWER) -> MetricRow:
    return MetricRow(label, ("peak_distance", key), meaning, style, better)


def _key_row(label: str, section: str, key: str, meaning: str, short: bool = True) -> MetricRow:
    """A rate with an interval, summed up over seeds."""
    ci95 = _INTERVALS[key if section == "peak_distance" else f"{section}.{key}"]
    return MetricRow(label, (section, key), meaning, ci95=ci95, short=short, over_seeds=True)


def _in_reach(count: int) -> MetricRow:
    plural = "s" if count > 1 else ""
    meaning = f"Share of true boxes within 15 px of one of the image's {count} best peaks."
    if count == 1:
        meaning = "Share of true boxes within 15 px of the image's peak."
    return MetricRow(f"box in 15 px of {count} peak{plural}", ("peak_recall", str(count), "recall_15px"), meaning)


def _compared(
    figure: str,
    label: str,
    per_image: PerImageTest | None = None,
    in_family: bool = False,
    short: bool = True,
    meaning: str = "",
) -> Comparison:
    """A rate or a mean over all boxed images."""
    path = tuple(figure.split(".")) if "." in figure else ("peak_distance", figure)
    rule = by_group(figure, _n_boxed, per_image)
    return Comparison(figure, label, rule, in_family, short=short, meaning=meaning, path=path)


METRIC = Metric(
    name="peak_distance",
    compute=pointing,
    rows=(
        MetricRow(
            "peak distance mean, px",
            ("peak_distance", "mean_px"),
            "Mean distance from the peak to the nearest true box, over the boxed images that have a peak.",
            Style.ONE_DIGIT,
            LOWER,
            _INTERVALS["mean_px"],
            short=True,
            over_seeds=True,
        ),
        MetricRow(
            "peak distance median, px",
            ("peak_distance", "median_px"),
            "Median distance from the peak to the nearest true box.",
            Style.ONE_DIGIT,
            LOWER,
            short=True,
            over_seeds=True,
        ),
        _distance(
            "peak distance p90, px",
            "p90_px",
            "Nine tenths of the distances from the peak to the nearest true box are smaller.",
        ),
        _distance(
            "mean / image diagonal",
            "mean_diagonal",
            "Mean distance from the peak to the nearest true box as a share of the image's diagonal.",
            Style.THREE_DIGITS,
        ),
        _distance("to box centre mean, px", "mean_centre_px", "Mean distance from the peak to the nearest box centre."),
        _distance("signed mean dx, px", "mean_dx_px", "Mean signed offset to the right of the box centre.", better=""),
        _distance("signed mean dy, px", "mean_dy_px", "Mean signed offset down from the box centre.", better=""),
        _key_row("hit rate (0 px)", "peak_distance", "hit_rate", "Share of boxed images with the peak in a true box."),
        _key_row(
            "hit rate (15 px)",
            "peak_distance",
            "hit_rate_15px",
            "Share of boxed images with the peak within 15 px of a true box.",
        ),
        _key_row(
            "DRA (to 20 px)",
            "peak_distance",
            "dra_20px",
            "Area under the share of boxed images within a distance, up to 20 px.",
            short=False,
        ),
        _key_row(
            "coverage (has a peak)",
            "peak_distance",
            "coverage",
            "Share of boxed images of which the approach says where the defect is.",
        ),
        _key_row(
            "flagged and within 15 px",
            "end_to_end",
            "hit_rate_15px",
            "Share of boxed images flagged at the threshold from validation with the peak within 15 px.",
        ),
        MetricRow(
            "FPR, located TPR 99.7 %",
            ("located", "15px", "fpr"),
            "Share of good images flagged where 99.7 % of the defects are flagged with the peak within 15 px.",
            Style.PERCENT,
            LOWER,
        ),
        MetricRow(
            "located TPR at most",
            ("located", "15px", "ceiling"),
            "Share of boxed images with the peak within 15 px if every image is flagged.",
            Style.PERCENT,
        ),
        _in_reach(1),
        _in_reach(3),
        _in_reach(5),
        MetricRow(
            "map energy in boxes",
            ("energy_pointing", "value"),
            "Mean share of the map's sum that lies inside the true boxes.",
            short=True,
            over_seeds=True,
        ),
        MetricRow(
            "energy lift over chance",
            ("energy_pointing", "lift"),
            "The map's share inside the true boxes divided by the boxes' share of the image; 1 is chance.",
            Style.ONE_DIGIT,
        ),
        MetricRow(
            "boxed images, n",
            ("peak_distance", "n"),
            "Number of images with annotated boxes.",
            Style.COUNT,
            "",
            short=True,
        ),
    ),
    sampling=Sampling(lambda judged: judged.boxed, _figures),
    intervals=_INTERVALS,
    comparisons=(
        Comparison(
            "peak_distance",
            "peak distance mean, px",
            by_common_mean(signed_rank),
            True,
            Style.ONE_DIGIT,
            LOWER,
            path=("peak_distance", "mean_px"),
        ),
        Comparison(
            "peak_distance_median",
            "peak distance median, px",
            by_common_median,
            False,
            Style.ONE_DIGIT,
            LOWER,
            path=("peak_distance", "median_px"),
        ),
        _compared("hit_rate", "hit rate (0 px)", exact_mcnemar, in_family=True),
        _compared("dra_20px", "DRA (to 20 px)", in_family=True),
        _compared("hit_rate_15px", "hit rate (15 px)", short=False),
        _compared(
            "end_to_end.hit_rate",
            "flagged and hit",
            short=False,
            meaning="Share of boxed images flagged at the threshold from validation with the peak in a true box.",
        ),
        _compared("end_to_end.hit_rate_15px", "flagged and within 15 px"),
        _compared(
            "end_to_end.dra_20px",
            "flagged, DRA (to 20 px)",
            short=False,
            meaning="Area under the share of boxed images that are flagged and within a distance, up to 20 px.",
        ),
    ),
    breakdowns=(
        Breakdown(("peak_distance", "by_type"), "defect type"),
        Breakdown(("peak_distance", "by_size"), "box size", TERCILES),
        Breakdown(("peak_distance", "by_aspect"), "box aspect", ASPECT_NAMES),
    ),
    baselines=baseline_sections,
)
