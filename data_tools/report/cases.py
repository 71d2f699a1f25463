"""One image at a time: what each approach said of it, what went wrong, and which images are worth looking at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_tools.core.records import BOXED, Prediction, PredictionSet, Sample
from data_tools.judging.evaluate import align
from data_tools.metrics.peak_distance import peak_distances

ESCAPE, OVERKILL, NO_PEAK, OFF_TARGET, NEAR_MISS = "escape", "overkill", "no peak", "off target", "near miss"
DISAGREEMENT, HIT, CAUGHT, PASS = "disagreement", "hit", "caught", "pass"
NEAR_PX = 15.0
OUTCOMES = {
    ESCAPE: "a defect image that an approach passes",
    OVERKILL: "a good image that an approach flags",
    NO_PEAK: "an approach abstains from saying where",
    OFF_TARGET: f"a peak more than {NEAR_PX:.0f} px from every true box",
    NEAR_MISS: f"a peak outside every true box, but within {NEAR_PX:.0f} px of one",
    DISAGREEMENT: "one approach flags and another passes, or one hits and another is off target",
    HIT: "every peak inside a true box",
    CAUGHT: "a defect image that every approach flags",
    PASS: "a good image that no approach flags",
}


@dataclass(frozen=True)
class Threshold:
    """The score from which an image is flagged, and a few words on where it comes from."""

    value: float
    source: str


@dataclass(frozen=True, eq=False)
class Case:
    """One image with the predictions of all approaches.

    Attributes:
        sample: the truth.
        predictions: by approach.
        distances: pixels from the peak to the nearest true box, by approach; infinite for an abstention; empty unless
            the sample is boxed.
        flagged: by approach, for those that have a threshold.
    """

    sample: Sample
    predictions: Mapping[str, Prediction]
    distances: Mapping[str, float]
    flagged: Mapping[str, bool]

    @property
    def worst_px(self) -> float | None:
        """The largest distance over the approaches; None unless the sample is boxed."""
        return max(self.distances.values(), default=None)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What happened, of `OUTCOMES` and in their order; at least one approach suffices for a fault."""
        flags, distances = list(self.flagged.values()), list(self.distances.values())
        nearest, farthest = min(distances, default=0.0), max(distances, default=0.0)
        holds = {
            ESCAPE: self.sample.is_defect and not all(flags),
            OVERKILL: not self.sample.is_defect and any(flags),
            NO_PEAK: bool(np.isinf(farthest)),
            OFF_TARGET: any(NEAR_PX < distance < np.inf for distance in distances),
            NEAR_MISS: any(0 < distance <= NEAR_PX for distance in distances),
            DISAGREEMENT: len(set(flags)) > 1 or (nearest <= 0 and farthest > NEAR_PX),
            HIT: bool(distances) and farthest <= 0,
            CAUGHT: self.sample.is_defect and bool(flags) and all(flags),
            PASS: not self.sample.is_defect and bool(flags) and not any(flags),
        }
        return tuple(name for name in OUTCOMES if holds[name])


def gather(
    samples: Sequence[Sample], predictions: Mapping[str, PredictionSet], thresholds: Mapping[str, Threshold]
) -> list[Case]:
    """One case a sample, in their order.

    Raises:
        InputError: an approach lacks a prediction for a sample, or predicts a foreign image.
    """
    aligned = {label: align(samples, found, label) for label, found in predictions.items()}
    cases = []
    for i, sample in enumerate(samples):
        own = {label: found[i] for label, found in aligned.items()}
        distances: dict[str, float] = {}
        if sample.status == BOXED:
            to_box = peak_distances([sample] * len(own), [p.peak_xy for p in own.values()]).to_box
            distances = dict(zip(own, to_box.tolist(), strict=True))
        flagged = {label: own[label].score >= t.value for label, t in thresholds.items() if label in own}
        cases.append(Case(sample, own, distances, flagged))
    return cases


def report_thresholds(report: Mapping[str, Any]) -> dict[str, Threshold]:
    """The frozen threshold of each run in the report, or else the one that gives TPR 98 % on the judged images."""
    found = {}
    for label, run in (report.get("runs") or {}).items():
        metrics = run.get("metrics") or {}
        frozen = (metrics.get("operating_point") or {}).get("threshold")
        chosen_here = ((metrics.get("fpr_at_tpr") or {}).get("0.98") or {}).get("threshold")
        if frozen is not None:
            found[label] = Threshold(float(frozen), "chosen on validation")
        elif chosen_here is not None:
            found[label] = Threshold(float(chosen_here), "TPR 98 % on these very images, so optimistic")
    return found


def worst_first(cases: Sequence[Case], count: int) -> list[Case]:
    """At most `count` cases: peaks off target (abstentions first, then the farthest), escapes, overkills, hits."""
    boxed = sorted((case for case in cases if case.distances), key=_by_distance)
    missed = [case for case in boxed if case.worst_px]
    return _take([(missed, count), (_escapes(cases), count), (_overkills(cases), count), (boxed, count)], count)


def at_random(cases: Sequence[Case], count: int, seed: int) -> list[Case]:
    """At most `count` cases drawn without replacement, in the order drawn."""
    order = np.random.default_rng(seed).permutation(len(cases))
    return [cases[i] for i in order[:count]]


def _take(parts: Sequence[tuple[Sequence[Case], int]], count: int) -> list[Case]:
    """From each part, in turn, up to its number of cases that are not taken yet; at most `count` in all."""
    taken: dict[int, Case] = {}
    for cases, most in parts:
        fresh = [case for case in cases if case.sample.image_id not in taken]
        taken |= {case.sample.image_id: case for case in fresh[: min(most, count - len(taken))]}
    return list(taken.values())


def _by_distance(case: Case) -> tuple[list[float], int]:
    return [-distance for distance in sorted(case.distances.values(), reverse=True)], case.sample.image_id


def _escapes(cases: Sequence[Case]) -> list[Case]:
    return sorted((case for case in cases if ESCAPE in case.outcomes), key=_by_score(lambda scores: min(scores)))


def _overkills(cases: Sequence[Case]) -> list[Case]:
    return sorted((case for case in cases if OVERKILL in case.outcomes), key=_by_score(lambda scores: -max(scores)))


def _by_score(statistic: Callable[[list[float]], float]) -> Callable[[Case], tuple[float, int]]:
    return lambda case: (statistic([p.score for p in case.predictions.values()]), case.sample.image_id)
