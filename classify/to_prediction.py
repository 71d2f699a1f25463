"""Classifier output -> `Prediction` in original pixels: the one place where the baseline's output is converted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_tools.heatmaps import cells_seen, map_to_boxes, peak, place_in_image
from data_tools.metrics.box_map import box_map
from data_tools.records import BOXED, Prediction, Sample, empty_boxes, empty_labels
from data_tools.transforms import PreprocessConfig

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def to_prediction(
    sample: Sample,
    logit: float,
    cam: NDArray[np.float32],
    seen_hw: tuple[int, int],
    padded_hw: tuple[int, int],
    preprocess: PreprocessConfig,
) -> Prediction:
    """The score is the defect probability; the peak is that of the map, or None where the map is flat.

    Peak and map are over the original image, also where preprocessing has cut its boundary off.

    Args:
        sample: the image.
        logit: of the classifier.
        cam: (rows, columns) class-activation map over the padded input.
        seen_hw: height and width of the image in the input, before padding.
        padded_hw: height and width of the whole input.
        preprocess: what was done to the image before.
    """
    rows, columns = cells_seen((cam.shape[0], cam.shape[1]), seen_hw, padded_hw)
    visible = cam[:rows, :columns]
    x1, y1, x2, y2 = window = preprocess.window(sample.size_hw)
    best = peak(visible, (y2 - y1, x2 - x1))
    peak_xy = None if best is None else (best.xy[0] + x1, best.xy[1] + y1)
    score = float(1.0 / (1.0 + np.exp(-np.clip(logit, -60.0, 60.0))))
    return Prediction(
        image_id=sample.image_id, file_name=sample.path, size_hw=sample.size_hw, score=score, boxes_xyxy=empty_boxes(),
        box_scores=np.zeros(0), box_labels=empty_labels(), peak_xy=peak_xy,
        heatmap=place_in_image(visible, window, sample.size_hw),
    )  # fmt: skip


def with_boxes(prediction: Prediction, fraction: float | None) -> Prediction:
    """The prediction with boxes around its map's regions above a fraction of the maximum; as it is for None."""
    if fraction is None or prediction.heatmap is None:
        return prediction
    boxes, scores = map_to_boxes(
        prediction.heatmap, prediction.size_hw, fraction, min_area=4.0, image_score=prediction.score
    )
    return replace(prediction, boxes_xyxy=boxes, box_scores=scores, box_labels=np.ones(len(boxes), dtype=np.int64))


def choose_fraction(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> float | None:
    """The fraction of a map's maximum whose boxes give the best AP50 on (validation) samples, the smallest of equals.

    This is the one place where the baseline sees boxes: of validation, and for its own boxes alone. None without a
    boxed sample.
    """
    if not any(sample.status == BOXED for sample in samples):
        return None
    values = {}
    for fraction in FRACTIONS:
        found = [with_boxes(prediction, fraction) for prediction in predictions]
        values[fraction] = box_map(samples, found, 1)["ap50"] or 0.0
    return max(FRACTIONS, key=lambda fraction: (values[fraction], -fraction))
