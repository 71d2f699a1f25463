"""Uploads to predictions, by the rules that files are read and predicted by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_tools.core.errors import InputError
from data_tools.core.records import GOOD, Prediction, Sample, empty_boxes, empty_labels
from data_tools.files.images import decode_gray
from data_tools.files.read_ahead import chunks, read_ahead
from data_tools.metrics.operating_threshold import Threshold
from detect.serving.uploads import Upload

Pixels = NDArray[np.uint8]


class Predictor(Protocol):
    """A detector, from a run or from a bundle."""

    @property
    def threshold(self) -> Threshold:
        """From which score on an image is a defect."""
        ...

    def predict_samples(self, samples: Sequence[Sample], pixels: Callable[[Sample], Pixels], /) -> list[Prediction]:
        """Predictions of samples, in order."""
        ...


@dataclass(frozen=True, eq=False)
class Examined:
    """What became of an upload.

    Attributes:
        prediction: None where it could not be read.
        pixels: (h, w); None where it could not be read.
        reason: why it could not be read; "" where it could.
    """

    prediction: Prediction | None
    pixels: Pixels | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Decoded:
    sample: Sample | None
    pixels: Pixels | None
    reason: str = ""


def examine(detector: Predictor, uploads: Sequence[tuple[int, Upload]]) -> list[Examined]:
    """What a detector finds in uploads, each with its image id, in order.

    Images of one size go through the network together and others do not: they would be padded, and an image's answer
    would depend on what others have sent.
    """
    results: list[Examined] = []
    for chunk in chunks(read_ahead(uploads, _decode, _held), _held):
        found = dict(_found(detector, [one for one in chunk if one.sample is not None]))
        results += [
            Examined(found[one.sample.image_id] if one.sample is not None else None, one.pixels, one.reason)
            for one in chunk
        ]
    return results


def _found(detector: Predictor, decoded: Sequence[_Decoded]) -> list[tuple[int, Prediction]]:
    pixels = {one.sample.image_id: one.pixels for one in decoded if one.sample is not None and one.pixels is not None}
    by_size: dict[tuple[int, int], list[Sample]] = {}
    for one in decoded:
        if one.sample is not None:
            by_size.setdefault(one.sample.size_hw, []).append(one.sample)
    found: list[tuple[int, Prediction]] = []
    for samples in by_size.values():
        predictions = detector.predict_samples(samples, lambda sample: pixels[sample.image_id])
        found += [(sample.image_id, one) for sample, one in zip(samples, predictions, strict=True)]
    return found


def _decode(numbered: tuple[int, Upload]) -> _Decoded:
    image_id, upload = numbered
    try:
        pixels = decode_gray(upload.content, "image")
    except InputError as error:
        return _Decoded(None, None, str(error).removeprefix("image: "))
    except MemoryError:
        return _Decoded(None, None, "too large for the memory that is left")
    height, width = pixels.shape
    sample = Sample(image_id, upload.name, (height, width), empty_boxes(), empty_labels(), GOOD, "none")
    return _Decoded(sample, pixels)


def _held(one: _Decoded) -> int:
    return 0 if one.pixels is None else one.pixels.size
