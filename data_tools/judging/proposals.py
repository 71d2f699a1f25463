"""Proposals: do a few boxes cover the defects, and would a sliding window do as well?"""

from typing import Any

from data_tools.judging.judged import Judged
from data_tools.judging.metric import Metric, MetricRow
from data_tools.metrics.proposal_recall import proposal_recall, sliding_window_recall


def proposals(judged: Judged) -> dict[str, Any]:
    """Section "proposal_recall": of the region proposals, where there are any, predicted boxes, and sliding windows."""
    boxes, given = judged.in_boxes, judged.proposals
    return {
        "proposal_recall": {
            "proposals": None if given is None else proposal_recall(judged.samples, given),
            "predicted_boxes": None if boxes is None else proposal_recall(boxes.samples, boxes.predictions),
            "sliding_window": sliding_window_recall(judged.samples, judged.seed),
        }
    }


def _recall(label: str, source: str, of_what: str, count: int) -> MetricRow:
    meaning = f"Average recall of true boxes over IoU 0.5 to 1 with the {count} best {of_what} an image."
    return MetricRow(f"{label} AR@{count}", ("proposal_recall", source, str(count)), meaning)


METRIC = Metric(
    name="proposal_recall",
    compute=proposals,
    rows=(
        _recall("RPN proposals", "proposals", "region proposals", 100),
        _recall("predicted boxes", "predicted_boxes", "predicted boxes", 10),
        _recall("predicted boxes", "predicted_boxes", "predicted boxes", 100),
        _recall("sliding window", "sliding_window", "windows of a random grid", 10),
        _recall("sliding window", "sliding_window", "windows of a random grid", 100),
    ),
)
