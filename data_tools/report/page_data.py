"""What the page's scripts draw from: the truth and the predictions of every image as compact, safe JSON."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from data_tools.core import heatmaps
from data_tools.core.records import Prediction
from data_tools.report.outcomes import NEAR_PX, ImageOutcome, Threshold
from data_tools.report.overlays import heat_colours
from data_tools.report.shown import shown_boxes

LARGEST_MAP = 24  # cells a side; a finer map is averaged down for display alone


def page_data(
    images: Sequence[ImageOutcome],
    thresholds: Mapping[str, Threshold],
    jpegs: Sequence[str] | None,
    split: str,
    categories: Sequence[str] = (),
    costs: tuple[float, float] | None = None,
    folder: str | None = None,
) -> dict[str, Any]:
    """A JSON value: `labels` and `thresholds` by approach, then one entry an image.

    Args:
        images: all judged images.
        thresholds: by approach; an approach without one gets null.
        jpegs: base64 pictures in the order of the images; None where no image is at hand.
        split: that was judged.
        categories: names of the classes; boxes tell theirs where there are several.
        costs: of an escape and of an overkill, where they are known.
        folder: beside the page, with a picture `<image id>.jpg` of each image; None where there is none.
    """
    several = len(categories) > 1
    labels = list(images[0].predictions) if images else []
    pictures: Sequence[str | None] = jpegs if jpegs is not None else [None] * len(images)
    return {
        "split": split,
        "near_px": NEAR_PX,
        "costs": costs,
        "folder": folder,
        "labels": labels,
        "thresholds": [thresholds[label].value if label in thresholds else None for label in labels],
        "categories": list(categories) if several else [],
        "colours": _base64(np.round(heat_colours()).astype(np.uint8)),
        "images": [_image(image, picture, several) for image, picture in zip(images, pictures, strict=True)],
    }


def safe_json(value: Any) -> Markup:
    """Strict JSON that may stand inside a <script> element: no text in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _image(image: ImageOutcome, picture: str | None, several: bool) -> dict[str, Any]:
    sample = image.sample
    height, width = sample.size_hw
    return {
        "id": sample.image_id,
        "file": sample.path,
        "w": width,
        "h": height,
        "status": sample.status,
        "type": sample.type,
        "group": sample.group,
        "boxes": _rounded(sample.boxes_xyxy),
        "classes": sample.labels.tolist() if several else [],
        "jpeg": picture,
        "runs": [
            _run(prediction, image.distances.get(label), several) for label, prediction in image.predictions.items()
        ],
    }


def _run(prediction: Prediction, distance: float | None, several: bool) -> dict[str, Any]:
    """Score, peak, distance (null without a peak or without boxes), boxes worth drawing with their classes, the map."""
    best = shown_boxes(prediction)
    return {
        "score": prediction.score,
        "peak": None if prediction.peak_xy is None else [round(v, 2) for v in prediction.peak_xy],
        "px": None if distance is None or np.isinf(distance) else float(f"{distance:.6g}"),
        "boxes": _rounded(prediction.boxes_xyxy[best]),
        "scores": [float(f"{score:.6g}") for score in prediction.box_scores[best].tolist()],
        "classes": prediction.box_labels[best].tolist() if several else [],
        "map": None if prediction.heatmap is None else _map(prediction.heatmap),
    }


def _map(heatmap: NDArray[np.float32]) -> dict[str, Any]:
    """Rows, columns and base64 of cells 0..255; no cells where the map is flat or not finite."""
    values = heatmaps.normalise(heatmap)
    if values is None:
        return {"rows": 0, "columns": 0, "cells": ""}
    small = _averaged(_averaged(values, LARGEST_MAP).T, LARGEST_MAP).T
    highest = float(small.max())
    cells = np.round(255 * small / highest).astype(np.uint8)
    return {"rows": cells.shape[0], "columns": cells.shape[1], "cells": _base64(cells)}


def _averaged(values: NDArray[Any], most: int) -> NDArray[Any]:
    """At most so many rows, each the mean over the equal share of the rows that it covers."""
    rows = len(values)
    if rows <= most:
        return values
    edges = np.linspace(0, rows, most + 1)
    covered = np.minimum(edges[1:, None], np.arange(1, rows + 1)) - np.maximum(edges[:-1, None], np.arange(rows))
    weights = np.maximum(covered, 0.0)
    averaged: NDArray[Any] = weights @ values / weights.sum(axis=1, keepdims=True)
    return averaged


def _rounded(boxes_xyxy: NDArray[np.float64]) -> list[list[float]]:
    """To a tenth of a pixel, and whole numbers as such, which is shorter."""
    return [[int(v) if v == int(v) else round(v, 1) for v in row] for row in boxes_xyxy.tolist()]


def _base64(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
