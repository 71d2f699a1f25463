"""The image-level part of a report: who flags which image."""

from dataclasses import asdict
from typing import Any

from data_tools.judging.judged import OPERATING_TPR, Judged
from data_tools.metrics.auc import auc_with_ci
from data_tools.metrics.average_precision import average_precision
from data_tools.metrics.calibration import calibration
from data_tools.metrics.fpr_at_tpr import TPRS, fpr_at_tpr, outcome_at


def image_level(judged: Judged) -> dict[str, Any]:
    """AUC, average precision, FPR at fixed TPRs, the operating point from validation, and calibration."""
    scores, positive = judged.scores, judged.positive
    auc = auc_with_ci(scores, positive) if len(scores) else None
    points = {str(tpr): fpr_at_tpr(scores, positive, tpr) for tpr in TPRS}
    return {
        "auc": None
        if auc is None
        else {
            "value": auc.value,
            "ci95": list(auc.ci95),
            "n_positive": auc.n_positive,
            "n_negative": auc.n_negative,
        },
        "average_precision": {"value": average_precision(scores, positive)},
        "fpr_at_tpr": {tpr: None if point is None else asdict(point) for tpr, point in points.items()},
        "operating_point": _operating_point(judged),
        "calibration": calibration(scores, positive),
    }


def _operating_point(judged: Judged) -> dict[str, Any]:
    """A threshold chosen on validation and applied here as it is."""
    if judged.validation is None:
        return {"threshold": None, "reason": "no validation predictions"}
    if judged.threshold is None:
        return {"threshold": None, "reason": "no defect images in validation"}
    return {"validation_tpr": OPERATING_TPR, **asdict(outcome_at(judged.scores, judged.positive, judged.threshold))}
