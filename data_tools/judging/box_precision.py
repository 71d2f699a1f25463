"""Box precision: COCO's box mAP and, by kind of error, what goes wrong; maps are judged by boxes cut from them."""

from collections.abc import Mapping
from typing import Any

from data_tools.core.records import UNBOXED
from data_tools.judging.judged import Judged
from data_tools.judging.metric import LOWER, Comparison, Metric, MetricRow, Style
from data_tools.judging.pairs import by_group
from data_tools.judging.resampling import Sampling
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.box_ap_resampling import box_ap, tied_share
from data_tools.metrics.box_map import MOST_IN_AN_IMAGE, box_map, images_beyond, tercile_edges
from data_tools.metrics.coco_engines import describe_engine
from data_tools.metrics.error_types import error_types
from data_tools.metrics.figures import Figure
from data_tools.metrics.matching import without_unboxed

_MANY_TIES = 0.1
NO_TYPES = (
    "boxes cut out of maps name no type, so that box AP, the mean over types, is not defined; "
    "see box AP50, type set aside"
)


def box_precision(judged: Judged) -> dict[str, Any]:
    """Sections "box_map", "error_types" (both None without boxes) and "currencies"."""
    boxes = judged.in_boxes
    if boxes is None:
        return {"box_map": None, "error_types": None, "currencies": judged.currencies}
    edges = tercile_edges(judged.training)
    precision: dict[str, Any] = dict(
        box_map(boxes.samples, boxes.predictions, judged.num_classes, edges, judged.box_map_engine)
    )
    if not judged.names_types:
        precision = dict.fromkeys(precision) | {"remark": NO_TYPES}
        return {"box_map": precision, "error_types": _error_types(boxes, False), "currencies": judged.currencies}
    precision["n_groups"] = len({sample.group for sample in boxes.samples if sample.status != UNBOXED})
    tied = tied_share(boxes.samples, boxes.predictions)
    precision["tied_scores"] = tied
    remarks = [*_beyond_coco(boxes), *_many_ties(tied)]
    if remarks:
        precision["remark"] = "; ".join(remarks)
    if edges is not None:
        precision["tercile_edges_px2"] = list(edges)
    return {"box_map": precision, "error_types": _error_types(boxes), "currencies": judged.currencies}


def _beyond_coco(judged: Judged) -> list[str]:
    """A remark if some images hold more boxes than COCO counts, so that box AP cannot be what it seems."""
    samples, predictions = without_unboxed(judged.samples, judged.predictions)
    counts = {
        "predicted": images_beyond(prediction.box_labels for prediction in predictions),
        "true": images_beyond(sample.labels for sample in samples),
    }
    found = [f"{n} {'image has' if n == 1 else 'images have'} more {kind} boxes" for kind, n in counts.items() if n]
    rule = f"box AP counts the {MOST_IN_AN_IMAGE} best boxes of a class in an image, as COCO does"
    return [f"{rule}: {', '.join(found)} than that"] if found else []


def _many_ties(tied: float | None) -> list[str]:
    """A remark if box AP may come out otherwise in another order of the images."""
    if tied is None or tied <= _MANY_TIES:
        return []
    return [
        f"{100 * tied:.0f} % of the boxes share their score with another, so that box AP may depend on their "
        "order, that of the image ids as pycocotools takes it"
    ]


def _error_types(judged: Judged, names_types: bool = True) -> dict[str, Any] | None:
    """Counted at the box threshold."""
    threshold, chosen_on = judged.box_threshold
    if threshold is None or not len(judged.boxed):
        return None
    counts: dict[str, Any] = error_types(judged.samples, judged.predictions, threshold)
    return counts | ({} if names_types else {"class": None}) | {"threshold_chosen_on": chosen_on}


def _figures(judged: Judged, clusters: Clusters) -> Mapping[str, Figure]:
    """Box AP50 of a run that speaks in boxes or can be read so."""
    boxes = judged.in_boxes if judged.names_types else None
    ap50 = boxes and box_ap((0.5,), boxes.samples, boxes.predictions, boxes.num_classes, clusters)
    return {"box_ap50": ap50} if ap50 else {}


def _n_not_unboxed(judged: Judged) -> int:
    return sum(sample.status != UNBOXED for sample in judged.samples)


def _third(label: str, key: str) -> MetricRow:
    meaning = f"Box AP over true boxes in the {label} of the training boxes' areas."
    return MetricRow(f"box AP, {label}", ("box_map", key), meaning)


def _errors(label: str, key: str, meaning: str) -> MetricRow:
    return MetricRow(label, ("error_types", key), meaning, Style.COUNT, LOWER)


METRIC = Metric(
    name="box_map",
    compute=box_precision,
    rows=(
        MetricRow(
            "box AP",
            ("box_map", "ap"),
            "COCO's average precision of boxes, the mean over IoU 0.5 to 0.95.",
            short=True,
            over_seeds=True,
        ),
        MetricRow(
            "box AP50",
            ("box_map", "ap50"),
            "Average precision of boxes, a hit being an IoU of at least 0.5.",
            ci95=("box_map", "ap50_ci95"),
            short=True,
            over_seeds=True,
        ),
        MetricRow("box AP75", ("box_map", "ap75"), "Average precision of boxes, a hit being an IoU of at least 0.75."),
        _third("smallest third", "ap_smallest_third"),
        _third("middle third", "ap_middle_third"),
        _third("largest third", "ap_largest_third"),
        _errors("true boxes missed", "missed", "True boxes that no predicted box hits at the box threshold."),
        _errors(
            "boxes badly placed", "localisation", "Predicted boxes that touch a true box, but at too small an IoU."
        ),
        _errors("boxes twice", "duplicate", "Predicted boxes on a true box that a better one has taken."),
        _errors("boxes on background", "background", "Predicted boxes that touch no true box."),
    ),
    sampling=Sampling(lambda judged: judged.samples, _figures),
    intervals={"box_ap50": ("box_map", "ap50_ci95")},
    comparisons=(Comparison("box_ap50", "box AP50", by_group("box_ap50", _n_not_unboxed), path=("box_map", "ap50")),),
    engine=describe_engine,
)
