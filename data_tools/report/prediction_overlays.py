"""A figure of each image as it is predicted, in a folder."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Prediction, Sample
from data_tools.files.picture_places import require_picture_place
from data_tools.report.overlays import View, draw_overlay, save_figure

Predict = Callable[[Sequence[Sample], Callable[[Sample], NDArray[np.uint8]]], Sequence[Prediction]]

_DPI = 150
_LONGEST = 60  # letters of a name; the id keeps names apart


def with_overlays(predict: Predict, folder: Path, name: str, threshold: float | None = None) -> Predict:
    """The same predictions, each drawn beside its bare image into `folder`, as `<id>_<file name>.png`.

    Args:
        predict: predictions of samples, in order, whose pixels the second argument reads.
        folder: made if need be.
        name: of the approach, over its panel.
        threshold: where there is one, the panel says whether the image is flagged.

    The predictions raise an InputError where a file lies that is no such figure.
    """

    def drawn(samples: Sequence[Sample], read: Callable[[Sample], NDArray[np.uint8]]) -> Sequence[Prediction]:
        predictions = predict(samples, read)
        thresholds = {} if threshold is None else {name: threshold}
        for sample, prediction in zip(samples, predictions, strict=True):
            view = View(read(sample), sample, {name: prediction}, thresholds, has_truth=False)
            path = overlay_path(folder, sample)
            require_picture_place(path, "--overlays")  # again: it may have come since
            save_figure(draw_overlay(view, legend=False), path, _DPI)
        return predictions

    return drawn


def overlay_path(folder: Path, sample: Sample) -> Path:
    """Where the overlay of a sample goes."""
    stem = re.sub(r"[^\w.-]", "_", Path(sample.path).stem)[:_LONGEST]
    return folder / f"{sample.image_id:06d}_{stem}.png"
