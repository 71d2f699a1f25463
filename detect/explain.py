"""Class-activation maps of the detector: what the score of its best box owes to a map of the backbone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data_tools.core.anchors import STRIDES
from data_tools.core.errors import InputError
from data_tools.core.heatmaps import cells_seen, place_in_image
from data_tools.core.records import Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.networks.cam import activations_and_gradients
from data_tools.networks.cam_methods import METHODS
from data_tools.training.batches import shared_batches
from detect.model import Detector

_BATCH_SIZE = 4
_MAPS = 4  # of the backbone: the levels above are made of its last


def require_cam(method: str | None, stride: int) -> None:
    """Refuse a method or a stride that there are no heat maps of; None asks for none.

    Raises:
        InputError: see above.
    """
    if method is not None and method not in METHODS:
        raise InputError(f"cam {method!r}: not of {', '.join(METHODS)}")
    if method is not None and stride not in STRIDES[:_MAPS]:
        raise InputError(f"cam_stride {stride!r}: not of {', '.join(map(str, STRIDES[:_MAPS]))}")


def explain(
    model: Detector,
    samples: Sequence[Sample],
    pixels: Path | PixelReader,
    config: InputConfig,
    method: str,
    stride: int,
) -> list[NDArray[np.float32]]:
    """A heat map of each sample's best box, in order, on the backbone's grid over the original image.

    The best box is that of a look at the input size, also where the model predicts from several `views`.
    Zero everywhere for an image without any box. The model is left as it was found.

    Args:
        model: the detector.
        samples, pixels, config: the images, their folder, and how the model wants them.
        method: a key of `data_tools.networks.cam_methods.METHODS`.
        stride: of the backbone's map to explain by.
    """

    def read(chosen: tuple[Sample, ...], batch: Batch) -> list[NDArray[np.float32]]:
        maps = best_box_maps(model, batch, method, stride).cpu().numpy()
        # the detector pads its input to whole cells
        padded = (maps.shape[1] * stride, maps.shape[2] * stride)
        placed = []
        for sample, one, seen in zip(chosen, maps, batch.sizes_hw, strict=True):
            window = config.preprocess.window(sample.size_hw)
            visible, covered = cells_seen(one, seen, padded, window)
            placed.append(place_in_image(visible, window, sample.size_hw, covered))
        return placed

    return shared_batches(model.backbone, samples, pixels, config, _BATCH_SIZE, "", read)


def best_box_maps(model: Detector, batch: Batch, method: str, stride: int) -> Tensor:
    """(n, rows, columns) maps of the padded batch, nowhere negative and not normalised."""
    layer = model.backbone.layer_of(stride)

    def best_scores() -> Tensor:
        images = batch.images.clone()  # a copy of its own, whatever mode made the batch
        raws = model.detect(replace(batch, images=images))
        return torch.stack([raw.scores.max() if len(raw.scores) else images.new_zeros(()) for raw in raws])

    _, activations, gradients = activations_and_gradients(model, layer, best_scores)
    with torch.no_grad():
        return METHODS[method](activations, gradients)
