"""MaxBoxAcc and MaxBoxAccV2 of heat maps (Choe et al., CVPR 2020): are the boxes around a map's hot regions right?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.geometry import iou
from data_tools.heatmaps import map_to_boxes
from data_tools.records import BOXED, Prediction, Sample

FRACTIONS = tuple(float(f) for f in np.linspace(0.05, 0.95, 19))
IOUS = (0.3, 0.5, 0.7)


def box_accuracy(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> NDArray[np.float64] | None:
    """(fractions, ious) share of boxed images in which some box of the map overlaps some true box so well.

    A missing or flat map is a miss. None without boxed images, or where no prediction has a map.
    """
    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status == BOXED]
    if not pairs or all(p.heatmap is None for _, p in pairs):
        return None
    best = np.zeros((len(pairs), len(FRACTIONS)))
    for row, (sample, prediction) in zip(best, pairs, strict=True):
        if prediction.heatmap is not None:
            for column, fraction in enumerate(FRACTIONS):
                boxes, _ = map_to_boxes(prediction.heatmap, sample.size_hw, fraction)
                row[column] = iou(boxes, sample.boxes_xyxy).max(initial=0.0)
    return np.stack([(best >= threshold).mean(axis=0) for threshold in IOUS], axis=1)


def max_box_acc(accuracy: NDArray[np.float64], validation: NDArray[np.float64] | None) -> dict[str, object]:
    """The published figures from the table of `box_accuracy`.

    Args:
        accuracy: of the evaluated images.
        validation: of the validation images, which choose the fraction; None where there are none.

    Returns:
        "oracle" (the fraction chosen on the evaluated set, as published: an upper bound) and "validation" (ours), each
        with max_box_acc (IoU 0.5), max_box_acc_v2 (mean over IoU 0.3, 0.5, 0.7) and the fraction; None without it.
    """
    half = IOUS.index(0.5)
    oracle = {
        "max_box_acc": float(accuracy[:, half].max()),
        "max_box_acc_v2": float(accuracy.max(axis=0).mean()),
        "fraction": FRACTIONS[int(accuracy[:, half].argmax())],
    }
    if validation is None:
        return {"validation": None, "oracle": oracle}
    chosen = validation.argmax(axis=0)
    ours = {
        "max_box_acc": float(accuracy[chosen[half], half]),
        "max_box_acc_v2": float(np.mean([accuracy[row, column] for column, row in enumerate(chosen)])),
        "fraction": FRACTIONS[int(chosen[half])],
    }
    return {"validation": ours, "oracle": oracle}
