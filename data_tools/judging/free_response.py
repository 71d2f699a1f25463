"""Free response: how many of the true boxes are found at how many false boxes an image."""

from typing import Any

import numpy as np

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Metric, MetricRow
from data_tools.metrics.froc import FALSE_BOXES_PER_IMAGE


def free_response(judged: Judged) -> dict[str, Any]:
    """Section "froc": by rule the lesion fraction at fixed false boxes an image, and the mean over these."""
    result: dict[str, Any] = {}
    for rule, curve in judged.froc_curves.items():
        at = None if curve is None else {str(rate): curve.at(rate) for rate in FALSE_BOXES_PER_IMAGE}
        result[rule] = None if at is None else {"lesion_fraction_at": at, "mean": float(np.mean(list(at.values())))}
    return {"froc": result}


METRIC = Metric(
    name="froc",
    compute=free_response,
    rows=(
        MetricRow(
            "FROC mean, IoU 0.5",
            ("froc", "iou_0.5", "mean"),
            "Share of true boxes found, the mean over 1/8 to 2 false boxes an image; a hit is an IoU of at least 0.5.",
            short=True,
            over_seeds=True,
        ),
        MetricRow(
            "FROC mean, within 15 px",
            ("froc", "centre_within_15px", "mean"),
            "Share of true boxes found, the mean over 1/8 to 2 false boxes an image; a hit is within 15 px.",
        ),
        MetricRow(
            "FROC mean, good images",
            ("froc", "iou_0.5_false_on_good_only", "mean"),
            "Share of true boxes found at IoU 0.5, the mean over 1/8 to 2 false boxes a good image.",
        ),
    ),
)
