"""A classifier over many images, with class-activation maps."""

from collections.abc import Sequence
from pathlib import Path

import torch

from classify.cam import cam_maps
from classify.cam_choice import CamChoice
from classify.models import Classifier
from classify.to_prediction import to_prediction
from data_tools.dataset import InputConfig
from data_tools.experiment import batches_of
from data_tools.records import Prediction, Sample

BATCH_SIZE = 16


@torch.inference_mode()
def logits_of(model: Classifier, samples: Sequence[Sample], root: Path, config: InputConfig) -> list[float]:
    """The defect logit of each sample, in order, without maps."""
    model.eval()
    device = next(model.parameters()).device
    found: list[float] = []
    for _, batch in batches_of(samples, root, config, BATCH_SIZE, "validating"):
        found += model(batch.images.to(device))[:, 0].tolist()
    return found


def predict(
    model: Classifier, samples: Sequence[Sample], root: Path, config: InputConfig, cam: CamChoice
) -> list[Prediction]:
    """A prediction with heat map and peak for each sample, in order."""
    device = next(model.parameters()).device
    layer = model.layer_of(cam.stride)
    predictions: list[Prediction] = []
    for chosen, batch in batches_of(samples, root, config, BATCH_SIZE, "predicting"):
        padded = (int(batch.images.shape[2]), int(batch.images.shape[3]))
        logits, maps = cam_maps(model, layer, batch.images.to(device), cam.method)
        rows = zip(chosen, logits[:, 0].tolist(), maps, batch.sizes_hw, strict=True)
        predictions += [to_prediction(sample, logit, one, seen, padded) for sample, logit, one, seen in rows]
    return predictions
