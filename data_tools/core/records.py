"""The records that flow through the project, checked on construction.

The conventions, stated here and nowhere else:

- Coordinates are pixels of the **original** image, x to the right and y down. Pixel (row r, column c) covers
  [c, c+1) x [r, r+1), so its centre is at x = c + 0.5, y = r + 0.5.
- Boxes are half-open `x1, y1, x2, y2`: a one-pixel defect in column 5 spans x 5..6.
- Sizes are `(height, width)`.
- Image ids, annotation ids and class ids start at 1; label 0 is the background.
- `score` is continuous, and higher means more defective.
- Undefined values are None, never 0, -1 or NaN.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.core.printable import first_of

Scalar = TypeVar("Scalar", bound=np.generic)

GOOD, BOXED, UNBOXED = "good", "boxed", "unboxed"
_SMALLEST_MAP, _LARGEST_MAP = 1e-30, 1e38  # maxima at which float32 keeps a map's values apart
_NO_BOXES, _NO_LABELS = np.zeros((0, 4), dtype=np.float64), np.zeros(0, dtype=np.int64)
_NO_BOXES.flags.writeable = _NO_LABELS.flags.writeable = False
STATUSES = (GOOD, BOXED, UNBOXED)
SPLIT_NAMES = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Sample:
    """One image and what is known about its defects.

    Attributes:
        image_id: from 1, unique in its dataset.
        path: file name relative to the dataset's images root, with forward slashes.
        size_hw: image height and width in pixels.
        boxes_xyxy: (n, 4) float64, inside the image and of positive area; empty unless `status` is "boxed".
        labels: (n,) int64 class ids from 1.
        status: "good"; "boxed" (a defect with its area); "unboxed" (a defect whose area is not annotated: positive
            for classification, ignored by every localization metric, never a negative for the detector).
        group: lot, device or near-duplicate group; a group never straddles a split.
        type: the image's defect type by name, "good" for a good image.
        box_types: (n,) the defect type of each box by name; by default the image's type.
        evidence: what says that a good image is good, such as "folder 'good'" or "empty label file"; "" where it is not
            known, as in a dataset that was not converted here.
    """

    image_id: int
    path: str
    size_hw: tuple[int, int]
    boxes_xyxy: NDArray[np.float64]
    labels: NDArray[np.int64]
    status: str
    group: str
    type: str = GOOD
    box_types: tuple[str, ...] = ()
    evidence: str = ""

    def __post_init__(self) -> None:
        name = f"image {self.image_id} ({self.path})"
        boxes = _frozen(self.boxes_xyxy, np.float64, (-1, 4), f"{name}: boxes_xyxy")
        labels = _frozen(self.labels, np.int64, (-1,), f"{name}: labels")
        object.__setattr__(self, "boxes_xyxy", boxes)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "size_hw", _size(self.size_hw, name))
        object.__setattr__(self, "box_types", tuple(self.box_types) or (self.type,) * len(boxes))
        _require(self.image_id >= 1, f"{name}: image ids start at 1")
        _require(bool(self.path), f"image {self.image_id}: empty file name")
        _require(self.status in STATUSES, f"{name}: status {self.status!r} is not one of {', '.join(STATUSES)}")
        _require((self.status == BOXED) == (len(boxes) > 0), f"{name}: status {self.status} with {len(boxes)} boxes")
        _require((self.status == GOOD) == (self.type == GOOD), f"{name}: status {self.status} with type {self.type!r}")
        _require(len(labels) == len(boxes), f"{name}: {len(labels)} labels for {len(boxes)} boxes")
        _require(len(self.box_types) == len(boxes), f"{name}: {len(self.box_types)} types for {len(boxes)} boxes")
        _require(bool((labels >= 1).all()), f"{name}: class ids start at 1")
        _require_boxes(boxes, self.size_hw, name, positive_area=True)

    @property
    def is_defect(self) -> bool:
        """Whether the image shows a defect, with or without an annotated area."""
        return self.status != GOOD


def unlabelled(image_id: int, path: str, size_hw: tuple[int, int]) -> Sample:
    """An image that is only predicted: it belongs to no dataset, and its status is read by nobody."""
    return Sample(image_id, path, size_hw, empty_boxes(), empty_labels(), GOOD, "none")


@dataclass(frozen=True)
class Splits:
    """Image ids of the three parts, with how they were made. No id is in two parts."""

    seed: int
    group_by: str
    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        ids = self.train + self.val + self.test
        _require(len(set(ids)) == len(ids), "splits: an image id stands twice")

    def ids(self, split: str) -> tuple[int, ...]:
        """Image ids of "train", "val" or "test"."""
        _require(split in SPLIT_NAMES, f"split {split!r} is not one of {', '.join(SPLIT_NAMES)}")
        return {"train": self.train, "val": self.val, "test": self.test}[split]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples with their class names, where the images are, and how they are split.

    Attributes:
        samples: in the order of their ids; ids are unique.
        categories: class names; the class id of `categories[i]` is i + 1.
        images_root: folder that the samples' paths are relative to; None where no image is at hand.
        splits: None for a dataset made without splits.
        folder: that the dataset was read from; None for one that was made in memory.
    """

    samples: tuple[Sample, ...]
    categories: tuple[str, ...]
    images_root: Path | None = None
    splits: Splits | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        by_id = {sample.image_id: sample for sample in self.samples}
        _require(len(by_id) == len(self.samples), "dataset: an image id stands twice")
        for sample in self.samples:
            known = bool((sample.labels <= len(self.categories)).all())
            _require(known, f"image {sample.image_id} ({sample.path}): a class id above {len(self.categories)}")
        if self.splits is not None:
            for split in SPLIT_NAMES:
                unknown = [i for i in self.splits.ids(split) if i not in by_id]
                _require(not unknown, f"splits: {split} names unknown image ids {first_of(unknown)}")
        object.__setattr__(self, "_by_id", by_id)

    def split(self, name: str) -> tuple[Sample, ...]:
        """Samples of "train", "val", "test", or "all" of them.

        Raises:
            ValueError: the name is none of these, or the dataset has no splits.
        """
        if name == "all":
            return self.samples
        if self.splits is None:
            raise ValueError(f"the dataset has no splits, so no split {name!r}; use 'all' or convert with --split")
        by_id: dict[int, Sample] = self.__dict__["_by_id"]
        return tuple(by_id[i] for i in self.splits.ids(name))


@dataclass(frozen=True, eq=False)
class Prediction:
    """What an approach says of one image. No field tells which approach made it.

    Attributes:
        image_id, file_name, size_hw: as in the `Sample`.
        score: finite; higher means more defective.
        boxes_xyxy: (n, 4) float64 inside the image; a box may be empty.
        box_scores: (n,) float64, finite.
        box_labels: (n,) int64 class ids from 1.
        peak_xy: where the defect is thought to be, in pixels; None is an abstention.
        heatmap: (rows, columns) float32 on its native grid, cell (r, c) covering an equal share of the image; or None.
    """

    image_id: int
    file_name: str
    size_hw: tuple[int, int]
    score: float
    boxes_xyxy: NDArray[np.float64]
    box_scores: NDArray[np.float64]
    box_labels: NDArray[np.int64]
    peak_xy: tuple[float, float] | None = None
    heatmap: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        name = f"prediction for image {self.image_id}"
        boxes = _frozen(self.boxes_xyxy, np.float64, (-1, 4), f"{name}: boxes_xyxy")
        scores = _frozen(self.box_scores, np.float64, (-1,), f"{name}: box_scores")
        labels = _frozen(self.box_labels, np.int64, (-1,), f"{name}: box_labels")
        object.__setattr__(self, "boxes_xyxy", boxes)
        object.__setattr__(self, "box_scores", scores)
        object.__setattr__(self, "box_labels", labels)
        object.__setattr__(self, "size_hw", _size(self.size_hw, name))
        object.__setattr__(self, "score", float(self.score))
        _require(self.image_id >= 1 and self.image_id == int(self.image_id), f"{name}: image ids are 1, 2, ...")
        _require(bool(np.isfinite(self.score)), f"{name}: score is not finite")
        _require(len(boxes) == len(scores) == len(labels), f"{name}: boxes, scores and labels differ in number")
        _require(bool(np.isfinite(scores).all()), f"{name}: a box score is not finite")
        _require(bool((labels >= 1).all()), f"{name}: class ids start at 1")
        _require_boxes(boxes, self.size_hw, name, positive_area=False)
        if self.peak_xy is not None:
            x, y = (float(v) for v in self.peak_xy)
            object.__setattr__(self, "peak_xy", (x, y))
            height, width = self.size_hw
            _require(0 <= x <= width and 0 <= y <= height, f"{name}: peak ({x}, {y}) lies outside the image")
        if self.heatmap is not None:
            heatmap = as_map(self.heatmap)
            _require(heatmap.ndim == 2 and heatmap.size > 0, f"{name}: a heat map has two axes, not {heatmap.shape}")
            heatmap.flags.writeable = False
            object.__setattr__(self, "heatmap", heatmap)


@dataclass(frozen=True)
class PredictionHeader:
    """Where a PredictionSet comes from; used to label tables and for nothing else.

    Attributes:
        producer, config, checkpoint, split: who made it, and how.
        ms_per_image: milliseconds that predicting an image took, reading included, on the machine that did it; None
            where nobody timed it.
    """

    producer: str
    config: Any = None
    checkpoint: str | None = None
    split: str | None = None
    ms_per_image: float | None = None

    def __post_init__(self) -> None:
        taken = self.ms_per_image
        _require(taken is None or (np.isfinite(taken) and taken > 0), f"ms_per_image must be above 0, not {taken}")


@dataclass(frozen=True, eq=False)
class PredictionSet:
    """Predictions of one approach on one split; one prediction an image."""

    header: PredictionHeader
    predictions: tuple[Prediction, ...] = field(default=())

    def __post_init__(self) -> None:
        ids = [prediction.image_id for prediction in self.predictions]
        twice = sorted(i for i, count in Counter(ids).items() if count > 1)
        _require(not twice, f"predictions: image ids {first_of(twice)} stand twice")


def as_map(values: ArrayLike) -> NDArray[np.float32]:
    """Float32 of a map, scaled to a maximum of 1 first where its values would not survive: its scale means nothing."""
    array = np.asarray(values, dtype=np.float64)
    highest = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
    if highest > 0 and not _SMALLEST_MAP <= highest <= _LARGEST_MAP:
        array = array / highest
    return array.astype(np.float32)


def empty_boxes() -> NDArray[np.float64]:
    """(0, 4) read-only boxes: what an image without boxes has."""
    return _NO_BOXES


def empty_labels() -> NDArray[np.int64]:
    """(0,) read-only class ids: what an image without boxes has."""
    return _NO_LABELS


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _require_boxes(boxes: NDArray[np.float64], size_hw: tuple[int, int], name: str, positive_area: bool) -> None:
    if not len(boxes):
        return
    height, width = size_hw
    _require(bool(np.isfinite(boxes).all()), f"{name}: a box is not finite")
    inside = ((boxes >= 0) & (boxes <= np.array([width, height, width, height]))).all(axis=1)
    _require_each(inside, boxes, f"{name}: a box lies outside the {width} x {height} image")
    sides = boxes[:, 2:] - boxes[:, :2]
    if positive_area:
        _require_each((sides > 0).all(axis=1), boxes, f"{name}: a box has no area")
    else:
        _require_each((sides >= 0).all(axis=1), boxes, f"{name}: a box is inverted")


def _require_each(holds: ArrayLike, boxes: NDArray[np.float64], message: str) -> None:
    """Refuse with the first box for which it does not hold: among a hundred nobody would find it."""
    if not np.all(holds):
        row = int(np.argmin(holds))
        raise ValueError(f"{message}: {boxes[row].tolist()}, place {row + 1} of {len(boxes)}")


def _frozen(value: ArrayLike, dtype: type[Scalar], shape: tuple[int, ...], name: str) -> NDArray[Scalar]:
    """A read-only copy of `value` with the given dtype; -1 in `shape` stands for any length."""
    if isinstance(value, np.ndarray) and value.base is None and not value.flags.writeable and value.dtype == dtype:
        array: NDArray[Scalar] = value  # of another record, and nobody can change it
    else:
        array = _exact(value, dtype, name)
    if array.size == 0:
        array = array.reshape(tuple(0 if side == -1 else side for side in shape))
    fits = array.ndim == len(shape) and all(want in (-1, got) for want, got in zip(shape, array.shape, strict=True))
    _require(fits, f"{name} has shape {array.shape}")
    array.flags.writeable = False
    return array


def _exact(value: ArrayLike, dtype: type[Scalar], name: str) -> NDArray[Scalar]:
    """A copy with the given dtype; whole numbers are not made by cutting fractions off."""
    with np.errstate(invalid="ignore"):  # of what no whole number can be, which is refused below
        array = np.array(value, dtype=dtype)
    if np.issubdtype(dtype, np.integer):
        given = np.asarray(value)
        whole = given.size == 0 or given.dtype.kind in "iub" or bool((given == array).all())
        _require(whole, f"{name}: whole numbers are needed, not {given.tolist()}")
    return array


def _size(size_hw: tuple[int, int], name: str) -> tuple[int, int]:
    height, width = (int(side) for side in size_hw)
    _require(height > 0 and width > 0, f"{name}: size {height} x {width}")
    _require((height, width) == tuple(size_hw), f"{name}: size {size_hw} is not in whole pixels")
    return height, width
