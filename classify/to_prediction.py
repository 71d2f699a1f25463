"""Classifier output -> `Prediction` in original pixels: the one place where the baseline's output is converted."""

import numpy as np
from numpy.typing import NDArray

from data_tools.core.heatmaps import cells_seen, peak, place_in_image
from data_tools.core.records import Prediction, Sample, empty_boxes, empty_labels
from data_tools.loading.transforms import PreprocessConfig


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
    window = preprocess.window(sample.size_hw)
    visible, covered = cells_seen(cam, seen_hw, padded_hw, window)
    x1, y1, x2, y2 = covered
    best = peak(visible, (y2 - y1, x2 - x1))
    peak_xy = None
    if best is not None:  # the middle of a cell that is cut short may lie beyond the image
        peak_xy = float(min(best.xy[0] + x1, window[2])), float(min(best.xy[1] + y1, window[3]))
    score = float(1.0 / (1.0 + np.exp(-np.clip(logit, -60.0, 60.0))))
    return Prediction(
        image_id=sample.image_id,
        file_name=sample.path,
        size_hw=sample.size_hw,
        score=score,
        boxes_xyxy=empty_boxes(),
        box_scores=np.zeros(0),
        box_labels=empty_labels(),
        peak_xy=peak_xy,
        heatmap=place_in_image(visible, window, sample.size_hw, covered),
    )
