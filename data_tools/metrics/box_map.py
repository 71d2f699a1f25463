"""COCO's mean average precision of boxes, with pycocotools as the reference implementation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from data_tools.core.geometry import areas
from data_tools.core.records import BOXED, Prediction, Sample
from data_tools.metrics.coco_engines import PYCOCOTOOLS, SIZES, BoxTable, Matched, Ranges, choose_engine, match
from data_tools.metrics.matching import without_unboxed

NAMES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100")
TERCILES = ("smallest_third", "middle_third", "largest_third")
_HUGE = 1e10
MOST_IN_AN_IMAGE = 100
"""Boxes of a class in an image at which COCO looks; the best are taken."""

Image = tuple[Sample | None, tuple[Prediction, ...]]


def box_map(
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    num_classes: int,
    tercile_edges: tuple[float, float] | None = None,
    engine: str = PYCOCOTOOLS,
) -> dict[str, float | None]:
    """The nine figures of `NAMES`, 0..1, None where there is no true box of that kind.

    Args:
        samples: the truth; good images count (their boxes are false), unboxed images are left out.
        predictions: one for each sample, in the same order.
        num_classes: class ids are 1..num_classes.
        tercile_edges: if given, "ap_" + each of `TERCILES` is added, for boxes up to the first area in square pixels,
            up to the second, and beyond: COCO's own sizes do not fit small images.
        engine: of `coco_engines.ENGINES`.
    """
    ranges = SIZES if tercile_edges is None else SIZES | _terciles(*tercile_edges)
    beyond_coco = [name for name in ranges if name not in SIZES]
    matched = _matched(samples, predictions, num_classes, ranges, engine)
    if matched is None:
        return dict.fromkeys((*NAMES, *(f"ap_{name}" for name in beyond_coco)))
    sizes = {name: i for i, name in enumerate(ranges)}
    precision, recall = matched.precision[..., -1], matched.recall[:, :, sizes["all"], :]
    of_all = precision[..., sizes["all"]]
    values = [_mean(of_all), _mean(of_all[0]), _mean(of_all[5])]
    values += [_mean(precision[..., sizes[name]]) for name in ("small", "medium", "large")]
    values += [_mean(recall[..., most]) for most in range(3)]
    return dict(zip(NAMES, values, strict=True)) | {
        f"ap_{name}": _mean(precision[..., sizes[name]]) for name in beyond_coco
    }


def ap50_by_class(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int, engine: str = PYCOCOTOOLS
) -> list[float | None]:
    """AP50 of each class in order, None for a class without true boxes; "ap50" of `box_map` is the mean of the others.

    Args:
        samples, predictions, num_classes, engine: see `box_map`.
    """
    ranges = {"all": SIZES["all"]}
    matched = _matched(samples, predictions, num_classes, ranges, engine)
    if matched is None:
        return [None] * num_classes
    return [_mean(matched.precision[0, :, place, 0, -1]) for place in range(num_classes)]


def class_free(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The same with every box of class 1: where defects are, whatever they are called."""
    return [replace(one, box_labels=np.ones_like(one.box_labels)) for one in predictions]


def images_beyond(boxes: Iterable[NDArray[np.int64]]) -> int:
    """How many images hold more boxes of a class than COCO counts.

    Args:
        boxes: of each image, the class ids.
    """
    return sum(len(labels) > MOST_IN_AN_IMAGE and np.bincount(labels).max() > MOST_IN_AN_IMAGE for labels in boxes)


def tercile_edges(training: Sequence[Sample]) -> tuple[float, float] | None:
    """The areas in square pixels that divide the training boxes into thirds; None with fewer than three boxes."""
    boxes = [areas(sample.boxes_xyxy) for sample in training if sample.status == BOXED]
    every = np.concatenate(boxes) if boxes else np.zeros(0)
    if len(every) < len(TERCILES):
        return None
    low, high = np.quantile(every, [1 / 3, 2 / 3])
    return float(low), float(high)


def _matched(
    samples: Sequence[Sample], predictions: Sequence[Prediction], num_classes: int, ranges: Ranges, engine: str
) -> Matched | None:
    """None without any true box."""
    samples, predictions = without_unboxed(samples, predictions)
    if not any(len(sample.boxes_xyxy) for sample in samples):
        return None
    images = _images(sorted(zip(samples, predictions, strict=True), key=lambda pair: pair[0].image_id))
    return match(choose_engine(engine), _truth(images), _predicted(images), len(images), num_classes, ranges)


def _terciles(low: float, high: float) -> Ranges:
    # COCO ignores a box whose area lies outside a range, both ends of which belong to it
    ends = ((0.0, low), (float(np.nextafter(low, _HUGE)), high), (float(np.nextafter(high, _HUGE)), _HUGE))
    return dict(zip(TERCILES, ends, strict=True))


def _mean(values: NDArray[np.float64]) -> float | None:
    """Over IoU, recall and class; None without a true box of that kind, which COCO marks by -1."""
    known = values[values > -1]
    return float(known.mean()) if len(known) else None


def _images(pairs: Sequence[tuple[Sample, Prediction]]) -> list[Image]:
    """What is matched as one image: one with true boxes, or several without that follow each other.

    Boxes on the latter are false wherever they lie, so taking neighbours together changes no figure as long as they do
    not hold more boxes than COCO looks at in an image, and spares most of the work where most images are good.
    """
    images: list[Image] = []
    waiting: list[Prediction] = []
    held = 0
    for sample, prediction in pairs:
        count = len(prediction.box_scores)
        if waiting and (len(sample.boxes_xyxy) or held + count > MOST_IN_AN_IMAGE):
            images.append((None, tuple(waiting)))
            waiting, held = [], 0
        if len(sample.boxes_xyxy):
            images.append((sample, (prediction,)))
        elif count:
            waiting.append(prediction)
            held += count
    return [*images, (None, tuple(waiting))] if waiting else images


def _truth(images: Sequence[Image]) -> BoxTable:
    parts = [(i, sample) for i, (sample, _) in enumerate(images, start=1) if sample is not None]
    ids = np.repeat([i for i, _ in parts], [len(sample.labels) for _, sample in parts])
    labels = np.concatenate([sample.labels for _, sample in parts])
    return BoxTable(ids, labels, np.concatenate([sample.boxes_xyxy for _, sample in parts]), np.ones(len(labels)))


def _predicted(images: Sequence[Image]) -> BoxTable:
    parts = [(i, prediction) for i, (_, predictions) in enumerate(images, start=1) for prediction in predictions]
    ids = np.repeat([i for i, _ in parts], [len(prediction.box_scores) for _, prediction in parts]).astype(np.int64)
    return BoxTable(
        ids,
        np.concatenate([prediction.box_labels for _, prediction in parts]),
        np.concatenate([prediction.boxes_xyxy for _, prediction in parts]),
        np.concatenate([prediction.box_scores for _, prediction in parts]),
    )
