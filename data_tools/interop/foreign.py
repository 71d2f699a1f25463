"""What a foreign file says of one image, and how that becomes a `Prediction`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Prediction, Sample, empty_boxes, empty_labels


@dataclass(frozen=True, eq=False)
class ForeignPrediction:
    """What is said of one image.

    Attributes:
        score: of the image; None where the file gives none, and the rule of `to_predictions` applies.
        boxes_xyxy, box_scores, box_labels: as in `Prediction`.
        peak_xy: as in `Prediction`.
        heatmap: as in `Prediction`.
    """

    score: float | None = None
    boxes_xyxy: NDArray[np.float64] = field(default_factory=empty_boxes)
    box_scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    box_labels: NDArray[np.int64] = field(default_factory=empty_labels)
    peak_xy: tuple[float, float] | None = None
    heatmap: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ForeignFile:
    """A file's findings by image id, and what a person should know about the reading of it."""

    findings: Mapping[int, ForeignPrediction]
    notes: tuple[str, ...] = ()


def to_predictions(
    samples: Sequence[Sample], findings: Mapping[int, ForeignPrediction], scores: Mapping[int, float] | None
) -> tuple[Prediction, ...]:
    """One prediction for each sample.

    The image's score is the one in `scores` if these are given, else the finding's own. An image of which the file says
    nothing, or gives no score, gets one below every score there is: 0, or where that is not below, the lowest minus 1,
    or, where that is the same, the number next to it.
    """
    known = [finding.score for finding in findings.values() if finding.score is not None]
    lowest = 0.0
    if known and min(known) <= 0:
        lowest = min(min(known) - 1.0, math.nextafter(min(known), -math.inf))  # less 1 is the same from 1e16 on
    predictions = []
    for sample in samples:
        finding = findings.get(sample.image_id, ForeignPrediction())
        own = lowest if finding.score is None else finding.score
        predictions.append(
            Prediction(
                image_id=sample.image_id,
                file_name=sample.path,
                size_hw=sample.size_hw,
                score=own if scores is None else scores[sample.image_id],
                boxes_xyxy=finding.boxes_xyxy,
                box_scores=finding.box_scores,
                box_labels=finding.box_labels,
                peak_xy=finding.peak_xy,
                heatmap=finding.heatmap,
            )
        )
    return tuple(predictions)
