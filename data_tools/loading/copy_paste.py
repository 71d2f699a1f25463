"""Defects cut out of defect images and laid on good ones (Dwibedi et al., ICCV 2017; Ghiasi et al., CVPR 2021).

A line has few defects and many good parts. A pasted patch also carries its seam, which would give it away, so patches
of good images are pasted the same way as decoys.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_tools.core.checks import require_number
from data_tools.core.geometry import hull, iou
from data_tools.core.records import BOXED, GOOD, Sample, empty_boxes, empty_labels
from data_tools.loading.patches import MOST_MARGIN, Boxes, Image, Pasted, Patch, cut, paste, stretched

Load = Callable[[Sample], tuple[Image, Boxes, NDArray[np.int64]]]
_MOST_STRETCH, _MOST_LENGTHENED = 4.0, 20.0
_LINE = 3.0
_MOST_KEPT = 2**26  # bytes
_TRIES = 4


@dataclass(frozen=True)
class PasteConfig:
    """Copy-paste of defects. It needs boxes, so only the detector may use it.

    Attributes:
        share: share 0..1 of the good training images that get a defect, anew in each epoch; 0 switches pasting off.
        decoy_share: share 0..1 of the other good images that get a patch of a good image instead.
        jitter: how far a patch may move from where it was cut, as a share of the image's sides: small where a place
            has a meaning (leads of a device), 1 where every place is alike (a surface); null decides between 0.03 and
            1 by the training images' common layout, see `layout`. A patch cut at an edge of its image stays
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
        require_number("paste.share", self.share, 0, 1)
        require_number("paste.decoy_share", self.decoy_share, 0, 1)
        require_number("paste.jitter", self.jitter, 0, 1, optional=True)
        require_number("paste.stretch", self.stretch, 1, _MOST_STRETCH)
        require_number("paste.lengthen", self.lengthen, 1, _MOST_LENGTHENED)


class Paster:
    """Pastes onto good images.

    Args:
        samples: of the training split; the boxed ones are donors of defects, the good ones of decoys.
        config: see `PasteConfig`.
    """

    def __init__(self, samples: Sequence[Sample], config: PasteConfig) -> None:
        if config.jitter is None:
            raise ValueError("paste.jitter must be decided before; see data_tools.training.batches.decide_by_layout")
        self.config, self.jitter = config, config.jitter
        self.donors = [(sample, rows) for sample in samples if sample.status == BOXED for rows in _together(sample)]
        self.good = [sample for sample in samples if sample.status == GOOD]
        self._kept: dict[int, Patch | None] = {}
        self._kept_bytes = 0

    def __call__(self, image: Image, load: Load, rng: np.random.Generator) -> Pasted | None:
        """A good image (h, w) with a defect or a decoy pasted in.

        Args:
            image: not changed.
            load: gives another sample's image and boxes, at this image's scale, and the boxes' rows among the sample's
                own; the same each time, because some of what is cut out is kept.
            rng: of all choices.

        Returns:
            None where nothing is pasted.
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

    def _defect(self, number: int, load: Load) -> Patch | None:
        """What a donor gives; None where a crop has cut it off."""
        if number in self._kept:
            return self._kept[number]
        donor, wanted = self.donors[number]
        source, boxes, rows = load(donor)
        there = np.isin(rows, wanted)
        kept, patch = rows[there], None
        if len(kept):
            along = _line_along(donor.boxes_xyxy[kept])
            patch = cut(source, boxes[there], donor.labels[kept], along, self.config.stretch)
        size = 0 if patch is None else patch.pixels.nbytes
        if self._kept_bytes + size <= _MOST_KEPT:
            self._kept[number] = patch
            self._kept_bytes += size
        return patch

    def _decoy(self, number: int, load: Load, rng: np.random.Generator) -> Patch:
        """A patch of a good image where the donor has its defect."""
        donor, rows = self.donors[number]
        source, _, _ = load(self.good[rng.integers(len(self.good))])
        boxes = donor.boxes_xyxy[list(rows)]
        scale = (np.array(source.shape) / donor.size_hw)[[1, 0, 1, 0]]
        patch = cut(source, boxes * scale, empty_labels(), _line_along(boxes), self.config.stretch)
        return replace(patch, boxes_xyxy=empty_boxes())

    def _paste(self, target: Image, patch: Patch, rng: np.random.Generator) -> Pasted | None:
        if self.config.stretch > 1 or self.config.lengthen > 1:
            patch = stretched(patch, self._factors(patch, target.shape, rng))
        return paste(target, patch, _place(patch, target.shape, self.jitter, rng))

    def _factors(self, patch: Patch, target_hw: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """How many times wider and higher a patch becomes."""
        stretch = self.config.stretch ** rng.uniform(-1, 1, 2)
        factors = np.where(patch.along, self.config.lengthen ** rng.random(), stretch)
        sides, there = patch.hull_xyxy[2:] - patch.hull_xyxy[:2], np.array(target_hw[::-1])
        fitting = np.minimum(factors, np.maximum(there - 2 * MOST_MARGIN, 1) / sides)
        return np.where(patch.at_edges.all(axis=0), there / patch.source_wh, fitting)


def _place(patch: Patch, target_hw: tuple[int, ...], jitter: float, rng: np.random.Generator) -> tuple[float, float]:
    """Where the centre of the hull goes: each place within `jitter` that holds the whole of it is as likely."""
    half, there = (patch.hull_xyxy[2:] - patch.hull_xyxy[:2]) / 2, np.array(target_hw[::-1])
    same = (patch.before + patch.source_wh - patch.behind) / 2 / patch.source_wh * there
    least, most = half, np.maximum(there - half, half)
    centre = rng.uniform(np.clip(same - jitter * there, least, most), np.clip(same + jitter * there, least, most))
    at_first, at_last = patch.at_edges
    centre = np.where(at_first, half + patch.before, centre)
    centre = np.where(at_last, there - patch.behind - half, centre)
    return float(centre[0]), float(centre[1])


def _line_along(boxes_xyxy: Boxes) -> NDArray[np.bool_]:
    """(2,) whether the hull of (n, 4) boxes is a line along x, along y: at least three times as long as wide.

    The boxes are in pixels of the image as it was taken: in one squeezed to the input size, a round spot may look like
    a line, and a line like a spot.
    """
    x1, y1, x2, y2 = hull(boxes_xyxy)
    sides = np.array([x2 - x1, y2 - y1])
    along: NDArray[np.bool_] = sides >= _LINE * sides[::-1]
    return along


def _together(sample: Sample) -> list[tuple[int, ...]]:
    """Rows of the boxes that are cut out together: no other box comes near them, so no patch holds half a defect."""
    parts: list[tuple[int, ...]] = [(row,) for row in range(len(sample.boxes_xyxy))]
    while True:
        hulls = np.stack([hull(sample.boxes_xyxy[list(part)]) for part in parts])
        near = iou(hulls + np.array([-1.0, -1.0, 1.0, 1.0]) * MOST_MARGIN, hulls) > 0
        pairs = np.argwhere(np.triu(near, 1))
        if not len(pairs):
            return parts
        one, other = pairs[0].tolist()
        parts[one] += parts.pop(other)
