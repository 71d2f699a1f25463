"""From settings and data to what is trained: the detector with its anchors, its input and its batches."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from data_tools.core.anchors import STRIDES, describe_anchors, resolve_anchors
from data_tools.core.records import BOXED, GOOD, Dataset, Sample
from data_tools.core.slices import slices_of
from data_tools.loading.batch import Batch
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import Backbone
from data_tools.training.batches import decide_by_layout, training_loader
from data_tools.training.experiment import Experiment
from data_tools.training.progress_bar import Looks
from data_tools.training.references import take_reference
from detect.config import DetectorConfig
from detect.first_weights import take_heads
from detect.model import Detector
from detect.settings import Settings
from detect.to_prediction import ScoreRule, score_rules

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Prepared:
    """What is trained.

    Attributes:
        model: the detector, on ImageNet's or other first weights.
        config: its settings, with everything that was left open decided.
        input: what it sees, likewise.
        loader: of the train split.
        rules: ways to score an image that these training images allow.
        boxes_hw: (k, n, 2) heights and widths of the training boxes, in input pixels: of whole images, then of windows.
    """

    model: Detector
    config: DetectorConfig
    input: InputConfig
    loader: Any
    rules: Sequence[ScoreRule]
    boxes_hw: np.ndarray

    def describe(self) -> str:
        """Anchors and the training boxes they reach, and the looks of a prediction."""
        views = " and ".join(map(str, self.config.prediction.views))
        anchors = describe_anchors(self.config.anchors, STRIDES, self.boxes_hw)
        return f"{anchors}\nprediction looks at each image at {views} times the input size"


def prepare(experiment: Experiment, settings: Settings, backbone: Backbone) -> Prepared:
    """The detector for a dataset, and the batches that teach it."""
    config = settings.model
    rules = score_rules(experiment.dataset.split("train"))
    if "image_head" not in rules:
        log.info("no good images to learn from: the image score comes from the boxes alone")
        config = replace(config, losses=replace(config.losses, image=0.0))
    seen, paste = decide_by_layout(experiment, settings.input, settings.fit, settings.paste)
    reference = take_reference(backbone, experiment, seen, settings.fit)
    boxes_hw = training_boxes(experiment, seen)
    config = replace(config, anchors=resolve_anchors(config.anchors, STRIDES, boxes_hw[0]))
    model = Detector(backbone, config, len(experiment.dataset.categories), _types(experiment, config))
    if backbone.pyramid:
        taken = "is taken too" if model.take_pyramid() else "has another shape and is not taken"
        log.info("the feature pyramid of these weights %s", taken)
    if backbone.heads:
        taken = ", ".join(take_heads(model, backbone.heads)) or "none fits"
        log.info("of the heads of these weights are taken: %s", taken)
    loader = training_loader(experiment, seen, settings.fit, paste, reference)
    return Prepared(model, config, seen, loader, rules, boxes_hw)


def loss_of(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The detector computes its own losses."""
    losses: dict[str, Tensor] = network(batch)
    return losses


def looks_of(data: Dataset, views: Sequence[float], config: InputConfig) -> Looks:
    """Of a validation, which looks once, and of the predictions at the end; a larger view counts by its pixels.

    Where prediction looks once, too, the last validation's detections are taken for those of the end.
    """
    validation, test = (_looks_at(data.split(name), config) for name in ("val", "test"))
    again = 0.0 if tuple(views) == (1.0,) else validation
    return Looks(validation, (again + test) * sum(view**2 for view in views))


def _looks_at(samples: Sequence[Sample], config: InputConfig) -> int:
    """At whole images and at all their slices."""
    looks = 0
    for size_hw, count in Counter(sample.size_hw for sample in samples).items():
        window, overlap = config.preprocess.window(size_hw), config.slices.overlap
        looks += count * (1 + sum(len(slices_of(window, side, overlap)) for side in config.window_sides(size_hw)))
    return looks


def _types(experiment: Experiment, config: DetectorConfig) -> tuple[str, ...]:
    """Names of the training images' types; none if they are not to be told, or say no more than good or defect."""
    if config.losses.type == 0:
        return ()
    types = tuple(sorted({sample.type for sample in experiment.dataset.split("train")}))
    if len(set(types) - {GOOD}) < 2:
        log.info("the training images have no types of defects to tell: model.losses.type has no effect")
        return ()
    log.info("the image head also learns to tell %s", ", ".join(types))
    return types


def training_boxes(experiment: Experiment, config: InputConfig) -> np.ndarray:
    """(k, n, 2) heights and widths of the training boxes in input pixels: of whole images, then of windows of a level.

    An image with fewer levels than another has its last look in their place.
    """
    looks = []
    for sample in experiment.dataset.split("train"):
        if sample.status == BOXED:
            x1, y1, x2, y2 = config.preprocess.window(sample.size_hw)
            whole = np.array(config.target_hw(sample.size_hw)) / np.array((y2 - y1, x2 - x1))
            sides = np.array(config.window_sides(sample.size_hw))
            windows = config.scale * config.slices.seen_px / sides[:, None].repeat(2, axis=1)
            scales = np.concatenate([whole[None], windows])
            looks.append((sample.boxes_xyxy[:, [3, 2]] - sample.boxes_xyxy[:, [1, 0]]) * scales[:, None])
    most = max(map(len, looks), default=1)
    looks = [np.concatenate([one, one[-1:].repeat(most - len(one), axis=0)]) for one in looks]
    return np.concatenate([np.zeros((most, 0, 2)), *looks], axis=1)
