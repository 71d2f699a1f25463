"""How a trained classifier is read, by torch or by an exported graph, and what becomes of what it says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classify.to_prediction import to_prediction
from data_tools.core.records import Prediction, Sample
from data_tools.loading.input_config import InputConfig

BATCH_SIZE = 16
STRIDES = (32, 16, 8)


@dataclass(frozen=True)
class CamChoice:
    """A method of `classify.cam` on the layer of a stride."""

    method: str
    stride: int

    def __str__(self) -> str:
        return f"{self.method} at stride {self.stride}"


@dataclass(frozen=True)
class Reading:
    """How a trained classifier is read.

    Attributes:
        cam: its class-activation map.
        temperature: that logits are divided by.
    """

    cam: CamChoice
    temperature: float = 1.0

    def with_method(self, method: str) -> "Reading":
        """The same with another method of class-activation map on the same layer."""
        return replace(self, cam=replace(self.cam, method=method))


@dataclass(frozen=True, eq=False)
class RawReading:
    """What the network says of an image.

    Attributes:
        logit: for a defect, not calibrated.
        cam: (rows, columns) class-activation map over the padded input.
        seen_hw, padded_hw: height and width of the image in the input before padding, and of the whole input.
    """

    logit: float
    cam: NDArray[np.float32]
    seen_hw: tuple[int, int]
    padded_hw: tuple[int, int]


def to_predictions(
    samples: Sequence[Sample], raw_readings: Sequence[RawReading], config: InputConfig, temperature: float
) -> list[Prediction]:
    """What `read` found of each sample, calibrated and in original pixels, in order."""
    return [
        to_prediction(sample, raw.logit / temperature, raw.cam, raw.seen_hw, raw.padded_hw, config.preprocess)
        for sample, raw in zip(samples, raw_readings, strict=True)
    ]
