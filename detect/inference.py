"""A detector over many images."""

from collections.abc import Sequence
from pathlib import Path

import torch

from data_tools.dataset import Batch, InputConfig
from data_tools.experiment import batches_of, shared_batches
from data_tools.records import Prediction, Sample
from detect.model import Detector, RawDetections
from detect.to_prediction import ScoreRule, to_prediction

BATCH_SIZE = 8


@torch.inference_mode()
def detect(
    model: Detector, samples: Sequence[Sample], root: Path, config: InputConfig, label: str = "detecting"
) -> list[tuple[RawDetections, tuple[int, int]]]:
    """Detections of each sample, in order, with the height and width at which the network saw it."""
    model.eval()
    device = next(model.parameters()).device

    def read(_samples: tuple[Sample, ...], batch: Batch) -> list[tuple[RawDetections, tuple[int, int]]]:
        raws = model.detect(batch.to(device))
        return [(raw.cpu(), size) for raw, size in zip(raws, batch.sizes_hw, strict=True)]

    return shared_batches(samples, root, config, BATCH_SIZE, label, read)


@torch.inference_mode()
def propose(
    model: Detector, samples: Sequence[Sample], root: Path, config: InputConfig, count: int
) -> list[Prediction]:
    """The best region proposals of each sample, in order, as the boxes of a prediction; the best one scores the image.

    They are not detections: they say where to look, and are for judging that alone.
    """
    model.eval()
    device = next(model.parameters()).device
    found: list[Prediction] = []
    for chosen, batch in batches_of(samples, root, config, BATCH_SIZE, "proposing"):
        raws = zip(chosen, model.propose(batch.to(device), count), batch.sizes_hw, strict=True)
        found += [to_prediction(sample, raw, size, "best_box", config.preprocess) for sample, raw, size in raws]
    return found


def predict(
    model: Detector, samples: Sequence[Sample], root: Path, config: InputConfig, rule: ScoreRule
) -> list[Prediction]:
    """A prediction in original pixels for each sample, in order."""
    return to_predictions(samples, detect(model, samples, root, config, "predicting"), config, rule)


def to_predictions(
    samples: Sequence[Sample], found: Sequence[tuple[RawDetections, tuple[int, int]]], config: InputConfig,
    rule: ScoreRule,
) -> list[Prediction]:  # fmt: skip
    """What `detect` found of each sample, in original pixels, in order."""
    pairs = zip(samples, found, strict=True)
    return [to_prediction(sample, raw, size, rule, config.preprocess) for sample, (raw, size) in pairs]
