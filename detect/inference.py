"""A detector over many images."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from data_tools.core.records import Prediction, Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader, folder_reader
from data_tools.loading.input_config import InputConfig
from data_tools.training.batches import batches_of, shared_batches
from detect.model import Detector
from detect.slicing import join_with_slices
from detect.to_prediction import ScoreRule, to_prediction
from detect.views import SizedDetections, agree

BATCH_SIZE = 8


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
    device = next(model.parameters()).device

    def read(_samples: tuple[Sample, ...], batch: Batch) -> list[SizedDetections]:
        raws = model.detect(batch.to(device))
        return [(raw.cpu(), size) for raw, size in zip(raws, batch.sizes_hw, strict=True)]

    return shared_batches(samples, pixels, config, BATCH_SIZE, label, read)


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
    look = detect_in_views if in_views else detect
    whole = look(model, samples, pixels, config, label)
    if config.slices.side_px is None:
        return whole

    def look_at_slices(parts: Sequence[Sample], read: PixelReader) -> list[SizedDetections]:
        return look(model, parts, read, config.of_windows(), label and f"{label}, slices")

    read = folder_reader(pixels) if isinstance(pixels, Path) else pixels
    return join_with_slices(samples, whole, config, look_at_slices, read)


def detect_in_views(
    model: Detector, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig, label: str
) -> list[SizedDetections]:
    """Detections of whole images, from a look at each of the model's `views`, see `detect.views.agree`."""
    scaled = [replace(config, scale=config.scale * view) for view in model.config.prediction.views]
    looks = [detect(model, samples, pixels, one, label) for one in scaled]
    return [agree(of_sample) for of_sample in zip(*looks, strict=True)]


@torch.inference_mode()
def propose(
    model: Detector, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig, count: int
) -> list[Prediction]:
    """The best region proposals of each sample, in order, as the boxes of a prediction; the best one scores the image.

    They are not detections: they say where to look, and are for judging that alone.
    """
    model.eval()
    device = next(model.parameters()).device
    predictions: list[Prediction] = []
    for chosen, batch in batches_of(samples, pixels, config, BATCH_SIZE, ""):
        raws = zip(chosen, model.propose(batch.to(device), count), batch.sizes_hw, strict=True)
        predictions += [to_prediction(sample, raw, size, "best_box", config.preprocess) for sample, raw, size in raws]
    return predictions


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


def to_predictions(
    samples: Sequence[Sample], detections: Sequence[SizedDetections], config: InputConfig, rule: ScoreRule
) -> list[Prediction]:
    """What `detect` found of each sample, in original pixels, in order."""
    pairs = zip(samples, detections, strict=True)
    return [to_prediction(sample, raw, size, rule, config.preprocess) for sample, (raw, size) in pairs]
