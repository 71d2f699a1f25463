"""What makes predictions look like they are of other images, or in another convention: said, never mended.

The truth is looked at to see whether another reading of the same numbers would fit it far better. Nothing of what is
judged changes.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import centres, distance_in_pairs, iou_in_pairs, xywh_to_xyxy, xyxy_to_xywh
from data_tools.core.heatmaps import is_transposed
from data_tools.core.records import BOXED, GOOD, Prediction, Sample
from data_tools.metrics.figures import mean_ranks

Floats = NDArray[np.float64]
Reading = Callable[[Floats, Floats], Floats]

_FIRST_PIXEL = 1.5
_FEWEST = 2  # images by which another reading must be better
_FAR_BETTER = 0.3  # as a share of the boxed images
_FITS = (0.3, 0.5, 0.7)  # intersections over union at which readings of the boxes are compared
_NEAR = 0.05  # of the diagonal: a peak so close to a true box has found it
_SHUFFLES = 100
_SURE = 0.9  # share of found images from which nobody doubts, even where all defects lie in one place

# how the numbers may have been meant: (n, 4) boxes and (n, 2) widths and heights -> (n, 4) boxes
_READINGS: dict[str, Reading] = {
    "x and y swapped": lambda boxes, _: boxes[:, [1, 0, 3, 2]],
    "maps or images transposed": lambda boxes, sizes: (
        boxes[:, [1, 0, 3, 2]] * np.tile(sizes / sizes[:, ::-1], 2)  # x as a share of the width is one of the height
    ),
    "x, y, width, height taken for corners": lambda boxes, _: xywh_to_xyxy(boxes),
    "corners taken for x, y, width, height": lambda boxes, _: xyxy_to_xywh(boxes),
    "centre, width and height taken for corner, width and height": lambda boxes, _: (
        boxes - np.tile(boxes[:, 2:] - boxes[:, :2], 2) / 2
    ),
    "mirrored left to right": lambda boxes, sizes: np.column_stack(
        [sizes[:, 0] - boxes[:, 2], boxes[:, 1], sizes[:, 0] - boxes[:, 0], boxes[:, 3]]
    ),
    "upside down": lambda boxes, sizes: np.column_stack(
        [boxes[:, 0], sizes[:, 1] - boxes[:, 3], boxes[:, 2], sizes[:, 1] - boxes[:, 1]]
    ),
}


def suspicions(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> tuple[str, ...]:
    """What a person should look at before believing the figures; empty where nothing is odd.

    Args:
        samples: the truth.
        predictions: in the order of the samples.
    """
    remarks = [*_in_shares(predictions), *_maps_on_their_side(predictions)]
    pairs = [(s, p) for s, p in zip(samples, predictions, strict=True) if s.status == BOXED]
    with_boxes = [(s, p) for s, p in pairs if len(p.box_scores)]
    with_peaks = [(s, p) for s, p in pairs if p.peak_xy is not None]
    if not remarks:
        best = np.array([p.boxes_xyxy[int(np.argmax(p.box_scores))] for _, p in with_boxes]).reshape(-1, 4)
        peaks = np.array([p.peak_xy for _, p in with_peaks], dtype=np.float64).reshape(-1, 2)
        truth = _Truth([s for s, _ in with_boxes])
        remarks += _read_otherwise(
            "boxes", best, truth, lambda boxes: truth.overlaps(boxes)[:, None] >= np.array(_FITS)
        )
        remarks += _other_classes(with_boxes, best, truth)
        if with_boxes and not remarks and truth.overlaps(best).max() < 0.5:
            remarks.append(
                f"no image's best box overlaps a true one by half (at most {truth.overlaps(best).max():.2f})"
            )
        places = _Truth([s for s, _ in with_peaks])
        if not remarks:
            points = np.hstack([peaks, peaks])
            remarks += _read_otherwise(
                "peaks", points, places, lambda boxes: places.distances(boxes[:, :2])[:, None] <= np.array([_NEAR])
            )
        if not remarks:
            remarks += _no_better_than_chance(peaks, places)
    return (*remarks, *_upside_down_scores(samples, predictions))


class _Truth:
    """The true boxes of images, flat, so that all images are compared at once."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.count = len(samples)
        self.sizes_wh = np.array([s.size_hw[::-1] for s in samples], dtype=np.float64).reshape(-1, 2)
        self.boxes = np.concatenate([s.boxes_xyxy for s in samples]) if samples else np.zeros((0, 4))
        counts = [len(s.boxes_xyxy) for s in samples]
        self._owner = np.repeat(np.arange(self.count), counts)
        self._starts = np.cumsum([0, *counts[:-1]]) if samples else np.zeros(0, dtype=np.int64)
        self.labels = [s.labels for s in samples]
        self.centres = np.array([centres(s.boxes_xyxy)[0] for s in samples]).reshape(-1, 2)

    def overlaps(self, boxes: Floats) -> Floats:
        """(n,) intersection over union of each image's box with the nearest of its true ones."""
        return self._per_image(np.maximum, iou_in_pairs(boxes[self._owner], self.boxes))

    def distances(self, points: Floats) -> Floats:
        """(n,) distance of each image's point to the nearest of its true boxes, in diagonals."""
        nearest = self._per_image(np.minimum, distance_in_pairs(points[self._owner], self.boxes))
        return np.asarray(nearest / np.hypot(self.sizes_wh[:, 0], self.sizes_wh[:, 1]))

    def dealt_on(self, boxes: Floats) -> Floats:
        """The boxes moved to other images, at the same place in them."""
        sides = np.tile(self.sizes_wh, 2)
        return np.asarray(np.roll(boxes / sides, max(self.count // 2, 1), axis=0) * sides)

    def _per_image(self, reduce: np.ufunc, values: Floats) -> Floats:
        return np.asarray(reduce.reduceat(values, self._starts)) if self.count else np.zeros(0)


def _in_shares(predictions: Sequence[Prediction]) -> list[str]:
    boxes = [p.boxes_xyxy for p in predictions if len(p.boxes_xyxy)]
    peaks = [p.peak_xy for p in predictions if p.peak_xy is not None]
    for what, values in (("boxes", np.concatenate(boxes) if boxes else np.zeros(0)), ("peaks", np.array(peaks))):
        if values.size and values.max() <= _FIRST_PIXEL:
            return [f"all {what} lie within the first pixel (up to {values.max():g}): shares of the image (0..1)?"]
    return []


def _maps_on_their_side(predictions: Sequence[Prediction]) -> list[str]:
    turned = [p for p in predictions if p.heatmap is not None and is_transposed(p.heatmap.shape, p.size_hw)]
    if not turned:
        return []
    one = turned[0]
    grid = " x ".join(map(str, one.heatmap.shape if one.heatmap is not None else ()))
    return [
        f"{len(turned)} maps have the shape of their image on its side ({one.file_name}: {grid} cells on "
        f"{one.size_hw[0]} x {one.size_hw[1]} pixels, as rows x columns): transposed?"
    ]


def _read_otherwise(what: str, boxes: Floats, truth: _Truth, fits: Callable[[Floats], NDArray[np.bool_]]) -> list[str]:
    """A remark if the best of the other readings fits far more images than the numbers as they are.

    `fits` gives (n, bars): whether each image is fitted, by each of several bars. The bar that tells most is taken.
    """
    if truth.count < _FEWEST:
        return []
    readings = {name: read(boxes, truth.sizes_wh) for name, read in _READINGS.items()}
    scale = _scale(boxes, truth)
    if scale is not None:
        name = f"of another image size, {scale[0]:.3g} times as wide and {scale[1]:.3g} times as high"
        readings[name] = boxes * np.tile(scale, 2)
    now = fits(boxes).sum(axis=0)
    # a reading that moves all to the middle also fits better, but then it fits the images of others as well
    gains = {
        name: fits(read).sum(axis=0) - np.maximum(now, fits(truth.dealt_on(read)).sum(axis=0))
        for name, read in readings.items()
    }
    name = max(gains, key=lambda name: int(gains[name].max()))
    bar = int(gains[name].argmax())
    gain = int(gains[name][bar])
    if gain < max(_FEWEST, _FAR_BETTER * truth.count):
        return []
    better = int(fits(readings[name]).sum(axis=0)[bar])
    return [f"the {what} fit {now[bar]} of {truth.count} images with boxes, but {better} if they are {name}"]


def _scale(boxes: Floats, truth: _Truth) -> Floats | None:
    """The typical ratio of true to predicted centres along x and y; None where it is about 1."""
    middles = centres(boxes)
    usable = (middles > 0).all(axis=1)
    if not usable.any():
        return None
    scale = np.asarray(np.median(truth.centres[usable] / middles[usable], axis=0))
    return None if (np.abs(scale - 1) < 0.1).all() else scale


def _other_classes(pairs: Sequence[tuple[Sample, Prediction]], best: Floats, truth: _Truth) -> list[str]:
    """A remark if most boxes that fit a true one are of another class than it, and other names for the classes fit.

    A detector that has not learnt its classes yet calls most of them one: no other names make that right.
    """
    near = np.flatnonzero(truth.overlaps(best) >= 0.5).tolist()
    called = [int(pairs[i][1].box_labels[int(np.argmax(pairs[i][1].box_scores))]) for i in near]
    true = [
        label if label in truth.labels[i] else int(truth.labels[i][0]) for i, label in zip(near, called, strict=True)
    ]
    wrong = [place for place, label in enumerate(called) if label != true[place]]
    if len(near) < _FEWEST or 2 * len(wrong) <= len(near) or not _other_names_fit(called, true):
        return []
    place = wrong[0]
    name = pairs[near[place]][1].file_name
    return [
        f"{len(wrong)} of {len(near)} boxes that fit a true one are of another class ({name}: {called[place]} instead "
        f"of {true[place]}): classes counted from 0, or in another order?"
    ]


def _other_names_fit(called: Sequence[int], true: Sequence[int]) -> bool:
    """Whether classes, each taken for one other, are right of most boxes, and of more than a single class would be."""
    from scipy.optimize import linear_sum_assignment

    (_, rows), (_, columns) = (np.unique(labels, return_inverse=True) for labels in (called, true))
    counts = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(counts, (rows, columns), 1)
    right = counts[linear_sum_assignment(counts, maximize=True)].sum()
    none_right = not any(a == b for a, b in zip(called, true, strict=True))
    return bool(2 * right > len(called) and (none_right or right > counts.sum(axis=0).max()))


def _no_better_than_chance(peaks: Floats, truth: _Truth) -> list[str]:
    """A remark if the peaks fit the images of others as well as their own."""
    if truth.count <= _FEWEST:
        return []
    own = float((truth.distances(peaks) <= _NEAR).mean())
    shares = peaks / truth.sizes_wh
    rng = np.random.default_rng(0)
    others = []
    for _ in range(_SHUFFLES):
        order = rng.permutation(truth.count)
        moved = np.roll(order, 1)  # every peak goes to another image
        swapped = np.empty_like(shares)
        swapped[order] = shares[moved]
        others.append(float((truth.distances(swapped * truth.sizes_wh) <= _NEAR).mean()))
    chance = float(np.mean(others))
    if own > np.quantile(others, 0.95) or own >= _SURE:
        return []
    return [
        f"the peaks fit their own images no better than by chance ({own:.0%} of {truth.count} lie in or near a true "
        f"box, {chance:.0%} when dealt to other images): are they of these images?"
    ]


def _upside_down_scores(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> list[str]:
    """A remark if good images score above defects, by more than chance (Mann-Whitney, one-sided, 1 %)."""
    scores = np.array([p.score for p in predictions])
    good = np.array([s.status == GOOD for s in samples], dtype=bool)
    n_good, n_defect = int(good.sum()), int((~good).sum())
    if not n_good or not n_defect or len(np.unique(scores)) == 1:
        return []
    above = float(mean_ranks(scores)[~good].sum()) - n_defect * (n_defect + 1) / 2
    deviation = np.sqrt(n_good * n_defect * (n_good + n_defect + 1) / 12)
    if (above - n_good * n_defect / 2) / deviation > -2.326:
        return []
    return [
        f"good images score above defects (AUC {above / (n_good * n_defect):.3f}): are the scores of these images, and "
        "is higher more defective?"
    ]
