"""COCO's mean average precision of boxes, by pycocotools, the reference implementation."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import areas, xyxy_to_xywh
from data_tools.records import BOXED, UNBOXED, Prediction, Sample

NAMES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100")
TERCILES = ("smallest_third", "middle_third", "largest_third")
_SIZES = ("all", "small", "medium", "large")
_HUGE = 1e10


def box_map(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int,
    tercile_edges: tuple[float, float] | None = None,
) -> dict[str, float | None]:  # fmt: skip
    """The nine figures of `NAMES`, 0..1, None where there is no true box of that kind.

    Args:
        samples: the truth; good images count (their boxes are false), unboxed images are left out.
        predictions: one for each sample, in the same order.
        num_classes: class ids are 1..num_classes.
        tercile_edges: if given, "ap_" + each of `TERCILES` is added, for boxes up to the first area in square pixels,
            up to the second, and beyond: COCO's own sizes do not fit small images.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status != UNBOXED]
    lesions = sum(len(s.boxes_xyxy) for s, _ in pairs)
    names = NAMES if tercile_edges is None else (*NAMES, *(f"ap_{name}" for name in TERCILES))
    if not lesions:
        return dict.fromkeys(names)
    rows = _rows(sorted(pairs, key=lambda pair: pair[0].image_id))
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        truth.dataset = _dataset([row.truth for row in rows], num_classes)
        found.dataset = _dataset([row.found for row in rows], num_classes)
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        if tercile_edges is not None:
            low, high = tercile_edges
            # pycocotools ignores a box whose area lies outside a range, both ends of which belong to it
            above, beyond = np.nextafter(low, _HUGE), np.nextafter(high, _HUGE)
            evaluation.params.areaRng = [*evaluation.params.areaRng, [0, low], [above, high], [beyond, _HUGE]]
            evaluation.params.areaRngLbl = [*_SIZES, *TERCILES]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = dict(zip(NAMES, evaluation.stats, strict=False))
    if tercile_edges is not None:
        precision = evaluation.eval["precision"]
        values |= {f"ap_{name}": _mean(precision, len(_SIZES) + i) for i, name in enumerate(TERCILES)}
    # pycocotools marks "no true box of this kind" by -1
    return {name: None if value < 0 else float(value) for name, value in values.items()}


def tercile_edges(training: Sequence[Sample]) -> tuple[float, float] | None:
    """The areas in square pixels that divide the training boxes into thirds; None with fewer than three boxes."""
    boxes = [areas(sample.boxes_xyxy) for sample in training if sample.status == BOXED]
    every = np.concatenate(boxes) if boxes else np.zeros(0)
    if len(every) < len(TERCILES):
        return None
    low, high = np.quantile(every, [1 / 3, 2 / 3])
    return float(low), float(high)


def _mean(precision: NDArray[np.float64], size: int) -> float:
    """Mean over IoU, recall and class at the size and the largest number of detections; -1 without true boxes."""
    values = precision[:, :, :, size, -1]
    return float(values[values > -1].mean()) if (values > -1).any() else -1.0


@dataclass(frozen=True, eq=False)
class _Boxes:
    """(n, 4) boxes with class ids and scores."""

    boxes_xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Row:
    """What pycocotools gets to see as one image."""

    truth: _Boxes
    found: _Boxes


def _rows(pairs: Sequence[tuple[Sample, Prediction]]) -> list[_Row]:
    """One row an image with true boxes, and one for several images without that follow each other.

    Boxes on such images are false wherever they lie, so taking neighbours together changes no figure as long as no row
    holds more boxes than pycocotools looks at in an image, and spares it most of the work where most images are good.
    """
    rows: list[_Row] = []
    waiting: list[_Boxes] = []

    def flush() -> None:
        if waiting:
            columns = ([getattr(one, name) for one in waiting] for name in ("boxes_xyxy", "labels", "scores"))
            rows.append(_Row(_NOTHING, _Boxes(*(np.concatenate(column) for column in columns))))
            waiting.clear()

    for sample, prediction in pairs:
        found = _Boxes(prediction.boxes_xyxy, prediction.box_labels, prediction.box_scores)
        if len(sample.boxes_xyxy):
            flush()
            rows.append(_Row(_Boxes(sample.boxes_xyxy, sample.labels, np.ones(len(sample.labels))), found))
        elif len(found.scores):
            if len(found.scores) + sum(len(one.scores) for one in waiting) > _MOST_IN_AN_IMAGE:
                flush()
            waiting.append(found)
    flush()
    return rows


def _dataset(images: Sequence[_Boxes], num_classes: int) -> dict[str, Any]:
    """A COCO dictionary with annotation ids from 1: an id of 0 would count as unmatched."""
    annotations: list[dict[str, Any]] = []
    for image_id, one in enumerate(images, start=1):
        columns = (xyxy_to_xywh(one.boxes_xyxy), areas(one.boxes_xyxy), one.labels, one.scores)
        for box, area, label, score in zip(*(column.tolist() for column in columns), strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id, "category_id": label, "bbox": box}
                | {"area": area, "iscrowd": 0, "score": score}
            )
    categories = [{"id": i, "name": str(i)} for i in range(1, num_classes + 1)]
    return {"images": [{"id": i + 1} for i in range(len(images))], "annotations": annotations, "categories": categories}


_NOTHING = _Boxes(np.zeros((0, 4)), np.zeros(0, dtype=np.int64), np.zeros(0))
_MOST_IN_AN_IMAGE = 100
