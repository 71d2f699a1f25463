"""What the page's scripts draw from: the truth and the predictions of every image as compact, safe JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from data_tools.core import heatmaps
from data_tools.report.outcomes import NEAR_PX, ImageOutcome, Threshold
from data_tools.report.overlays import heat_colours
from data_tools.report.page_columns import base64_of, floats, repeated, rows, wholes
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
    """A JSON value: `labels` and `thresholds` by approach, then columns of the images and of each approach.

    Args:
        images: all judged images.
        thresholds: by approach; an approach without one gets null.
        jpegs: base64 pictures in the order of the images; None where no image is at hand.
        split: that was judged.
        categories: names of the classes; boxes tell theirs where there are several.
        costs: of an escape and of an overkill, where they are known.
        folder: beside the page, with a picture `<image id>.jpg` of each image; None where there is none.
    """
    labels = list(images[0].predictions) if images else []
    several = len(categories) > 1
    return {
        "split": split,
        "near_px": NEAR_PX,
        "costs": costs,
        "folder": folder,
        "labels": labels,
        "thresholds": [thresholds[label].value if label in thresholds else None for label in labels],
        "categories": list(categories) if several else [],
        "colours": base64_of(np.round(heat_colours()).astype(np.uint8)),
        "images": _images(images, several) | {"jpegs": jpegs},
        "runs": [_run(label, images, several) for label in labels],
    }


def safe_json(value: Any) -> Markup:
    """Strict JSON that may stand inside a <script> element: no text in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _images(images: Sequence[ImageOutcome], several: bool) -> dict[str, Any]:
    """What is known of the images, a column each; boxes to a tenth of a pixel."""
    samples = [image.sample for image in images]
    folders, names = (
        zip(*(sample.path.rpartition("/")[::2] for sample in samples), strict=True) if samples else ((), ())
    )
    return {
        "id": wholes([sample.image_id for sample in samples]),
        "folder": repeated(folders),
        "names": "/".join(names),
        "size": repeated([(sample.size_hw[1], sample.size_hw[0]) for sample in samples]),
        "status": repeated([sample.status for sample in samples]),
        "type": repeated([sample.type for sample in samples]),
        "group": repeated([sample.group for sample in samples]),
        "boxes": rows([sample.boxes_xyxy for sample in samples]),
        "classes": wholes(_flat([sample.labels for sample in samples])) if several else None,
    }


def _run(label: str, images: Sequence[ImageOutcome], several: bool) -> dict[str, Any]:
    """Of one approach: scores, peaks, distances (NaN without a peak or without boxes), boxes worth drawing, maps."""
    predictions = [image.predictions[label] for image in images]
    distances = np.array([image.distances.get(label, np.nan) for image in images], dtype=np.float64)
    best = [shown_boxes(one) for one in predictions]
    kept = list(zip(predictions, best, strict=True))
    maps = [None if one.heatmap is None else _cells(one.heatmap) for one in predictions]
    return {
        "score": floats([one.score for one in predictions], exact=True),
        "peak": floats([(np.nan, np.nan) if one.peak_xy is None else one.peak_xy for one in predictions]),
        "px": floats(np.where(np.isfinite(distances), distances, np.nan)),
        "boxes": rows([one.boxes_xyxy[chosen] for one, chosen in kept]),
        "scores": floats(_flat([one.box_scores[chosen] for one, chosen in kept])),
        "classes": wholes(_flat([one.box_labels[chosen] for one, chosen in kept])) if several else None,
        "grid": repeated([None if cells is None else cells.shape for cells in maps]),
        "cells": base64_of(_flat([cells for cells in maps if cells is not None], np.uint8)),
    }


def _flat(arrays: Sequence[NDArray[Any]], dtype: type[np.generic] = np.float64) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *(np.ravel(one) for one in arrays)])


def _cells(heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(rows, columns) 0..255; no cells where the map is flat or not finite."""
    values = heatmaps.normalise(heatmap)
    if values is None:
        return np.zeros((0, 0), dtype=np.uint8)
    small = _averaged(_averaged(values, LARGEST_MAP).T, LARGEST_MAP).T
    cells: NDArray[np.uint8] = np.round(255 * small / float(small.max())).astype(np.uint8)
    return cells


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
