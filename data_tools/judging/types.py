"""Types: AP50 of each, which is taken for which, and the boxes' precision whatever they are called."""

from dataclasses import replace
from typing import Any

import numpy as np

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Metric, MetricRow
from data_tools.metrics.box_map import ap50_by_class, box_map, class_free
from data_tools.metrics.type_confusion import type_confusion

BACKGROUND = "background"


def types(judged: Judged) -> dict[str, Any]:
    """Section "types"; None where the data have one class, or the run no boxes."""
    boxes = judged.in_boxes
    if boxes is None or judged.num_classes < 2:
        return {"types": None}
    engine = judged.box_map_engine
    by_class: list[float | None] = [None] * judged.num_classes
    if judged.names_types:
        by_class = ap50_by_class(boxes.samples, boxes.predictions, judged.num_classes, engine)
    one_class = [replace(sample, labels=np.ones_like(sample.labels)) for sample in boxes.samples]
    any_class = box_map(one_class, class_free(boxes.predictions), 1, engine=engine)
    section = {
        "ap50": dict(zip(judged.categories, by_class, strict=True)),
        "ap_class_free": any_class["ap"],
        "ap50_class_free": any_class["ap50"],
        "confusion": _confusion(boxes) if judged.names_types else None,
    }
    return {"types": section}


def _confusion(judged: Judged) -> dict[str, Any] | None:
    """At the box threshold."""
    threshold, chosen_on = judged.box_threshold
    if threshold is None:
        return None
    counts = type_confusion(judged.samples, judged.predictions, judged.num_classes, threshold)
    names = [*judged.categories, BACKGROUND]
    return {"threshold": threshold, "threshold_chosen_on": chosen_on, "types": names, "counts": counts.tolist()}


METRIC = Metric(
    name="types",
    compute=types,
    rows=(
        MetricRow(
            "box AP50, type set aside",
            ("types", "ap50_class_free"),
            "Box AP50 of where defects are, whatever they are called; box AP50 itself is the mean over types.",
            over_seeds=True,
        ),
        MetricRow(
            "box AP, type set aside",
            ("types", "ap_class_free"),
            "Box AP of where defects are, whatever they are called.",
        ),
    ),
)
