"""COCO's mean average precision of boxes, by pycocotools, the reference implementation."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from data_tools.geometry import areas, xyxy_to_xywh
from data_tools.records import UNBOXED, Prediction, Sample

NAMES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100")


def box_map(samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int) -> dict[str, float | None]:
    """The nine figures of `NAMES`, 0..1, None where there is no true box of that kind.

    Args:
        samples: the truth; good images count (their boxes are false), unboxed images are left out.
        predictions: one for each sample, in the same order.
        num_classes: class ids are 1..num_classes.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status != UNBOXED]
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        truth.dataset = _dataset([s for s, _ in pairs], num_classes, [(s.image_id, *_truth(s)) for s, _ in pairs])
        found.dataset = _dataset([s for s, _ in pairs], num_classes, [(s.image_id, *_found(p)) for s, p in pairs])
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # pycocotools marks "no true box of this kind" by -1
    return {name: None if value < 0 else float(value) for name, value in zip(NAMES, evaluation.stats, strict=False)}


def _truth(sample: Sample) -> tuple[Any, Any, Any]:
    return sample.boxes_xyxy, sample.labels, np.ones(len(sample.labels))


def _found(prediction: Prediction) -> tuple[Any, Any, Any]:
    return prediction.boxes_xyxy, prediction.box_labels, prediction.box_scores


def _dataset(samples: Sequence[Sample], num_classes: int, rows: Sequence[tuple[int, Any, Any, Any]]) -> dict[str, Any]:
    """A COCO dictionary with annotation ids from 1: an id of 0 would count as unmatched."""
    annotations: list[dict[str, Any]] = []
    for image_id, boxes, labels, scores in rows:
        for box, area, label, score in zip(
            xyxy_to_xywh(boxes).tolist(), areas(boxes).tolist(), labels.tolist(), scores.tolist(), strict=True
        ):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id, "category_id": label, "bbox": box}
                | {"area": area, "iscrowd": 0, "score": score}
            )
    images = [{"id": s.image_id, "height": s.size_hw[0], "width": s.size_hw[1]} for s in samples]
    categories = [{"id": i, "name": str(i)} for i in range(1, num_classes + 1)]
    return {"images": images, "annotations": annotations, "categories": categories}
