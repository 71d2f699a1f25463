"""Recall of proposals: do a few boxes cover the defects? (Hosang et al., TPAMI 2016), beside a sliding window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import iou
from data_tools.core.records import BOXED, Prediction, Sample

COUNTS = (10, 30, 100, 300, 1000)
_SCALES = (0.05, 0.1, 0.2, 0.4, 0.8)
_RATIOS = (0.25, 1.0, 4.0)


def average_recall(best_ious: NDArray[np.float64]) -> float | None:
    """2 x integral over IoU 0.5..1 of the share of boxes found: the mean of 2 max(IoU - 0.5, 0). None of no boxes."""
    return float(2 * np.maximum(best_ious - 0.5, 0.0).mean()) if len(best_ious) else None


def proposal_recall(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, float | None]:
    """AR@N for the N best boxes of each prediction, N of `COUNTS`; images without proposals still count."""
    return _recalls(samples, [p.boxes_xyxy[np.argsort(-p.box_scores, kind="stable")] for p in predictions])


def sliding_window_recall(samples: Sequence[Sample], seed: int) -> dict[str, float | None]:
    """The same for as many windows, drawn in seeded random order from a regular grid of sizes, shapes and places."""
    grids = {size: _grid(size) for size in {sample.size_hw for sample in samples}}
    windows = []
    for sample in samples:
        grid = grids[sample.size_hw]
        if sample.status == BOXED:
            rng = np.random.default_rng((seed, sample.image_id))
            grid = grid[rng.choice(len(grid), min(max(COUNTS), len(grid)), replace=False)]
        windows.append(grid)
    return _recalls(samples, windows)


def _recalls(samples: Sequence[Sample], proposals: Sequence[NDArray[np.float64]]) -> dict[str, float | None]:
    rows = [np.zeros((0, len(COUNTS)))]
    for sample, boxes in zip(samples, proposals, strict=True):
        if sample.status == BOXED:
            best = np.zeros((len(sample.boxes_xyxy), max(COUNTS) + 1))
            overlap = iou(sample.boxes_xyxy, boxes[: max(COUNTS)])
            best[:, 1 : overlap.shape[1] + 1] = overlap
            rows.append(np.maximum.accumulate(best, axis=1)[:, COUNTS])
    table = np.concatenate(rows)
    return {str(count): average_recall(table[:, i]) for i, count in enumerate(COUNTS)}


def _grid(size_hw: tuple[int, int]) -> NDArray[np.float64]:
    """Every window of the grid over an image: steps of half a window, at least 1 px."""
    height, width = size_hw
    rows = []
    for scale in _SCALES:
        for ratio in _RATIOS:
            h = min(scale * np.sqrt(height * width * ratio), height)
            w = min(scale * np.sqrt(height * width / ratio), width)
            ys = np.arange(0, height - h + 1e-9, max(h / 2, 1))
            xs = np.arange(0, width - w + 1e-9, max(w / 2, 1))
            y, x = (grid.ravel() for grid in np.meshgrid(ys, xs, indexing="ij"))
            rows.append(np.stack([x, y, x + w, y + h], axis=1))
    return np.concatenate(rows)
