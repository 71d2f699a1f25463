"""The training of a classifier on labels alone: good or defect."""

import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from classify.calibration import fit_temperature
from classify.cam_choice import AUTO, choose_cam
from classify.inference import logits_of, predict, read
from classify.learnable import require_both_labels
from classify.losses import ClassifierLoss
from classify.models import Classifier
from classify.reading import CamChoice, Reading, to_predictions
from classify.recipe import plan
from classify.settings import Settings
from data_tools.commands.planned import training_settings
from data_tools.core.records import Dataset, Prediction
from data_tools.files.runs import Run, read_run
from data_tools.judging.map_boxes import choose_fraction, with_boxes
from data_tools.loading.input_config import InputConfig
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.bootstrap import Clusters, auc_of
from data_tools.metrics.operating_threshold import KEY as THRESHOLD
from data_tools.metrics.operating_threshold import choose_threshold
from data_tools.networks.backbones import Backbone, build_backbone
from data_tools.training import processes
from data_tools.training.batches import decide_by_layout, training_loader
from data_tools.training.experiment import Experiment, begin, finish, open_experiment, opened, save_predictions, timed
from data_tools.training.fit import fit, seed_everything
from data_tools.training.progress_bar import Looks
from data_tools.training.recipe import Plan
from data_tools.training.references import REFERENCE, shape_of, take_reference, templates_folder, with_templates
from data_tools.training.selection import standard_error
from data_tools.training.start_report import describe_start

log = logging.getLogger(__name__)

MONITOR = "selection"


def train(
    data: Dataset | Path | str,
    settings: Settings | None = None,
    run: Path | str | None = None,
    resume: bool = False,
    reference: Path | str | None = None,
    decided: Plan | None = None,
) -> Run:
    """Train a classifier, write the predictions of the best checkpoint, and finish the run folder.

    Args:
        data: a dataset that was read from a folder, or that folder; it needs splits.
        settings: None lets the data decide, see `classify.plan`, or takes a resumed run's own.
        run: run folder to fill; None makes runs/classify-<time>.
        resume: go on with the run in `run` after its last checkpoint, with the same settings.
        reference: folder with a template for each image, see `data_tools.files.templates`; None for none, or for a
            resumed run's own.
        decided: what the settings come from, whose reasons are noted with them.

    Raises:
        InputError: unusable data, templates, weights or settings, other settings than a resumed run's, or a run folder
            that is in use.
        FloatingPointError: a loss was not finite; the checkpoint before it stays.
    """
    dataset = opened(data)
    given, by_plan = with_templates(settings, reference), partial(plan, dataset, reference=reference)
    used = training_settings(Settings, "classify", given, decided, run, resume, by_plan)
    settings, decided = used
    templates = templates_folder(settings.input, reference, run, resume)
    seed_everything(settings.fit.seed)
    backbone = build_backbone(settings.model.backbone, settings.model.weights)
    model = Classifier(backbone, settings.model)
    loss = ClassifierLoss(model, settings.loss)
    place = None if run is None else Path(run)
    with open_experiment(
        "classify", dataset, place, settings.fit, require_both_labels, resume, templates
    ) as experiment:
        return _train(experiment, settings, model, loss, resume, decided)


def _train(
    experiment: Experiment,
    settings: Settings,
    model: Classifier,
    loss: ClassifierLoss,
    resume: bool,
    decided: Plan | None,
) -> Run:
    input_config, loader = prepare(experiment, settings, model.backbone)
    log.info(describe_start(experiment, model.parts(), model.backbone.weights, input_config))
    validate = _Validation(experiment, input_config)
    begin(experiment, settings, decided)
    looks = looks_of(experiment.dataset)
    result = fit(model, loader, loss, validate, MONITOR, settings.fit, experiment.folder, resume, looks)
    reading, choices, validation = _choose(model, experiment, settings)
    with timed(experiment, "test"):
        test = predict(model, experiment.dataset.split("test"), experiment.pixels, input_config, reading)
    config = {"model": asdict(settings.model), "input": asdict(input_config), "loss": asdict(settings.loss)}
    for split, predictions in (("val", validation), ("test", test)):
        boxed = [with_boxes(prediction, choices["box_fraction"]) for prediction in predictions]
        save_predictions(experiment, config | choices, split, boxed)
    positive = [sample.is_defect for sample in experiment.dataset.split("val")]
    threshold = choose_threshold([one.score for one in validation], positive)
    extra = {"weights": asdict(model.backbone.weights), REFERENCE: shape_of(model.backbone)}
    extra |= {THRESHOLD: threshold.to_json()}
    finish(experiment, result, extra | choices)
    return processes.on_main(lambda: read_run(experiment.folder))


def prepare(experiment: Experiment, settings: Settings, backbone: Backbone) -> tuple[InputConfig, Any]:
    """What the network sees, with everything that was left open decided, and the batches that teach it."""
    seen, _ = decide_by_layout(experiment, settings.input, settings.fit)
    reference = take_reference(backbone, experiment, seen, settings.fit)
    return seen, training_loader(experiment, seen, settings.fit, reference=reference)


def looks_of(data: Dataset) -> Looks:
    """One at each image of validation, and at the end at each of validation and test."""
    validation = len(data.split("val"))
    return Looks(validation, validation + len(data.split("test")))


def _choose(
    model: Classifier, experiment: Experiment, settings: Settings
) -> tuple[Reading, dict[str, Any], list[Prediction]]:
    """How to read the trained model, what the run's files say about it, and the predictions of validation behind it."""
    samples, used_for = experiment.dataset.split("val"), []
    if settings.loss.cam_weight:
        used_for.append("supervision of the class-activation map (train)")
    if settings.input.augment.zoom and settings.input.augment.zoom_share:
        used_for.append("windows that show a defect (train)")
    cam = CamChoice(settings.cam, model.config.cam_stride)
    if settings.cam == AUTO:
        log.info("choosing the class-activation map by mean peak distance on validation:")
        best_cam = choose_cam(model, samples, experiment.pixels, settings.input)
        cam = best_cam or replace(cam, method="gradcam")
        if best_cam is None:
            log.info("  validation has no boxes to choose by: %s", cam)
        else:
            used_for.append("choice of the class-activation map (validation)")
    raw = read(model, samples, experiment.pixels, settings.input, cam, "choosing the cut")
    temperature = fit_temperature([one.logit for one in raw], [sample.is_defect for sample in samples])
    reading = Reading(cam, temperature)
    predictions = to_predictions(samples, raw, settings.input, temperature)
    fraction = choose_fraction(samples, predictions)
    if fraction is not None:
        used_for.append("cutting boxes out of the maps (validation)")
    cut = "not at all" if fraction is None else f"at {fraction} of the maximum"
    log.info("temperature %.2f; boxes cut out of the maps %s (chosen on validation)", temperature, cut)
    choices = {
        "cam": cam.method,
        "cam_stride": cam.stride,
        "temperature": temperature,
        "box_fraction": fraction,
        "boxes_used_for": used_for,
    }
    return reading, choices, predictions


class _Validation:
    """Scores of a model on the validation split.

    `selection` and the AUC's standard error over groups pick the checkpoint. It is the AUC, and among equal AUCs the
    lower cross-entropy, which still tells epochs apart once the AUC has reached 1.
    """

    def __init__(self, experiment: Experiment, config: InputConfig) -> None:
        self.experiment, self.config = experiment, config
        self.samples = experiment.dataset.split("val")
        self.clusters = Clusters.of([sample.group for sample in self.samples])

    def __call__(self, model: nn.Module) -> dict[str, float | None]:
        assert isinstance(model, Classifier)
        logits = logits_of(model, self.samples, self.experiment.pixels, self.config)
        positive = [sample.is_defect for sample in self.samples]
        auc = roc_auc(logits, positive)
        cross_entropy = float(np.mean(np.logaddexp(0.0, np.where(positive, -1.0, 1.0) * np.array(logits))))
        selection = None if auc is None else auc - 1e-4 * min(cross_entropy, 10.0)
        error = None if auc is None else standard_error([auc_of(logits, positive, self.clusters)], self.clusters)
        return {"auc": auc, "cross_entropy": cross_entropy, MONITOR: selection, f"{MONITOR}_error": error}
