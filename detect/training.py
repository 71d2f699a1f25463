"""The training of a detector on boxes."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from torch import nn

from data_tools.core.anchors import STRIDES, describe_anchors, resolve_anchors
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, Dataset, Sample
from data_tools.files.runs import Run, read_run
from data_tools.loading.input_config import InputConfig
from data_tools.metrics.bootstrap import Clusters, Statistic, auc_of
from data_tools.metrics.box_ap_resampling import box_ap50_of
from data_tools.networks.backbones import build_backbone
from data_tools.training import processes
from data_tools.training.batches import decide_by_layout, training_loader
from data_tools.training.experiment import Experiment, finish, open_experiment, save_predictions
from data_tools.training.fit import fit, seed_everything
from data_tools.training.selection import localization_scores, standard_error
from data_tools.training.start_report import describe_start
from detect.config import DetectorConfig
from detect.inference import detect, detect_in_views, predict, to_predictions
from detect.model import Detector
from detect.settings import Settings
from detect.to_prediction import ScoreRule, choose_rule, score_rules

log = logging.getLogger(__name__)

MONITOR = "selection"


def train(
    data: Dataset | Path | str, settings: Settings | None = None, run: Path | str | None = None, resume: bool = False
) -> Run:
    """Train a detector, write the predictions of the best checkpoint, and finish the run folder.

    Args:
        data: a dataset that was read from a folder, or that folder; it needs splits.
        settings: None takes the defaults.
        run: run folder to fill; None makes runs/detect-<time>.
        resume: go on with the run in `run` after its last checkpoint, with the same settings.

    Raises:
        InputError: unusable data, weights or settings, or a run folder that is in use.
        FloatingPointError: a loss was not finite; the checkpoint before it stays.
    """
    settings = settings or Settings()
    model_config, input_config, fit_config = settings.model, settings.input, settings.fit
    # weights first: what is wrong with them shall leave no run folder behind
    seed_everything(fit_config.seed)
    backbone = build_backbone(model_config.backbone, model_config.weights)
    folder = None if run is None else Path(run)
    experiment = open_experiment("detect", data, folder, settings, fit_config, require_boxes, resume)
    rules = score_rules(experiment.dataset.split("train"))
    if "image_head" not in rules:
        log.info("no good images to learn from: the image score comes from the boxes alone")
        model_config = replace(model_config, losses=replace(model_config.losses, image=0.0))
    input_config, paste_config = decide_by_layout(experiment, input_config, settings.paste)
    boxes_hw = _training_boxes(experiment, input_config)
    anchors = resolve_anchors(model_config.anchors, STRIDES, boxes_hw)
    model_config = replace(model_config, anchors=anchors)
    types = _types(experiment, model_config)
    model = Detector(backbone, model_config, len(experiment.dataset.categories), types)
    log.info(describe_start(experiment, model.parts(), backbone.weights, input_config))
    if backbone.pyramid:
        taken = "is taken too" if model.take_pyramid() else "has another shape and is not taken"
        log.info("the feature pyramid of these weights %s", taken)
    log.info(describe_anchors(anchors, STRIDES, boxes_hw))
    log.info(
        "prediction looks at each image at %s times the input size",
        " and ".join(map(str, model_config.prediction.views)),
    )
    loader = training_loader(experiment, input_config, fit_config, paste_config)
    validation = _Validation(experiment, input_config, rules)
    result = fit(
        model,
        loader,
        lambda network, batch: network(batch),
        validation,
        MONITOR,
        fit_config,
        experiment.folder,
        resume,
    )
    samples = experiment.dataset.split("val")
    detections = detect_in_views(model, samples, experiment.root, input_config, "choosing the score")
    rule = choose_rule(samples, [raw for raw, _ in detections], rules)
    log.info("image score: %s (%s)", rule, "chosen on validation" if len(rules) > 1 else "the only one")
    config = {"model": asdict(model_config), "input": asdict(input_config), "score_rule": rule}
    save_predictions(experiment, config, "val", to_predictions(samples, detections, input_config, rule))
    test = experiment.dataset.split("test")
    save_predictions(experiment, config, "test", predict(model, test, experiment.root, input_config, rule))
    made = {"score_rule": rule, "num_classes": len(experiment.dataset.categories), "anchors": asdict(anchors)}
    finish(experiment, result, made | {"types": types, "weights": asdict(backbone.weights)})
    return processes.on_main(lambda: read_run(experiment.folder))


class _Validation:
    """Scores of a model on the validation split.

    `selection`, the mean of AUC and AP50 or of what is defined of them, and its standard error over groups pick the
    checkpoint.
    """

    def __init__(self, experiment: Experiment, config: InputConfig, rules: Sequence[ScoreRule]) -> None:
        self.experiment, self.config, self.rules = experiment, config, rules
        self.samples: tuple[Sample, ...] = experiment.dataset.split("val")
        self.clusters = Clusters.of([sample.group for sample in self.samples])

    def __call__(self, model: nn.Module) -> dict[str, float | None]:
        assert isinstance(model, Detector)
        detections = detect(model, self.samples, self.experiment.root, self.config, "validating")
        rule = choose_rule(self.samples, [raw for raw, _ in detections], self.rules)
        predictions = to_predictions(self.samples, detections, self.config, rule)
        classes = len(self.experiment.dataset.categories)
        scores = localization_scores(self.samples, predictions, classes)
        known = [value for value in (scores["auc"], scores["ap50"]) if value is not None]
        statistics: list[Statistic | None] = [box_ap50_of(self.samples, predictions, classes, self.clusters)]
        if scores["auc"] is not None:
            positive = [sample.is_defect for sample in self.samples]
            statistics.append(auc_of([prediction.score for prediction in predictions], positive, self.clusters))
        error = standard_error([one for one in statistics if one is not None], self.clusters)
        return scores | {MONITOR: float(np.mean(known)) if known else None, f"{MONITOR}_error": error}


def require_boxes(dataset: Dataset) -> None:
    """Refuse a dataset that a detector cannot learn from, or whose validation cannot pick a checkpoint.

    Boxes alone are enough; good images are not needed.

    Raises:
        InputError: what is missing.
    """
    if not any(sample.status == BOXED for sample in dataset.split("train")):
        raise InputError(
            f"{dataset.folder}: the train split has no image with a box, which a detector learns from; classify.train "
            "learns from labels alone"
        )
    val = dataset.split("val")
    if not any(sample.status == BOXED for sample in val) and len({sample.is_defect for sample in val}) < 2:
        raise InputError(
            f"{dataset.folder}: the val split needs images with boxes, or good and defect images, to choose a "
            "checkpoint and thresholds by"
        )


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


def _training_boxes(experiment: Experiment, config: InputConfig) -> np.ndarray:
    """(n, 2) heights and widths of the training boxes in input pixels."""
    rows = [np.zeros((0, 2))]
    for sample in experiment.dataset.split("train"):
        if sample.status == BOXED:
            x1, y1, x2, y2 = config.preprocess.window(sample.size_hw)
            scale = np.array(config.target_hw(sample.size_hw)) / np.array((y2 - y1, x2 - x1))
            rows.append((sample.boxes_xyxy[:, [3, 2]] - sample.boxes_xyxy[:, [1, 0]]) * scale)
    return np.concatenate(rows)
