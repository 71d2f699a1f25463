"""What needs no model: how far trivial guesses of the defect's place lie from it."""

from collections.abc import Sequence
from typing import Any

from data_tools.core.records import BOXED, Sample
from data_tools.judging.resampling import resample_distances
from data_tools.judging.strata import strata
from data_tools.metrics.peak_distance import (
    Distances,
    Point,
    centre_peaks,
    mean_position_peaks,
    peak_distances,
    random_peaks,
    summarise,
)

WITH_INTERVALS = ("mean_px", "hit_rate")


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
    return summarise(distances) | {"n_groups": len({sample.group for sample in boxed})} | parts


def baseline_sections(
    samples: Sequence[Sample], training: Sequence[Sample], seed: int, resamples: int
) -> dict[str, dict[str, Any]]:
    """Section "peak_distance" of each baseline, with the intervals of mean and hit rate."""
    boxed, distances = baselines(samples, training, seed)
    sampled = resample_distances(distances, [sample.group for sample in boxed], seed, resamples)
    sections = {}
    for name, one in distances.items():
        intervals = {f"{key}_ci95": sampled[name][key].ci95 if key in sampled[name] else None for key in WITH_INTERVALS}
        sections[name] = {"peak_distance": stratified(boxed, one, training) | intervals}
    return sections
