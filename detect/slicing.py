"""Prediction of large images: the squeezed whole and its slices, joined to one set of detections an image."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Sample, unlabelled
from data_tools.core.slices import Joined, Seen, Window, join_slices, joined_score, slices_of
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.loading.pairs import for_both
from detect.detections import Detections, SizedDetections, placed

_MOST = 100  # boxes an image: as many as COCO's AP looks at, or as one look gives where that is set higher
Detect = Callable[[Sequence[Sample], PixelReader, int], list[SizedDetections]]
Look = tuple[Window, Detections, tuple[int, int]]


def join_with_slices(
    samples: Sequence[Sample],
    whole: Sequence[SizedDetections],
    config: InputConfig,
    detect: Detect,
    read: PixelReader,
) -> list[SizedDetections]:
    """Detections of whole images with those of their slices, best first, in the whole look's pixels.

    The image's logit is the highest of all looks: a defect anywhere makes a defect. With `slices.scores` "mean" it is
    the mean of the whole look's and the highest of the slices', as a box's score is.

    Args:
        samples: the images.
        whole: detections of each whole image, with the height and width at which it was seen.
        config: with `slices`.
        detect: detections of windows given as samples, a way to their pixels, and the side of their level.
        read: pixels of a whole image; where it reads templates, so does what reads the windows.
    """
    looks: list[list[Look]] = [
        [(config.preprocess.window(sample.size_hw), raw, size)]
        for sample, (raw, size) in zip(samples, whole, strict=True)
    ]
    sides = [config.window_sides(one.size_hw) for one in samples]
    for side in sorted({side for mine in sides for side in mine}):
        parts = [
            (place, window)
            for place, sample in enumerate(samples)
            if side in sides[place]
            for window in slices_of(config.preprocess.window(sample.size_hw), side, config.slices.overlap)
        ]
        numbered = [_part(number, samples[place], window) for number, (place, window) in enumerate(parts, start=1)]
        reader = for_both(partial(_part_reader, [(samples[place], window) for place, window in parts]), read)
        for (place, window), found in zip(parts, detect(numbered, reader, side), strict=True):
            looks[place].append((window, *found))
    return [(_join(mine, size, config.slices.scores), size) for mine, (_, size) in zip(looks, whole, strict=True)]


def _part(number: int, sample: Sample, window: Window) -> Sample:
    """A slice as an image of its own."""
    x1, y1, x2, y2 = window
    return unlabelled(number, sample.path, (y2 - y1, x2 - x1))


def _part_reader(parts: Sequence[tuple[Sample, Window]], read: PixelReader) -> PixelReader:
    """Reads the slices in their order, each image once."""
    held: dict[int, NDArray[np.uint8]] = {}

    def read_part(part: Sample) -> NDArray[np.uint8]:
        sample, (x1, y1, x2, y2) = parts[part.image_id - 1]
        if sample.image_id not in held:
            held.clear()
            held[sample.image_id] = read(sample)
        return np.ascontiguousarray(held[sample.image_id][y1:y2, x1:x2])

    return read_part


def _join(looks: Sequence[Look], size: tuple[int, int], scores_of: Joined) -> Detections:
    image, first, _ = looks[0]
    most = max(_MOST, *(len(raw.scores) for _, raw, _ in looks))
    boxes, scores, labels = join_slices([_seen(*look) for look in looks], image, most, scores_of)
    logits = [raw.image_logit for _, raw, _ in looks]
    to_input = np.array([size[1] / (image[2] - image[0]), size[0] / (image[3] - image[1])] * 2)
    placed = (boxes - np.array([*image[:2], *image[:2]])) * to_input
    return replace(
        first,
        boxes_xyxy=placed.astype(np.float32),
        scores=scores.astype(np.float32),
        labels=labels,
        image_logit=joined_score(logits[0], max(logits[1:]), scores_of),
    )


def _seen(window: Window, raw: Detections, size: tuple[int, int]) -> Seen:
    """A look's boxes in pixels of the image."""
    return Seen(window, placed(raw.boxes_xyxy, size, window), raw.scores.astype(np.float64), raw.labels)
