"""Images in batches of one size: none is padded then, and what is said of an image does not depend on its company."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches_of_one_size(sizes_hw: Sequence[tuple[int, int]], batch_size: int) -> list[list[int]]:
    """Places of images, dealt to batches of at most `batch_size`; sizes in the order of their first image."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for place, size_hw in enumerate(sizes_hw):
        by_size.setdefault(size_hw, []).append(place)
    return [
        places[start : start + batch_size] for places in by_size.values() for start in range(0, len(places), batch_size)
    ]


def in_order(answers: Iterable[tuple[Sequence[int], Iterable[T]]]) -> list[T]:
    """What was said of the images of each batch, with the images' places: all of it in the order of the places."""
    said = [(place, one) for places, answer in answers for place, one in zip(places, answer, strict=True)]
    return [one for _, one in sorted(said, key=lambda pair: pair[0])]
