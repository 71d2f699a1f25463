"""COCO results: a JSON list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_tools.core.errors import InputError
from data_tools.core.geometry import best_centre, xyxy_to_xywh
from data_tools.core.records import PredictionSet, Sample
from data_tools.files.atomic import write_json
from data_tools.files.json_object import each_key_once
from data_tools.files.text import read_text
from data_tools.interop.conventions import cut_to_images
from data_tools.interop.foreign import ForeignFile, ForeignPrediction
from data_tools.interop.naming import Naming, Reference


class _Row(NamedTuple):
    reference: Reference
    box_xywh: list[float]
    score: float
    label: int


def read(path: Path, samples: Sequence[Sample], num_classes: int, naming: Naming) -> ForeignFile:
    """Findings of the images that have results; an image's score is its best box's, its peak that box's centre.

    `image_id` may also be a file name, and a `file_name` beside it is compared with it. Boxes that stick out of the
    image are cut at its border, and counted. An empty list is a detector that has found nothing: every image is silent.

    Raises:
        InputError: not such a list, an entry that is malformed or names an unknown image or class, an id and a file
            name that disagree, or boxes in another convention.
    """
    rows = [_row(entry, f"{path}, entry {number}", num_classes) for number, entry in enumerate(_entries(path))]
    owners = naming.find_all(row.reference for row in rows)
    inside, notes = cut_to_images(
        path,
        [row.reference.where for row in rows],
        np.array([row.box_xywh for row in rows], dtype=np.float64).reshape(-1, 4),
        np.array([owner.size_hw[::-1] for owner in owners], dtype=np.float64).reshape(-1, 2),
        [owner.path for owner in owners],
    )
    places: dict[int, list[int]] = {}
    for place, owner in enumerate(owners):
        places.setdefault(owner.image_id, []).append(place)
    findings = {}
    for image_id, own in places.items():
        scores = np.array([rows[i].score for i in own])
        labels = np.array([rows[i].label for i in own], dtype=np.int64)
        boxes = inside[own]
        findings[image_id] = ForeignPrediction(float(scores.max()), boxes, scores, labels, best_centre(boxes, scores))
    if not rows:
        findings = {sample.image_id: ForeignPrediction() for sample in samples}
        notes = ("an empty list: a detector that has found nothing in any image",)
    return ForeignFile(findings, (*naming.notes, *notes))


def write(path: Path, predictions: PredictionSet) -> int:
    """Write every box as a COCO result, atomically; returns how many. Image scores, peaks and maps find no place.

    The file name stands beside each id, so that a reader can see whether the two agree.
    """
    entries: list[dict[str, Any]] = []
    for prediction in predictions.predictions:
        columns = (xyxy_to_xywh(prediction.boxes_xyxy), prediction.box_scores, prediction.box_labels)
        for box, score, label in zip(*(column.tolist() for column in columns), strict=True):
            entries.append(
                {"image_id": prediction.image_id, "file_name": prediction.file_name}
                | {"category_id": label, "bbox": box, "score": score}
            )
    write_json(path, entries, indent=None)
    return len(entries)


def _entries(path: Path) -> list[Any]:
    try:
        value = json.loads(read_text(path)[0], object_pairs_hook=each_key_once)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON: {error}") from error
    if not isinstance(value, list):
        raise InputError(f"{path}: COCO results are a list of detections, not {type(value).__name__}")
    return value


def _row(entry: Any, where: str, num_classes: int) -> _Row:
    if not isinstance(entry, dict):
        raise InputError(f"{where}: a detection is an object with image_id, category_id, bbox and score")
    try:
        given, score = entry["bbox"], _number(entry["score"], "score")
        image_id, label, file_name = entry["image_id"], entry["category_id"], entry.get("file_name")
        if not isinstance(given, list):
            raise ValueError(f"bbox must be [x, y, width, height], not {given!r}")
        box = [_number(v, "bbox") for v in given]
    except KeyError as error:
        raise InputError(f"{where}: key {error} is missing") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: {error}") from error
    if len(box) != 4 or box[2] < 0 or box[3] < 0:
        raise InputError(f"{where}: bbox must be [x, y, width, height] with sizes of at least 0, not {box}")
    if isinstance(label, bool) or not isinstance(label, int) or not 1 <= label <= num_classes:
        raise InputError(f"{where}: category_id {label!r}, but the dataset has the classes 1..{num_classes}")
    if file_name is not None and not isinstance(file_name, str):
        raise InputError(f"{where}: file_name {file_name!r} is not text")
    return _Row(Reference(where, image_id, file_name), box, score, label)


def _number(value: Any, key: str) -> float:
    """A finite number, also from text, as some tools write scores."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or "_" in str(value):  # not 1_0 as 10
        raise ValueError(f"{key} {value!r} is not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{key} is not finite")
    return number
