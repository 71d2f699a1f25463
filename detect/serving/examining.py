"""Uploads to predictions, by the rules that files are read and predicted by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_tools.core.records import Prediction, Sample, unlabelled
from data_tools.files.gray_levels import DarknessNotice
from data_tools.files.images import read_gray
from data_tools.files.read_ahead import chunks, pixels_or_reason, read_ahead
from data_tools.loading.learned_sizes import ScaleNotice
from data_tools.metrics.operating_threshold import Threshold
from detect.serving.uploads import Upload

Pixels = NDArray[np.uint8]


class Predictor(Protocol):
    """A detector, from a run or from a bundle."""

    @property
    def threshold(self) -> Threshold:
        """From which score on an image is a defect."""
        ...

    @property
    def notice(self) -> ScaleNotice:
        """What is said of images that are seen at quite another scale than the training's."""
        ...

    def predict_samples(self, samples: Sequence[Sample], pixels: Callable[[Sample], Pixels], /) -> list[Prediction]:
        """Predictions of samples, in order; what is said of one does not depend on the others."""
        ...


@dataclass(frozen=True, eq=False)
class Order:
    """An upload to be examined.

    Attributes:
        image_id: that its prediction gets.
        upload: the image file.
        keeps_pixels: whether the result shall hold the pixels, too.
    """

    image_id: int
    upload: Upload
    keeps_pixels: bool = False


@dataclass(frozen=True, eq=False)
class Examined:
    """What became of an upload.

    Attributes:
        prediction: None where it could not be read.
        pixels: (h, w); None where it could not be read, or they were not wanted.
        reason: why it could not be read; "" where it could.
    """

    prediction: Prediction | None
    pixels: Pixels | None
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Decoded:
    order: Order
    sample: Sample | None
    pixels: Pixels | None
    reason: str = ""


def examine(detector: Predictor, orders: Sequence[Order], notice: DarknessNotice | None = None) -> list[Examined]:
    """What a detector finds in uploads, in order; `notice` is shown each that was read."""
    results: list[Examined] = []
    for chunk in chunks(read_ahead(orders, _decode, _held), _held):
        for one in chunk:
            if notice is not None and one.pixels is not None:
                notice.look(one.order.upload.name, one.pixels, one.order.upload.content)
        predictions = _predictions(detector, chunk)
        results += [
            Examined(predictions.get(one.order.image_id), one.pixels if one.order.keeps_pixels else None, one.reason)
            for one in chunk
        ]
    return results


def _predictions(detector: Predictor, chunk: Sequence[_Decoded]) -> dict[int, Prediction]:
    """The predictions by image id."""
    pixels = {one.order.image_id: one.pixels for one in chunk if one.pixels is not None}
    samples = [one.sample for one in chunk if one.sample is not None]
    predictions = detector.predict_samples(samples, lambda sample: pixels[sample.image_id])
    return {sample.image_id: one for sample, one in zip(samples, predictions, strict=True)}


def _decode(order: Order) -> _Decoded:
    pixels, reason = pixels_or_reason(lambda: read_gray(order.upload.content), "image")
    if pixels is None:
        return _Decoded(order, None, None, reason)
    height, width = pixels.shape
    sample = unlabelled(order.image_id, order.upload.name, (height, width))
    return _Decoded(order, sample, pixels)


def _held(one: _Decoded) -> int:
    return 0 if one.pixels is None else one.pixels.size
