"""The part of a report on peaks and maps: how far from the defect, and how much of the map on it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import BOXED, Sample
from data_tools.judging.judged import OPERATING_TPR, Judged
from data_tools.judging.strata import strata
from data_tools.metrics.energy_pointing import energy_pointing
from data_tools.metrics.fpr_at_tpr import outcome_at
from data_tools.metrics.located import LOCATED_TPR, end_to_end, overkill_at_located_tpr
from data_tools.metrics.peak_distance import (
    DRA_LIMIT_PX,
    TOLERANCES_PX,
    Distances,
    Point,
    centre_peaks,
    distance_recall,
    distance_recall_area,
    mean_position_peaks,
    peak_distances,
    random_peaks,
    summarise,
)
from data_tools.metrics.peak_recall import peak_recall

LOCATED_WITHIN_PX = (0, 15)


def pointing(judged: Judged) -> dict[str, Any]:
    """Peak distance with strata, its end-to-end regime, peaks by rank, located overkill, and energy in the boxes."""
    return {
        "peak_distance": stratified(judged.boxed, judged.distances, judged.training),
        "end_to_end": _end_to_end(judged),
        "peak_recall": peak_recall(judged.boxed, judged.boxed_predictions),
        "located": {f"{tolerance}px": _located(judged, tolerance) for tolerance in LOCATED_WITHIN_PX},
        "energy_pointing": _energy(judged),
    }


def baselines(
    samples: Sequence[Sample], training: Sequence[Sample], seed: int
) -> tuple[list[Sample], dict[str, Distances]]:
    """The boxed images and the distances on them of what needs no model: centre, mean training position, random."""
    boxed = [sample for sample in samples if sample.status == BOXED]
    peaks: dict[str, list[Point | None]] = {
        "centre": centre_peaks(boxed),
        "mean_position": mean_position_peaks(boxed, training),
        "random": random_peaks(boxed, seed),
    }
    return boxed, {name: peak_distances(boxed, points) for name, points in peaks.items()}


def stratified(boxed: Sequence[Sample], distances: Distances, training: Sequence[Sample]) -> dict[str, Any]:
    """The summary of distances of boxed images, and the same for each type, size and shape."""
    parts = {
        name: {value: summarise(distances[members == value]) for value in sorted(set(members.tolist()))}
        for name, members in strata(boxed, training).items()
    }
    return summarise(distances) | parts


def _end_to_end(judged: Judged) -> dict[str, Any] | None:
    """Hit rates with an unflagged defect infinitely far; None without a threshold from validation."""
    if judged.threshold is None or not len(judged.boxed):
        return None
    scores = judged.scores[judged.boxed_rows]
    to_box = end_to_end(judged.distances.to_box, scores, judged.threshold)
    rates: dict[str, Any] = {f"hit_rate{f'_{t}px' if t else ''}": distance_recall(to_box, t) for t in TOLERANCES_PX}
    return rates | {
        "dra_20px": distance_recall_area(to_box, DRA_LIMIT_PX),
        "flagged": float((scores >= judged.threshold).mean()),
        "n": len(to_box),
        "threshold": judged.threshold,
        "validation_tpr": OPERATING_TPR,
    }


def _located(judged: Judged, tolerance: int) -> dict[str, Any] | None:
    """Overkill at a located TPR of 99.7 %, and located escapes and overkills at the threshold from validation."""
    scores, to_box = judged.scores[judged.boxed_rows], judged.distances.to_box
    good = judged.scores[judged.good]
    found = overkill_at_located_tpr(scores, to_box, good, tolerance)
    if found is None:
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
    status = "reached" if found.threshold is not None else "unreachable"
    return asdict(found) | {
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
