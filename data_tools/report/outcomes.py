"""One image at a time: what each approach said of it, what went wrong, and which images are worth looking at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_tools.core.records import Prediction, Sample
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.judged import OPERATING_TPR, Judged
from data_tools.judging.metric import look_up

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
class ImageOutcome:
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


def image_outcomes(judged: Mapping[str, Judged], thresholds: Mapping[str, Threshold]) -> list[ImageOutcome]:
    """One outcome an image, in the order in which they were judged.

    Args:
        judged: the approaches by label, on the same images.
        thresholds: by label; an approach without one flags nothing and passes nothing.
    """
    if not judged:
        return []
    distances = {
        label: dict(zip(run.boxed_rows.tolist(), run.distances.to_box.tolist(), strict=True))
        for label, run in judged.items()
    }
    outcomes = []
    for i, sample in enumerate(next(iter(judged.values())).samples):
        own = {label: run.predictions[i] for label, run in judged.items()}
        flagged = {label: own[label].score >= t.value for label, t in thresholds.items() if label in own}
        to_box = {label: of_boxed[i] for label, of_boxed in distances.items() if i in of_boxed}
        outcomes.append(ImageOutcome(sample, own, to_box, flagged))
    return outcomes


def thresholds_of(report: EvaluationReport) -> dict[str, Threshold]:
    """The frozen threshold of each run in the report, or else the one that gives TPR 98 % on the judged images."""
    thresholds = {}
    for label, run in report.runs.items():
        frozen = look_up(run.metrics, ("operating_point", "threshold"))
        chosen_here = look_up(run.metrics, ("fpr_at_tpr", str(OPERATING_TPR), "threshold"))
        if frozen is not None:
            thresholds[label] = Threshold(float(frozen), _source(run.metrics))
        elif chosen_here is not None:
            source = f"TPR {100 * OPERATING_TPR:.0f} % on these very images, so optimistic"
            thresholds[label] = Threshold(float(chosen_here), source)
    return thresholds


def _source(metrics: Mapping[str, Any]) -> str:
    """Where a threshold from validation comes from, and how sure it is."""
    words = look_up(metrics, ("operating_point", "rule", "words"))
    ends = look_up(metrics, ("operating_point", "validation", "threshold_ci95"))
    source = "chosen on validation" + (f", where it {words}" if words else "")
    return source + (f" (95 % interval {ends[0]:.4g}..{ends[1]:.4g})" if ends else "")


def worst_first(images: Sequence[ImageOutcome], count: int) -> list[ImageOutcome]:
    """At most `count` images: peaks off target (abstentions first, then the farthest), escapes, overkills, hits."""
    boxed = sorted((image for image in images if image.distances), key=_by_distance)
    missed = [image for image in boxed if image.worst_px]
    every = (*missed, *_escapes(images), *_overkills(images), *boxed)
    return list({image.sample.image_id: image for image in every}.values())[:count]


def at_random(images: Sequence[ImageOutcome], count: int, seed: int) -> list[ImageOutcome]:
    """At most `count` images drawn without replacement, in the order drawn."""
    order = np.random.default_rng(seed).permutation(len(images))
    return [images[i] for i in order[:count]]


def _by_distance(outcome: ImageOutcome) -> tuple[list[float], int]:
    return [-distance for distance in sorted(outcome.distances.values(), reverse=True)], outcome.sample.image_id


def _escapes(images: Sequence[ImageOutcome]) -> list[ImageOutcome]:
    return sorted((image for image in images if ESCAPE in image.outcomes), key=_by_score(min))


def _overkills(images: Sequence[ImageOutcome]) -> list[ImageOutcome]:
    return sorted((image for image in images if OVERKILL in image.outcomes), key=_by_score(lambda scores: -max(scores)))


def _by_score(statistic: Callable[[list[float]], float]) -> Callable[[ImageOutcome], tuple[float, int]]:
    return lambda image: (statistic([p.score for p in image.predictions.values()]), image.sample.image_id)
