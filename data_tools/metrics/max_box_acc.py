"""MaxBoxAcc and MaxBoxAccV2 of heat maps (Choe et al., CVPR 2020): are the boxes around a map's hot regions right?

MaxBoxAcc takes the largest region of a map at IoU 0.5, V2 any region and the mean over IoU 0.3, 0.5 and 0.7. Against
the published code: half-open boxes, original pixels instead of a 224 x 224 grid, no rounding of the map to 8 bits.
A map is read at every pixel, or where its cells are larger than 16 pixels at least eight times a cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import iou
from data_tools.core.heatmaps import Map, interpolation_weights, normalise, rectangles_above
from data_tools.core.plane_regions import plane_regions
from data_tools.core.records import BOXED, Prediction, Sample

FRACTIONS = tuple(float(f) for f in np.linspace(0.05, 0.95, 19))
IOUS = (0.3, 0.5, 0.7)
_READINGS_A_CELL = 8
_TOGETHER = 16  # maps of one shape, so that the work of a call is more than calling
_AS_IN_MAPS = np.array(FRACTIONS, dtype=np.float32)  # compared with maps in their precision


@dataclass(frozen=True)
class BoxAccuracy:
    """Share of boxed images that a map's boxes get right, at each of `FRACTIONS`.

    Attributes:
        largest: (fractions,) the box of the largest region, at IoU 0.5.
        any_region: (fractions, ious) some box, at each of `IOUS`.
    """

    largest: NDArray[np.float64]
    any_region: NDArray[np.float64]


def box_accuracy(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> BoxAccuracy | None:
    """The accuracies of the boxed images; a missing or flat map is a miss.

    None without boxed images, or where no prediction has a map.
    """
    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status == BOXED]
    if not pairs or all(p.heatmap is None for _, p in pairs):
        return None
    best = np.zeros((2, len(pairs), len(FRACTIONS)))
    alike: dict[tuple[int, ...], list[int]] = {}
    reads: dict[int, tuple[Map, int]] = {}
    for row, (sample, prediction) in enumerate(pairs):
        values = None if prediction.heatmap is None else normalise(prediction.heatmap)
        if values is None:
            continue
        step = _step(values.shape, sample.size_hw)
        reads[row] = _read(values, sample.size_hw, step), step
        rows = alike.setdefault(reads[row][0].shape, [])
        rows.append(row)
        if len(rows) == _TOGETHER:
            best[:, rows] = _best_overlaps([(*reads.pop(i), pairs[i][0]) for i in rows])
            rows.clear()
    for rows in filter(None, alike.values()):
        best[:, rows] = _best_overlaps([(*reads.pop(i), pairs[i][0]) for i in rows])
    hits = np.stack([(best[1] >= threshold).mean(axis=0) for threshold in IOUS], axis=1)
    return BoxAccuracy((best[0] >= 0.5).mean(axis=0), hits)


def max_box_acc(accuracy: BoxAccuracy, validation: BoxAccuracy | None) -> dict[str, dict[str, float] | None]:
    """The published figures from the table of `box_accuracy`.

    Args:
        accuracy: of the evaluated images.
        validation: of the validation images, which choose the fractions; None where there are none.

    Returns:
        "oracle" (the fraction chosen on the evaluated set, as published: an upper bound) and "validation" (ours), each
        with max_box_acc, max_box_acc_v2 and the fraction for the former; None without it.
    """
    return {
        "validation": None if validation is None else _at(accuracy, validation),
        "oracle": _at(accuracy, accuracy),
    }


def _at(accuracy: BoxAccuracy, chosen_on: BoxAccuracy) -> dict[str, float]:
    """V1 at the fraction that is best on `chosen_on`, V2 with a fraction for each IoU."""
    fraction = int(chosen_on.largest.argmax())
    rows = chosen_on.any_region.argmax(axis=0)
    return {
        "max_box_acc": float(accuracy.largest[fraction]),
        "max_box_acc_v2": float(np.mean(accuracy.any_region[rows, np.arange(len(IOUS))])),
        "fraction": FRACTIONS[fraction],
    }


def _best_overlaps(images: Sequence[tuple[Map, int, Sample]]) -> NDArray[np.float64]:
    """(2, images, fractions) overlap of the largest region's box with a true box, and the largest of any region's.

    Every region holds a cell that no neighbour exceeds, so at a fraction that only one such cell reaches there is one
    region, whose box the highest values of rows and columns tell. Only the others are searched.

    Args:
        images: maps as they are read, all of one shape, with the pixels between readings and the truth.
    """
    maps = np.stack([read for read, _, _ in images])
    rectangles = rectangles_above(maps.max(axis=1), maps.max(axis=2), FRACTIONS)
    boxes = [list(of_image[:, None].astype(np.float64)) for of_image in rectangles]
    largest = np.zeros((len(images), len(FRACTIONS)), dtype=np.int64)
    several = np.nonzero(_count_tops(maps) > 1)
    if len(several[0]):
        regions = plane_regions(maps[several[0]] >= _AS_IN_MAPS[several[1], None, None])
        ends = np.searchsorted(regions.planes, np.arange(1, len(several[0]) + 1)).tolist()
        start = 0
        for image, fraction, end in zip(*(one.tolist() for one in several), ends, strict=True):
            boxes[image][fraction] = regions.boxes_xyxy[start:end]
            largest[image, fraction] = regions.areas[start:end].argmax()
            start = end
    best = np.zeros((2, len(images), len(FRACTIONS)))
    for i, (_, step, sample) in enumerate(images):
        height, width = sample.size_hw
        in_pixels = np.minimum(np.concatenate(boxes[i]) * step, (width, height, width, height))
        overlap = iou(in_pixels, sample.boxes_xyxy).max(axis=1)
        counts = [len(one) for one in boxes[i]]
        starts = np.cumsum([0, *counts[:-1]])
        best[:, i] = overlap[starts + largest[i]], np.maximum.reduceat(overlap, starts)
    return best


def _count_tops(maps: Map) -> NDArray[np.int64]:
    """(maps, fractions) how many cells that no neighbour, at a side or a corner, exceeds reach each fraction."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), constant_values=-1.0)
    across = np.maximum(np.maximum(padded[..., :-2], padded[..., 1:-1]), padded[..., 2:])
    around = np.maximum(np.maximum(across[:, :-2], across[:, 1:-1]), across[:, 2:])
    owners, *places = np.nonzero(maps == around)
    tops = maps[owners, places[0], places[1]]
    counts = [np.bincount(owners[tops >= fraction], minlength=len(maps)) for fraction in _AS_IN_MAPS]
    return np.stack(counts, axis=1)


def _step(grid_hw: tuple[int, ...], size_hw: tuple[int, int]) -> int:
    """Pixels between readings of a map: coarse maps have nothing finer to say."""
    return max(min(side // (_READINGS_A_CELL * cells) for side, cells in zip(size_hw, grid_hw, strict=True)), 1)


def _read(values: Map, size_hw: tuple[int, int], step: int) -> Map:
    """The interpolated map at the middle pixel of each step x step block, its maximum 1."""
    down, across = (
        interpolation_weights(side, cells)[step // 2 :: step] for side, cells in zip(size_hw, values.shape, strict=True)
    )
    read = (down @ values.astype(np.float64) @ across.T).astype(np.float32)
    scaled: Map = read / read.max()
    return scaled
