"""The sizes of the images that a run learned from, and what is said of an image that it sees at quite another scale."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.records import Sample
from data_tools.loading.input_config import InputConfig

KEY = "learned_sizes"
"""In manifests and bundles."""

_FAR = 2.0  # times the scale: four times the pixels, where an image is squeezed whole

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearnedSizes:
    """Height and width of the training images with the fewest and the most pixels."""

    smallest_hw: tuple[int, int]
    largest_hw: tuple[int, int]

    def to_json(self) -> dict[str, Any]:
        """As it stands in a manifest."""
        return {"smallest_hw": list(self.smallest_hw), "largest_hw": list(self.largest_hw)}

    def __str__(self) -> str:
        ends = dict.fromkeys((self.smallest_hw, self.largest_hw))
        return " to ".join(f"{width} x {height}" for height, width in ends)


def sizes_of(samples: Sequence[Sample]) -> LearnedSizes:
    """Of training samples, at least one."""
    sizes = sorted((sample.size_hw for sample in samples), key=lambda size: size[0] * size[1])
    return LearnedSizes(sizes[0], sizes[-1])


def sizes_in(given: Fields) -> LearnedSizes | None:
    """Of a manifest or a bundle's record; None in one of before they were kept.

    Raises:
        InputError: damaged ones.
    """
    if KEY not in given:
        return None
    kept = given.group(KEY)
    return LearnedSizes(_size(kept, "smallest_hw"), _size(kept, "largest_hw"))


def _size(kept: Fields, key: str) -> tuple[int, int]:
    sides = kept.numbers(key, above=0, most_numbers=2)
    kept.require(len(sides) == 2, key, "a height and a width")
    return int(sides[0]), int(sides[1])


class ScaleNotice:
    """Warns once of images that are seen far smaller than those that a run learned from, and once of far larger ones.

    Images of other sizes that are seen at about the same scale, whole or in windows, are as good as those.

    Args:
        learned: None says nothing.
    """

    def __init__(self, learned: LearnedSizes | None = None) -> None:
        self._learned, self._said = learned, set[bool]()

    @property
    def usual_hw(self) -> tuple[int, int] | None:
        """Height and width of which nothing is said: of the smallest training image; None where any will do."""
        return None if self._learned is None else self._learned.smallest_hw

    def look(self, samples: Iterable[Sample], config: InputConfig) -> None:
        """Look at images that are about to be seen as the configuration says."""
        if self._learned is None:
            return
        known = [config.shown_scale(size) for size in (self._learned.largest_hw, self._learned.smallest_hw)]
        for sample in samples:
            try:
                scale = config.shown_scale(sample.size_hw)
            except InputError:  # too small for the crop, which is refused where it is read
                continue
            is_smaller = scale * _FAR < min(known)
            if (is_smaller or scale > _FAR * max(known)) and is_smaller not in self._said:
                self._said.add(is_smaller)
                log.warning("%s", self._text(sample, scale, known, is_smaller))

    def _text(self, sample: Sample, scale: float, known: Sequence[float], is_smaller: bool) -> str:
        height, width = sample.size_hw
        shown = " to ".join(dict.fromkeys(f"{one:.2g}" for one in known))
        risk = "what is as small as the defects it knows may be lost" if is_smaller else "defects look far larger to it"
        return (
            f"WARNING: {sample.path} has {width} x {height} pixels and is seen at {scale:.2g} of its size; the run "
            f"learned from images of {self._learned} pixels, seen at {shown}: {risk}. Give images of about those "
            "sizes, or train with some of this one; others like it are not named"
        )
