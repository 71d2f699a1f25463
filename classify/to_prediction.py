"""Classifier output -> `Prediction` in original pixels: the one place where the baseline's output is converted."""

import numpy as np
from numpy.typing import NDArray

from data_tools.heatmaps import peak
from data_tools.records import Prediction, Sample, empty_boxes, empty_labels


def to_prediction(
    sample: Sample, logit: float, cam: NDArray[np.float32], seen_hw: tuple[int, int], padded_hw: tuple[int, int]
) -> Prediction:
    """The score is the defect probability; the peak is that of the map, or None where the map is flat.

    Args:
        sample: the image.
        logit: of the classifier.
        cam: (rows, columns) class-activation map over the padded input.
        seen_hw: height and width of the image in the input, before padding.
        padded_hw: height and width of the whole input.
    """
    rows, columns = cam.shape
    # cells whose centre lies in the padding say nothing about the image
    rows_kept = max(round(rows * seen_hw[0] / padded_hw[0]), 1)
    columns_kept = max(round(columns * seen_hw[1] / padded_hw[1]), 1)
    heatmap = cam[:rows_kept, :columns_kept]
    best = peak(heatmap, sample.size_hw)
    score = float(1.0 / (1.0 + np.exp(-np.clip(logit, -60.0, 60.0))))
    return Prediction(
        image_id=sample.image_id, file_name=sample.path, size_hw=sample.size_hw, score=score, boxes_xyxy=empty_boxes(),
        box_scores=np.zeros(0), box_labels=empty_labels(), peak_xy=None if best is None else best.xy, heatmap=heatmap,
    )  # fmt: skip
