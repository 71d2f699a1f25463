"""The curves of a judged run, for whoever draws them; every point comes from `data_tools.metrics`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.judging.baselines import baselines
from data_tools.judging.judged import Judged
from data_tools.metrics.auc import roc_curve
from data_tools.metrics.average_precision import precision_at, precision_recall_curve
from data_tools.metrics.fpr_at_tpr import outcome_at
from data_tools.metrics.froc import Froc
from data_tools.metrics.peak_distance import DistanceRecall, distance_recall_curve

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of one run.

    Attributes:
        roc: false- and true-positive rates from (0, 0) on; None where good or defective images are missing.
        precision_recall: recall and precision from the highest score down; None without defective images.
        distance_recall: of the boxed images; None without any.
        froc: by rule, for a run that gives or has been given boxes; the rules that are defined.
    """

    roc: Points | None
    precision_recall: Points | None
    distance_recall: DistanceRecall | None
    froc: Mapping[str, Froc]


@dataclass(frozen=True)
class Dot:
    """What one threshold does, as a place on the curves; None where a class is missing or nothing is flagged."""

    fpr: float | None
    tpr: float | None
    precision: float | None


def curves_of(judged: Judged) -> Curves:
    """Every curve of a run."""
    boxes = judged.in_boxes
    speaks = boxes is not None and any(len(prediction.boxes_xyxy) for prediction in boxes.predictions)
    froc = judged.froc_curves if speaks else {}
    return Curves(
        roc_curve(judged.scores, judged.positive),
        precision_recall_curve(judged.scores, judged.positive),
        distance_recall_curve(judged.distances.to_box),
        {rule: curve for rule, curve in froc.items() if curve is not None},
    )


def dot_at(judged: Judged, threshold: float) -> Dot:
    """Where a threshold lies on a run's curves."""
    outcome = outcome_at(judged.scores, judged.positive, threshold)
    return Dot(outcome.fpr, outcome.tpr, precision_at(judged.scores, judged.positive, threshold))


def baseline_curves(judged: Judged) -> dict[str, DistanceRecall]:
    """Distance-recall of the trivial baselines on the images of a run; empty without boxed images."""
    _, distances = baselines(judged.samples, judged.training, judged.seed)
    curves = {name: distance_recall_curve(one.to_box) for name, one in distances.items()}
    return {name: curve for name, curve in curves.items() if curve is not None}
