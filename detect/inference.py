"""A detector over many images."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from data_tools.core.records import Prediction, Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.training.batches import shared_batches
from detect.detections import SizedDetections
from detect.looking import BATCH_SIZE, look_everywhere, to_predictions
from detect.model import Detector
from detect.to_prediction import ScoreRule, to_prediction


@torch.inference_mode()
def detect(
    model: Detector,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    label: str = "detecting",
) -> list[SizedDetections]:
    """Detections of each sample, in order, with the height and width at which the network saw it."""
    model.eval()

    def read(_samples: tuple[Sample, ...], batch: Batch) -> list[SizedDetections]:
        raws = model.detect(batch)
        return [(raw.as_arrays(), size) for raw, size in zip(raws, batch.sizes_hw, strict=True)]

    return shared_batches(model.backbone, samples, pixels, config, BATCH_SIZE, label, read)


def detect_everywhere(
    model: Detector,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    label: str,
    in_views: bool = True,
) -> list[SizedDetections]:
    """Detections of each sample as a prediction sees it: the whole, and its slices where the input has them.

    Args:
        model, samples, pixels, config, label: as for `detect`.
        in_views: False looks once, not in each of the model's views.
    """
    views = model.config.prediction.views if in_views else (1.0,)
    return look_everywhere(partial(detect, model), views, samples, pixels, config, label)


@torch.inference_mode()
def propose(
    model: Detector, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig, count: int
) -> list[Prediction]:
    """The best region proposals of each sample, in order, as the boxes of a prediction; the best one scores the image.

    They are not detections: they say where to look, and are for judging that alone.
    """
    model.eval()

    def read(chosen: tuple[Sample, ...], batch: Batch) -> list[Prediction]:
        raws = zip(chosen, model.propose(batch, count), batch.sizes_hw, strict=True)
        return [
            to_prediction(sample, raw.as_arrays(), size, "best_box", config.preprocess) for sample, raw, size in raws
        ]

    return shared_batches(model.backbone, samples, pixels, config, BATCH_SIZE, "", read)


def predict(
    model: Detector,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    rule: ScoreRule,
    label: str = "predicting",
) -> list[Prediction]:
    """A prediction in original pixels for each sample, in order; with the label "" without a progress bar."""
    return to_predictions(samples, detect_everywhere(model, samples, pixels, config, label), config, rule)
