"""COCO results: a JSON list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.geometry import best_centre, xywh_to_xyxy, xyxy_to_xywh
from data_tools.core.records import PredictionSet, Sample
from data_tools.files.atomic import write_json
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming


def read(path: Path, samples: Sequence[Sample], num_classes: int) -> ForeignFile:
    """Findings of the images that have results; an image's score is its best box's, its peak that box's centre.

    `image_id` may also be a file name. Boxes that stick out of the image are cut at its border, and counted.

    Raises:
        InputError: not such a list, or an entry that is malformed or names an unknown image or class.
    """
    entries = _entries(path)
    naming = Naming(samples)
    rows: dict[int, list[tuple[list[float], float, int]]] = {}
    by_id = {sample.image_id: sample for sample in samples}
    for number, entry in enumerate(entries):
        where = f"{path}, entry {number}"
        try:
            box, score, label = _numbers(entry["bbox"]), float(entry["score"]), entry["category_id"]
            sample = naming.find(entry["image_id"], where)
        except KeyError as error:
            raise InputError(f"{where}: key {error} is missing") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{where}: {error}") from error
        if len(box) != 4 or box[2] < 0 or box[3] < 0:
            raise InputError(f"{where}: bbox must be [x, y, width, height] with sizes of at least 0, not {box}")
        if not math.isfinite(score):
            raise InputError(f"{where}: score is not finite")
        if isinstance(label, bool) or not isinstance(label, int) or not 1 <= label <= num_classes:
            raise InputError(f"{where}: category_id {label!r}, but the dataset has the classes 1..{num_classes}")
        rows.setdefault(sample.image_id, []).append((box, score, label))
    cut = 0
    findings = {}
    for image_id, of_image in rows.items():
        height, width = by_id[image_id].size_hw
        boxes = xywh_to_xyxy(np.array([box for box, _, _ in of_image]))
        inside = np.clip(boxes, 0.0, np.array([width, height, width, height], dtype=np.float64))
        cut += int((np.abs(boxes - inside) > 1e-6).any(axis=1).sum())
        scores = np.array([score for _, score, _ in of_image])
        labels = np.array([label for _, _, label in of_image], dtype=np.int64)
        findings[image_id] = ForeignPrediction(float(scores.max()), inside, scores, labels, best_centre(inside, scores))
    notes = (f"{cut} boxes reached beyond their image and were cut at its border",) if cut else ()
    return ForeignFile(findings, notes)


def write(path: Path, predictions: PredictionSet) -> int:
    """Write every box as a COCO result, atomically; returns how many. Image scores, peaks and maps find no place."""
    entries: list[dict[str, Any]] = []
    for prediction in predictions.predictions:
        columns = (xyxy_to_xywh(prediction.boxes_xyxy), prediction.box_scores, prediction.box_labels)
        for box, score, label in zip(*(column.tolist() for column in columns), strict=True):
            entries.append({"image_id": prediction.image_id, "category_id": label, "bbox": box, "score": score})
    write_json(path, entries, indent=None)
    return len(entries)


def _entries(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(value, list):
        raise InputError(f"{path}: COCO results are a list of detections, not {type(value).__name__}")
    return value


def _numbers(value: Any) -> list[float]:
    numbers = [float(v) for v in value]
    if not all(math.isfinite(v) for v in numbers):
        raise ValueError(f"bbox {value} is not finite")
    return numbers
