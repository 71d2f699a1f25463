"""Defects cut out of defect images and laid on good ones (Dwibedi et al., ICCV 2017; Ghiasi et al., CVPR 2021).

A line has few defects and many good parts. A pasted patch also carries its seam, which would give it away: its edges
are feathered, its gray level is fitted to the place, and patches of good images are pasted the same way as decoys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_tools.errors import InputError
from data_tools.geometry import iou
from data_tools.records import BOXED, GOOD, Sample, empty_boxes, empty_labels
from data_tools.resizing import resize

Image = NDArray[np.uint8]
Boxes = NDArray[np.float64]
Load = Callable[[Sample], tuple[Image, Boxes, NDArray[np.int64]]]
_LEAST_MARGIN, _MOST_MARGIN, _MARGIN_SHARE = 3.0, 12.0, 0.35
_AT_EDGE = 0.04
_MOST_STRETCH, _MOST_LENGTHENED = 4.0, 20.0
_LINE = 3.0
_MOST_KEPT = 1000
_TRIES = 4


@dataclass(frozen=True)
class PasteConfig:
    """Copy-paste of defects. It needs boxes, so only the detector may use it.

    Attributes:
        share: share 0..1 of the good training images that get a defect, anew in each epoch; 0 switches pasting off.
        decoy_share: share 0..1 of the other good images that get a patch of a good image instead.
        jitter: how far a patch may move from where it was cut, as a share of the image's sides: small where a place
            has a meaning (leads of a device), 1 where every place is alike (a surface); null decides between 0.03 and
            1 by the training images' common layout, see `data_tools.layout`. A patch cut at an edge of its image stays
            at that edge and moves along it.
        stretch: a patch becomes up to so many times wider or narrower, and up to so many times higher or lower, 1..4;
            1 leaves it. What reaches from edge to edge still does.
        lengthen: a line, at least three times as long as wide in the image as it was taken, becomes up to so many times
            longer instead, 1..20, but no longer than the image: scratches and cracks come in every length.
    """

    share: float = 0.0
    decoy_share: float = 0.5
    jitter: float | None = None
    stretch: float = 1.0
    lengthen: float = 1.0

    def __post_init__(self) -> None:
        for name in ("share", "decoy_share", "jitter"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise InputError(f"paste.{name} must lie in 0..1, not {value}")
        for name, most in (("stretch", _MOST_STRETCH), ("lengthen", _MOST_LENGTHENED)):
            if not 1.0 <= getattr(self, name) <= most:
                raise InputError(f"paste.{name} must lie in 1..{most:g}, not {getattr(self, name)}")


@dataclass(frozen=True)
class _Patch:
    """What is cut out, with what is around it.

    Attributes:
        pixels: (h, w), as much more than the hull as its margin may take.
        hull_xyxy: what is laid on the target, in these pixels.
        boxes_xyxy: (n, 4) of the defects in it; none in a decoy.
        labels: (n,) of the boxes.
        along: (2,) whether it is a line along x, along y; see `_line`.
        before: (x, y) pixels of the source left of the hull and above it.
        behind: right of it and below it.
        source_wh: width and height of the source.
    """

    pixels: Image
    hull_xyxy: NDArray[np.float64]
    boxes_xyxy: Boxes
    labels: NDArray[np.int64]
    along: NDArray[np.bool_]
    before: NDArray[np.float64]
    behind: NDArray[np.float64]
    source_wh: NDArray[np.int64]

    @property
    def at_edges(self) -> NDArray[np.bool_]:
        """(2, 2) whether it was cut at the source's left and upper edge, and at its right and lower one."""
        found: NDArray[np.bool_] = np.stack([self.before, self.behind]) < _AT_EDGE * self.source_wh
        return found


class Paster:
    """Pastes onto good images.

    Args:
        samples: of the training split; the boxed ones are donors of defects, the good ones of decoys.
        config: see `PasteConfig`.
    """

    def __init__(self, samples: Sequence[Sample], config: PasteConfig) -> None:
        if config.jitter is None:
            raise ValueError("paste.jitter must be decided before; see data_tools.experiment.decide_by_layout")
        self.config, self.jitter = config, config.jitter
        self.donors = [(sample, rows) for sample in samples if sample.status == BOXED for rows in _together(sample)]
        self.good = [sample for sample in samples if sample.status == GOOD]
        self._kept: dict[int, _Patch | None] = {}

    def __call__(
        self, image: Image, load: Load, rng: np.random.Generator
    ) -> tuple[Image, Boxes, NDArray[np.int64]] | None:
        """A good image (h, w) with a defect or a decoy pasted in.

        Args:
            image: not changed.
            load: gives another sample's image and boxes, at input size, and the boxes' rows among the sample's own; the
                same each time, because some of what is cut out is kept.
            rng: of all choices.

        Returns:
            The new image, (n, 4) boxes and (n,) labels, both empty after a decoy; None where nothing is pasted.
        """
        if not self.donors:
            return None
        draw = rng.random()
        is_defect = draw < self.config.share
        if not is_defect and draw >= self.config.share + (1 - self.config.share) * self.config.decoy_share:
            return None
        for _ in range(_TRIES):  # a patch may be larger than this image
            number = int(rng.integers(len(self.donors)))
            patch = self._defect(number, load) if is_defect else self._decoy(number, load, rng)
            made = None if patch is None else self._paste(image, patch, rng)
            if made is not None:
                return made
        return None

    def _defect(self, number: int, load: Load) -> _Patch | None:
        """What a donor gives; None where a crop has cut it off."""
        if number in self._kept:
            return self._kept[number]
        donor, wanted = self.donors[number]
        source, boxes, rows = load(donor)
        there = np.isin(rows, wanted)
        patch = None
        if there.any():
            kept, along = rows[there], _line(donor.boxes_xyxy[rows[there]])
            patch = _cut(source, _hull(boxes[there]), boxes[there], donor.labels[kept], along, self.config.stretch)
        if len(self._kept) < _MOST_KEPT:
            self._kept[number] = patch
        return patch

    def _decoy(self, number: int, load: Load, rng: np.random.Generator) -> _Patch:
        """A patch of a good image where the donor has its defect."""
        donor, rows = self.donors[number]
        source, _, _ = load(self.good[rng.integers(len(self.good))])
        boxes = donor.boxes_xyxy[list(rows)]
        hull = _hull(boxes) * (np.array(source.shape) / donor.size_hw)[[1, 0, 1, 0]]
        return _cut(source, hull, empty_boxes(), empty_labels(), _line(boxes), self.config.stretch)

    def _paste(
        self, target: Image, patch: _Patch, rng: np.random.Generator
    ) -> tuple[Image, Boxes, NDArray[np.int64]] | None:
        if self.config.stretch > 1 or self.config.lengthen > 1:
            patch = _stretched(patch, self._factors(patch, target.shape, rng))
        found = paste(target, patch.pixels, patch.hull_xyxy, _place(patch, target.shape, self.jitter, rng))
        if found is None:
            return None
        made, hull = found
        moved = patch.boxes_xyxy + np.tile(hull[0, :2] - patch.hull_xyxy[:2], 2)
        return made, moved, patch.labels

    def _factors(self, patch: _Patch, target_hw: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """How many times wider and higher a patch becomes."""
        stretched = self.config.stretch ** rng.uniform(-1, 1, 2)
        factors = np.where(patch.along, self.config.lengthen ** rng.random(), stretched)
        sides, there = patch.hull_xyxy[2:] - patch.hull_xyxy[:2], np.array(target_hw[::-1])
        fitting = np.minimum(factors, np.maximum(there - 2 * _MOST_MARGIN, 1) / sides)
        return np.where(patch.at_edges.all(axis=0), there / patch.source_wh, fitting)


def _cut(
    source: Image,
    hull_xyxy: NDArray[np.float64],
    boxes_xyxy: Boxes,
    labels: NDArray[np.int64],
    along: NDArray[np.bool_],
    stretch: float,
) -> _Patch:
    x1, y1, x2, y2 = _around(hull_xyxy, _MOST_MARGIN * stretch, source.shape)
    corner, source_wh = np.array([x1, y1, x1, y1]), np.array(source.shape[::-1])
    return _Patch(source[y1:y2, x1:x2].copy(), hull_xyxy - corner, boxes_xyxy - corner, labels, along,
                  hull_xyxy[:2], source_wh - hull_xyxy[2:], source_wh)  # fmt: skip


def _stretched(patch: _Patch, factors_xy: NDArray[np.float64]) -> _Patch:
    """The patch that many times wider and higher."""
    height, width = np.maximum(np.round(patch.pixels.shape * factors_xy[::-1]), 1).astype(int).tolist()
    pixels, boxes = resize(patch.pixels, np.vstack([patch.hull_xyxy, patch.boxes_xyxy]), (height, width))
    return replace(patch, pixels=pixels, hull_xyxy=boxes[0], boxes_xyxy=boxes[1:])


def _place(patch: _Patch, target_hw: tuple[int, ...], jitter: float, rng: np.random.Generator) -> tuple[float, float]:
    """Where the centre of the hull goes: each place within `jitter` that holds the whole of it is as likely."""
    half, there = (patch.hull_xyxy[2:] - patch.hull_xyxy[:2]) / 2, np.array(target_hw[::-1])
    same = (patch.before + patch.source_wh - patch.behind) / 2 / patch.source_wh * there
    least, most = half, np.maximum(there - half, half)
    centre = rng.uniform(np.clip(same - jitter * there, least, most), np.clip(same + jitter * there, least, most))
    at_first, at_last = patch.at_edges
    centre = np.where(at_first, half + patch.before, centre)
    centre = np.where(at_last, there - patch.behind - half, centre)
    return float(centre[0]), float(centre[1])


def paste(
    target: Image, source: Image, box_xyxy: NDArray[np.float64], centre_xy: tuple[float, float]
) -> tuple[Image, Boxes] | None:
    """Lay the source's pixels inside the box on the target, as near to a centre as it fits.

    The patch is opaque inside the box and fades out over a margin around it; its gray level is shifted by the
    difference between the two images in that margin.

    Args:
        target: (h, w); not changed.
        source: (h', w').
        box_xyxy: in the source.
        centre_xy: wanted centre of the box in the target.

    Returns:
        The new image and the (1, 4) box in it; None where the patch with its margin is larger than the target.
    """
    margin = float(np.clip(_MARGIN_SHARE * (box_xyxy[2:] - box_xyxy[:2]).min(), _LEAST_MARGIN, _MOST_MARGIN))
    x1, y1, x2, y2 = _around(box_xyxy, margin, source.shape)
    if x2 - x1 > target.shape[1] or y2 - y1 > target.shape[0]:
        return None
    shift = np.round(np.array(centre_xy) - (box_xyxy[:2] + box_xyxy[2:]) / 2).astype(int)
    left = int(np.clip(x1 + shift[0], 0, target.shape[1] - (x2 - x1)))
    top = int(np.clip(y1 + shift[1], 0, target.shape[0] - (y2 - y1)))
    patch = source[y1:y2, x1:x2].astype(np.float64)
    under = target[top : top + y2 - y1, left : left + x2 - x1].astype(np.float64)
    alpha = _feather(box_xyxy - np.array([x1, y1, x1, y1]), (y2 - y1, x2 - x1), margin)
    ring = alpha < 1
    change = float((under - patch)[ring].mean()) if ring.any() else 0.0
    made = target.copy()
    blended = under + alpha * (patch + change - under)
    made[top : top + y2 - y1, left : left + x2 - x1] = np.clip(np.round(blended), 0, 255).astype(np.uint8)
    return made, (box_xyxy + np.array([left - x1, top - y1] * 2))[None]


def _around(box_xyxy: NDArray[np.float64], margin: float, size_hw: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Whole pixels x1, y1, x2, y2 that hold a box with its margin, as far as the image reaches."""
    x1, y1 = np.maximum(np.floor(box_xyxy[:2] - margin), 0).astype(int).tolist()
    x2, y2 = np.minimum(np.ceil(box_xyxy[2:] + margin), size_hw[::-1]).astype(int).tolist()
    return x1, y1, x2, y2


def _feather(box_xyxy: NDArray[np.float64], size_hw: tuple[int, int], margin: float) -> NDArray[np.float64]:
    """(h, w) opacity: 1 inside the box, falling to 0 at the margin's outer edge."""
    x, y = np.arange(size_hw[1]) + 0.5, np.arange(size_hw[0]) + 0.5
    outside_x = np.maximum(np.maximum(box_xyxy[0] - x, x - box_xyxy[2]), 0.0)
    outside_y = np.maximum(np.maximum(box_xyxy[1] - y, y - box_xyxy[3]), 0.0)
    alpha: NDArray[np.float64] = np.clip(1.0 - np.hypot(outside_x[None], outside_y[:, None]) / margin, 0.0, 1.0)
    return alpha


def _hull(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    """(4,) the smallest box around (n, 4) boxes."""
    return np.concatenate([boxes_xyxy[:, :2].min(axis=0), boxes_xyxy[:, 2:].max(axis=0)])


def _line(boxes_xyxy: Boxes) -> NDArray[np.bool_]:
    """(2,) whether the hull of (n, 4) boxes is a line along x, along y: at least three times as long as wide.

    The boxes are in pixels of the image as it was taken: in one squeezed to the input size, a round spot may look like
    a line, and a line like a spot.
    """
    hull = _hull(boxes_xyxy)
    sides = hull[2:] - hull[:2]
    along: NDArray[np.bool_] = sides >= _LINE * sides[::-1]
    return along


def _together(sample: Sample) -> list[tuple[int, ...]]:
    """Rows of the boxes that are cut out together: no other box comes near them, so no patch holds half a defect."""
    parts: list[tuple[int, ...]] = [(row,) for row in range(len(sample.boxes_xyxy))]
    while True:
        hulls = np.stack([_hull(sample.boxes_xyxy[list(part)]) for part in parts])
        near = iou(hulls + np.array([-1.0, -1.0, 1.0, 1.0]) * _MOST_MARGIN, hulls) > 0
        pairs = np.argwhere(np.triu(near, 1))
        if not len(pairs):
            return parts
        one, other = pairs[0].tolist()
        parts[one] += parts.pop(other)
