"""Box AP by groups of images: COCO's figure as a statistic for the inference by group.

Which predicted box finds which true box does not depend on other images, so boxes are matched once and a resample only
counts them anew. Predicted boxes of equal score are taken in the order of the image ids, as pycocotools takes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import UNBOXED, Prediction, Sample
from data_tools.metrics.bootstrap import Clusters, Floats, MeanOf, Statistic, box_ap_of
from data_tools.metrics.box_map import MOST_IN_AN_IMAGE
from data_tools.metrics.figures import Figure
from data_tools.metrics.matching import FIRST, flat_boxes, match_images, without_unboxed


@dataclass(frozen=True, eq=False)
class MatchedBoxes:
    """The predicted boxes of one class, matched at one IoU, from the highest score down.

    Attributes:
        hits: (n,) whether each finds a true box that none before it found.
        codes: (n,) the group of its image.
        places: (n,) ascending, 0 for the first; what is compared with another approach's.
        boxes: (groups,) true boxes of each group.
    """

    hits: NDArray[np.bool_]
    codes: NDArray[np.int64]
    places: Floats
    boxes: Floats

    def beside(self, other: "MatchedBoxes") -> "MatchedBoxes":
        """Of both approaches, merged by place, the groups of the other numbered after one's own."""
        places = np.concatenate([self.places, other.places])
        order = np.argsort(places, kind="stable")
        hits = np.concatenate([self.hits, other.hits])
        codes = np.concatenate([self.codes, other.codes + len(self.boxes)])
        return MatchedBoxes(hits[order], codes[order], places[order], np.concatenate([self.boxes, other.boxes]))

    def statistic(self) -> Statistic:
        """Average precision; NaN for a resample without a true box."""
        if not self.hits.any():
            return lambda counts: np.where(counts @ self.boxes > 0, 0.0, np.nan)
        return box_ap_of(-self.places, self.hits, Clusters(self.codes, len(self.boxes)), self.boxes)


@dataclass(frozen=True, eq=False)
class BoxAp(Figure):
    """The mean over classes and IoU thresholds of COCO's average precision.

    A resample that draws no true box of a class leaves that class out of its mean.

    Attributes:
        parts: of each class that has a true box, at each IoU; at least one.
        clusters: the groups of the images.
    """

    parts: tuple[MatchedBoxes, ...]
    clusters: Clusters

    @cached_property
    def value(self) -> float | None:
        """COCO's figure."""
        return float(self.statistic()(np.ones((1, self.clusters.total)))[0])

    @property
    def fewest_groups(self) -> int:
        """Groups with a true box."""
        return int(np.count_nonzero(np.sum([part.boxes for part in self.parts], axis=0)))

    def beside(self, other: Figure) -> "BoxAp":
        """Of both runs' boxes, merged by their places."""
        assert isinstance(other, BoxAp)
        parts = tuple(own.beside(its) for own, its in zip(self.parts, other.parts, strict=True))
        return BoxAp(parts, self.clusters.beside(other.clusters))

    def statistic(self) -> Statistic:
        """The mean over parts, of a resample."""
        return MeanOf(tuple(part.statistic() for part in self.parts))


def box_ap_at(
    ious: Sequence[float],
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    num_classes: int,
    clusters: Clusters,
) -> Statistic | None:
    """The statistic of `box_ap`; None without a true box."""
    figure = box_ap(ious, samples, predictions, num_classes, clusters)
    return None if figure is None else figure.statistic()


def box_ap(
    ious: Sequence[float],
    samples: Sequence[Sample],
    predictions: Sequence[Prediction],
    num_classes: int,
    clusters: Clusters,
) -> BoxAp | None:
    """COCO's average precision of boxes; None without a true box.

    Args:
        ious: thresholds at which a box finds a true one.
        samples: the truth; unboxed images are left out.
        predictions: one for each sample, in the same order.
        num_classes: class ids are 1..num_classes.
        clusters: the groups of the samples.
    """
    order = sorted((i for i, s in enumerate(samples) if s.status != UNBOXED), key=lambda i: samples[i].image_id)
    images = _Images.of([samples[i] for i in order], [predictions[i] for i in order], clusters.codes[order])
    labels = range(1, num_classes + 1)
    parts = [_of_class(iou, images, label, clusters.total) for iou in ious for label in labels]
    known = tuple(part for part in parts if part is not None)
    return BoxAp(known, clusters) if known else None


def tied_share(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> float | None:
    """The share of boxes that count for box AP whose score another box of their class has too; None without boxes."""
    counted = [p for p in without_unboxed(samples, predictions)[1] if len(p.box_scores)]
    if not counted:
        return None
    labels, scores = (
        np.concatenate(parts) for parts in zip(*((p.box_labels, p.box_scores) for p in counted), strict=True)
    )
    counts = [np.unique(scores[labels == label], return_counts=True)[1] for label in np.unique(labels)]
    return float(sum(one[one > 1].sum() for one in counts) / len(labels))


@dataclass(frozen=True, eq=False)
class _Images:
    """The n predicted boxes of images in the order of their ids.

    Attributes:
        samples: the truth.
        codes: (images,) their groups.
        owners: (n,) place of each box's image.
        boxes_xyxy: (n, 4).
        scores: (n,).
        labels: (n,).
    """

    samples: Sequence[Sample]
    codes: NDArray[np.int64]
    owners: NDArray[np.int64]
    boxes_xyxy: Floats
    scores: Floats
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, samples: Sequence[Sample], predictions: Sequence[Prediction], codes: NDArray[np.int64]) -> "_Images":
        owners = np.repeat(np.arange(len(samples)), [len(one.box_scores) for one in predictions])
        labels = np.concatenate([np.zeros(0, dtype=np.int64), *(one.box_labels for one in predictions)])
        return cls(samples, codes, owners, *flat_boxes(predictions), labels)


def _of_class(iou: float, images: _Images, label: int, groups: int) -> MatchedBoxes | None:
    true = [s.boxes_xyxy[s.labels == label] if len(s.labels) else s.boxes_xyxy for s in images.samples]
    boxes: Floats = np.bincount(images.codes, weights=[len(one) for one in true], minlength=groups).astype(np.float64)
    if not boxes.any():
        return None
    own = np.flatnonzero(images.labels == label)
    # image by image, from the highest score down
    own = own[np.lexsort((-images.scores[own], images.owners[own]))]
    counts = np.bincount(images.owners[own], minlength=len(true))
    rank = np.arange(len(own)) - np.repeat(np.cumsum(counts) - counts, counts)
    own = own[rank < MOST_IN_AN_IMAGE]
    counts = np.minimum(counts, MOST_IN_AN_IMAGE)
    hits = match_images(images.boxes_xyxy[own], images.scores[own], counts, true, iou) == FIRST
    order = np.argsort(-images.scores[own], kind="stable")
    places = np.arange(len(order), dtype=np.float64)
    return MatchedBoxes(hits[order], images.codes[images.owners[own]][order], places, boxes)
