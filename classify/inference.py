"""A classifier over many images, with class-activation maps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from classify.cam import cam_maps
from classify.cam_choice import CamChoice
from classify.models import Classifier
from classify.to_prediction import to_prediction
from data_tools.core.records import Prediction, Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.training.batches import shared_batches
from data_tools.training.references import reference_of

BATCH_SIZE = 16


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


@torch.inference_mode()
def logits_of(
    model: Classifier,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
) -> list[float]:
    """The defect logit of each sample, in order, without maps."""
    model.eval()
    device = next(model.parameters()).device

    def logits_of_batch(_samples: tuple[Sample, ...], batch: Batch) -> list[float]:
        logits: list[float] = model(batch.images.to(device))[:, 0].tolist()
        return logits

    reference = reference_of(model.backbone)
    return shared_batches(samples, pixels, config, BATCH_SIZE, "validating", logits_of_batch, reference)


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


def read(
    model: Classifier,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    cam: CamChoice,
    label: str = "predicting",
) -> list[RawReading]:
    """Logit and map of each sample, in order."""
    device = next(model.parameters()).device

    def readings_of_batch(_samples: tuple[Sample, ...], batch: Batch) -> list[RawReading]:
        padded = (int(batch.images.shape[2]), int(batch.images.shape[3]))
        logits, maps = cam_maps(model, model.layer_of(cam.stride), batch.images.to(device), cam.method)
        rows = zip(logits[:, 0].tolist(), maps, batch.sizes_hw, strict=True)
        return [RawReading(logit, one, seen, padded) for logit, one, seen in rows]

    return shared_batches(samples, pixels, config, BATCH_SIZE, label, readings_of_batch, reference_of(model.backbone))


def to_predictions(
    samples: Sequence[Sample], raw_readings: Sequence[RawReading], config: InputConfig, temperature: float
) -> list[Prediction]:
    """What `read` found of each sample, calibrated and in original pixels, in order."""
    return [
        to_prediction(sample, raw.logit / temperature, raw.cam, raw.seen_hw, raw.padded_hw, config.preprocess)
        for sample, raw in zip(samples, raw_readings, strict=True)
    ]


def predict(
    model: Classifier,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    reading: Reading,
    label: str = "predicting",
) -> list[Prediction]:
    """A prediction with heat map and peak for each sample, in order; with the label "" without a progress bar."""
    raw_readings = read(model, samples, pixels, config, reading.cam, label)
    return to_predictions(samples, raw_readings, config, reading.temperature)
