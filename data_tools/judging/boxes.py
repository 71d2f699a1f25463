"""The part of a report in the currency of boxes; a run that gives maps alone is judged by boxes cut from them."""

from typing import Any

import numpy as np

from data_tools.judging.judged import Judged
from data_tools.metrics.box_map import box_map, tercile_edges
from data_tools.metrics.error_types import best_f1_threshold, error_types
from data_tools.metrics.froc import FALSE_BOXES_PER_IMAGE, froc
from data_tools.metrics.max_box_acc import box_accuracy, max_box_acc
from data_tools.metrics.proposal_recall import proposal_recall, sliding_window_recall

WITHIN_PX = 15.0
_FROC_VARIANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("iou_0.5", {}),
    ("centre_within_15px", {"within_px": WITHIN_PX}),
    ("iou_0.5_false_on_good_only", {"false_on_good_only": True}),
)


def box_precision(judged: Judged) -> dict[str, Any]:
    """COCO's box mAP and, by kind of error, what goes wrong."""
    boxes = judged.in_boxes
    if boxes is None:
        return {"box_map": None, "error_types": None, "currencies": judged.currencies}
    edges = tercile_edges(judged.training)
    found: dict[str, Any] = dict(
        box_map(boxes.samples, boxes.predictions, judged.num_classes, edges, judged.box_map_engine)
    )
    if edges is not None:
        found["tercile_edges_px2"] = list(edges)
    return {"box_map": found, "error_types": _error_types(boxes), "currencies": judged.currencies}


def free_response(judged: Judged) -> dict[str, Any]:
    """FROC in its variants: lesion fraction at fixed false boxes an image, and the mean over these."""
    boxes = judged.in_boxes
    result: dict[str, Any] = {}
    for name, options in _FROC_VARIANTS:
        curve = None if boxes is None else froc(boxes.samples, boxes.predictions, **options)
        at = None if curve is None else {str(rate): curve.at(rate) for rate in FALSE_BOXES_PER_IMAGE}
        result[name] = None if at is None else {"lesion_fraction_at": at, "mean": float(np.mean(list(at.values())))}
    return {"froc": result}


def map_accuracy(judged: Judged) -> dict[str, Any]:
    """MaxBoxAcc and V2 of the run's own maps."""
    accuracy = box_accuracy(judged.samples, judged.predictions)
    if accuracy is None:
        return {"max_box_acc": None}
    chosen_on = None if judged.validation is None else box_accuracy(*judged.validation)
    return {"max_box_acc": max_box_acc(accuracy, chosen_on)}


def proposals(judged: Judged) -> dict[str, Any]:
    """Average recall of the region proposals, where there are any, of the predicted boxes, and of sliding windows."""
    boxes, given = judged.in_boxes, judged.proposals
    return {
        "proposal_recall": {
            "proposals": None if given is None else proposal_recall(judged.samples, given),
            "predicted_boxes": None if boxes is None else proposal_recall(boxes.samples, boxes.predictions),
            "sliding_window": sliding_window_recall(judged.samples, judged.seed),
        }
    }


def _error_types(judged: Judged) -> dict[str, Any] | None:
    """Counted at the box score that is best on validation, or without validation on the judged images themselves."""
    chosen_on, pairs = "validation", judged.validation
    if pairs is None:
        chosen_on, pairs = "the judged images, so optimistic", (judged.samples, judged.predictions)
    threshold = best_f1_threshold(*pairs)
    if threshold is None or not len(judged.boxed):
        return None
    return error_types(judged.samples, judged.predictions, threshold) | {"threshold_chosen_on": chosen_on}
