"""Tasks for Label Studio, with annotations or with predictions as pre-annotations. Positions are percentages.

Images are given as local files, by their path relative to the folder that Label Studio serves
(LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT). An image that is good has an annotation without regions; a defect without a
box has a choice.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from data_tools.core.records import GOOD, UNBOXED, Prediction, Sample

WHOLE_IMAGE = "whole_image"
"""Name of the control whose choices are the types of defects without a box, and good."""

_IMAGE, _LABEL = "image", "label"


def annotated_task(sample: Sample) -> dict[str, Any]:
    """The task of an image with what is known of it as its annotation."""
    results = regions(sample.boxes_xyxy.tolist(), sample.box_types, sample.size_hw)
    if sample.status == UNBOXED:
        results = [_result("r1", "choices", WHOLE_IMAGE, {"choices": [sample.type]}, sample.size_hw)]
    return {**_task(sample), "annotations": [{"result": results, "was_cancelled": False}], "predictions": []}


def predicted_task(
    sample: Sample, prediction: Prediction, kept: Sequence[int], labels: Sequence[str], model: str
) -> dict[str, Any]:
    """The task of an image with predicted boxes to correct; it has no annotation yet.

    Args:
        sample: the image.
        prediction: of the image.
        kept: which of its boxes.
        labels: name of each of these boxes.
        model: called model_version there.
    """
    scores = [float(prediction.box_scores[i]) for i in kept]
    boxes = [prediction.boxes_xyxy[i].tolist() for i in kept]
    results = regions(boxes, labels, sample.size_hw, scores)
    predicted = {"model_version": model, "score": prediction.score, "result": results}
    return {**_task(sample), "annotations": [], "predictions": [predicted]}


def regions(
    boxes_xyxy: Iterable[Sequence[float]], labels: Sequence[str], size_hw: tuple[int, int], scores: Sequence[float] = ()
) -> list[dict[str, Any]]:
    """Results of boxes in an image of this size, with their scores where there are any."""
    height, width = size_hw
    results = []
    for i, ((x1, y1, x2, y2), label) in enumerate(zip(boxes_xyxy, labels, strict=True)):
        value = {
            "x": x1 / width * 100,
            "y": y1 / height * 100,
            "width": (x2 - x1) / width * 100,
            "height": (y2 - y1) / height * 100,
            "rotation": 0,
            "rectanglelabels": [label],
        }
        result = _result(f"r{i + 1}", "rectanglelabels", _LABEL, value, size_hw)
        results.append({**result, "score": scores[i]} if scores else result)
    return results


def labelling_setup(labels: Iterable[str]) -> str:
    """The labelling interface that the tasks belong to, to be pasted into the project's settings."""
    names = sorted(set(labels) - {GOOD})
    boxes = "".join(f"<Label value={quoteattr(name)}/>" for name in names)
    choices = "".join(f"<Choice value={quoteattr(name)}/>" for name in [*names, GOOD])
    return (
        f'<View><Image name="{_IMAGE}" value="$image"/>'
        f'<RectangleLabels name="{_LABEL}" toName="{_IMAGE}">{boxes}</RectangleLabels>'
        f'<Choices name="{WHOLE_IMAGE}" toName="{_IMAGE}">{choices}</Choices></View>'
    )


def _task(sample: Sample) -> dict[str, Any]:
    height, width = sample.size_hw
    address = f"/data/local-files/?d={quote(sample.path)}"
    return {"id": sample.image_id, "data": {"image": address, "original_width": width, "original_height": height}}


def _result(key: str, kind: str, control: str, value: dict[str, Any], size_hw: tuple[int, int]) -> dict[str, Any]:
    size = {"original_width": size_hw[1], "original_height": size_hw[0], "image_rotation": 0}
    return {"id": key, "type": kind, "from_name": control, "to_name": _IMAGE, **size, "value": value}
