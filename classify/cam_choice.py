"""Which layer and method of class-activation map a run uses, given or chosen on the boxes of validation."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classify.cam import gather_evidence
from classify.models import Classifier
from classify.reading import STRIDES, CamChoice
from classify.to_prediction import to_prediction
from data_tools.core.geometry import diagonal
from data_tools.core.records import BOXED, Sample
from data_tools.loading.batch import Batch
from data_tools.loading.image_inputs import PixelReader
from data_tools.loading.input_config import InputConfig
from data_tools.metrics.peak_distance import Point, peak_distances
from data_tools.networks.cam_methods import METHODS
from data_tools.training.batches import shared_batches

log = logging.getLogger(__name__)

AUTO = "auto"
_BATCH_SIZE = 16


def choose_cam(
    model: Classifier, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig
) -> CamChoice | None:
    """The method and stride whose peaks lie nearest to the boxes of (validation) samples; None without a boxed one.

    Every gradient method and Eigen-CAM is tried on the backbone's maps of strides 8, 16 and 32, all methods on one
    forward and backward pass a layer. Their mean distances are compared, an abstention counting as the image's
    diagonal; of equals the first wins: Grad-CAM before others, stride 32 before 16. Score-CAM and Ablation-CAM are left
    out because of their cost. The run has then used validation's boxes, and says so.
    """
    boxed = [sample for sample in samples if sample.status == BOXED]
    if not boxed:
        return None
    distances = {
        CamChoice(method, stride): _mean_distance(boxed, peaks)
        for stride in STRIDES
        if stride in model.backbone.strides
        for method, peaks in _peaks(model, boxed, pixels, config, stride).items()
    }
    best = min(distances, key=lambda choice: distances[choice])
    for choice, distance in distances.items():
        log.info("  %-24s %7.2f px%s", choice, distance, "  <- chosen" if choice == best else "")
    return best


def _peaks(
    model: Classifier, samples: Sequence[Sample], pixels: Path | PixelReader, config: InputConfig, stride: int
) -> dict[str, list[Point | None]]:
    """The peaks of each method on the layer of one stride."""
    layer = model.backbone.layer_of(stride)

    def read(chosen: tuple[Sample, ...], batch: Batch) -> list[tuple[Point | None, ...]]:
        padded = (int(batch.images.shape[2]), int(batch.images.shape[3]))
        evidence = gather_evidence(model, layer, batch.images)
        peaks = []
        for method in METHODS:
            rows = zip(chosen, evidence.maps(method), batch.sizes_hw, strict=True)
            predictions = (to_prediction(s, 0.0, cam, seen, padded, config.preprocess) for s, cam, seen in rows)
            peaks.append([prediction.peak_xy for prediction in predictions])
        return list(zip(*peaks, strict=True))

    label = f"maps of stride {stride}"
    peaks_by_sample = shared_batches(model.backbone, samples, pixels, config, _BATCH_SIZE, label, read)
    return {method: [peaks[i] for peaks in peaks_by_sample] for i, method in enumerate(METHODS)}


def _mean_distance(samples: Sequence[Sample], peaks: Sequence[Point | None]) -> float:
    farthest = np.array([diagonal(sample.size_hw) for sample in samples])
    return float(np.minimum(peak_distances(samples, peaks).to_box, farthest).mean())
