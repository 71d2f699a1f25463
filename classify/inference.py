"""A classifier over many images, with class-activation maps."""

from collections.abc import Sequence
from pathlib import Path

import torch

from classify.cam import cam_maps
from classify.models import Classifier
from classify.reading import BATCH_SIZE, CamChoice, RawReading, Reading, to_predictions
from data_tools.core.records import Prediction, Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.training.batches import shared_batches


@torch.inference_mode()
def logits_of(
    model: Classifier,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
) -> list[float]:
    """The defect logit of each sample, in order, without maps."""
    model.eval()

    def logits_of_batch(_samples: tuple[Sample, ...], batch: Batch) -> list[float]:
        logits: list[float] = model(batch.images)[:, 0].tolist()
        return logits

    return shared_batches(model.backbone, samples, pixels, config, BATCH_SIZE, "validating", logits_of_batch)


def read(
    model: Classifier,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    cam: CamChoice,
    label: str = "predicting",
) -> list[RawReading]:
    """Logit and map of each sample, in order."""

    def readings_of_batch(_samples: tuple[Sample, ...], batch: Batch) -> list[RawReading]:
        padded = (int(batch.images.shape[2]), int(batch.images.shape[3]))
        logits, maps = cam_maps(model, model.backbone.layer_of(cam.stride), batch.images, cam.method)
        rows = zip(logits[:, 0].tolist(), maps, batch.sizes_hw, strict=True)
        return [RawReading(logit, one, seen, padded) for logit, one, seen in rows]

    return shared_batches(model.backbone, samples, pixels, config, BATCH_SIZE, label, readings_of_batch)


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
