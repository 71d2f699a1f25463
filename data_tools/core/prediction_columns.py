"""Many predictions at once, checked by columns instead of one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.core.records import Prediction, as_map


@dataclass(frozen=True, eq=False)
class PredictionColumns:
    """Many predictions as columns, one row an image, and one row a box of all images' boxes.

    Attributes:
        image_ids, file_names, scores, peaks_xy, heatmaps: of the images, as in `Prediction`.
        sizes_hw: (images, 2) int64.
        counts: (images,) int64 number of boxes of each.
        boxes_xyxy: (n, 4) float64, image after image.
        box_scores: (n,) float64.
        box_labels: (n,) int64.
    """

    image_ids: Sequence[int]
    file_names: Sequence[str]
    sizes_hw: NDArray[np.int64]
    scores: NDArray[np.float64]
    peaks_xy: Sequence[tuple[float, float] | None]
    heatmaps: Sequence[ArrayLike | None]
    counts: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float64]
    box_scores: NDArray[np.float64]
    box_labels: NDArray[np.int64]

    def to_predictions(self) -> tuple[Prediction, ...] | None:
        """The predictions; None where one breaks a rule of `Prediction`, which made alone names it."""
        if not self._hold():
            return None
        for column in (self.boxes_xyxy, self.box_scores, self.box_labels):
            column.flags.writeable = False
        ends = np.cumsum(self.counts).tolist()
        sizes, scores, start, predictions = self.sizes_hw.tolist(), self.scores.tolist(), 0, []
        for i, end in enumerate(ends):
            values = self.heatmaps[i]
            heatmap = None if values is None else as_map(values)
            if heatmap is not None:
                if heatmap.ndim != 2 or not heatmap.size:
                    return None
                heatmap.flags.writeable = False
            one = object.__new__(Prediction)  # what its construction would check has been checked
            vars(one).update(
                image_id=self.image_ids[i],
                file_name=self.file_names[i],
                size_hw=(sizes[i][0], sizes[i][1]),
                score=scores[i],
                boxes_xyxy=self.boxes_xyxy[start:end],
                box_scores=self.box_scores[start:end],
                box_labels=self.box_labels[start:end],
                peak_xy=self.peaks_xy[i],
                heatmap=heatmap,
            )
            predictions.append(one)
            start = end
        return tuple(predictions)

    def _hold(self) -> bool:
        """Whether all rules of `Prediction` hold, but for those of maps."""
        limits = np.tile(np.repeat(self.sizes_hw[:, ::-1], self.counts, axis=0), 2)
        sized_peaks = zip(self.sizes_hw.tolist(), self.peaks_xy, strict=True)
        return bool(
            all(image_id >= 1 for image_id in self.image_ids)
            and (self.sizes_hw > 0).all()
            and np.isfinite(self.scores).all()
            and int(self.counts.sum()) == len(self.boxes_xyxy) == len(self.box_scores) == len(self.box_labels)
            and np.isfinite(self.boxes_xyxy).all()
            and np.isfinite(self.box_scores).all()
            and (self.box_labels >= 1).all()
            and (self.boxes_xyxy >= 0).all()
            and (self.boxes_xyxy <= limits).all()
            and (self.boxes_xyxy[:, 2:] >= self.boxes_xyxy[:, :2]).all()
            and all(
                peak is None or (0 <= peak[0] <= width and 0 <= peak[1] <= height)
                for (height, width), peak in sized_peaks
            )
        )
