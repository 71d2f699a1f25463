"""The training of a detector on boxes."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from data_tools.commands.planned import training_settings
from data_tools.core.records import Dataset, Sample
from data_tools.files.runs import Run, read_run
from data_tools.loading.input_config import InputConfig
from data_tools.metrics.bootstrap import Clusters, Statistic, auc_of
from data_tools.metrics.box_ap_resampling import box_ap_at
from data_tools.metrics.operating_threshold import KEY as THRESHOLD
from data_tools.metrics.operating_threshold import Threshold, choose_threshold
from data_tools.networks.backbones import Backbone, build_backbone
from data_tools.training import processes
from data_tools.training.experiment import Experiment, begin, finish, open_experiment, opened, save_predictions, timed
from data_tools.training.fit import fit, seed_everything
from data_tools.training.recipe import Plan
from data_tools.training.references import REFERENCE, shape_of, templates_folder, with_templates
from data_tools.training.selection import localization_scores, standard_error
from data_tools.training.start_report import describe_start
from detect.detections import SizedDetections
from detect.inference import detect_everywhere, predict
from detect.learnable import require_boxes
from detect.looking import to_predictions
from detect.model import Detector
from detect.preparing import Prepared, looks_of, loss_of, prepare
from detect.recipe import plan
from detect.settings import Settings
from detect.to_prediction import ScoreRule, choose_rule

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
    """Train a detector, write the predictions of the best checkpoint, and finish the run folder.

    Args:
        data: a dataset that was read from a folder, or that folder; it needs splits.
        settings: None lets the data decide, see `detect.plan`, or takes a resumed run's own.
        run: run folder to fill; None makes runs/detect-<time>.
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
    used = training_settings(Settings, "detect", given, decided, run, resume, by_plan)
    settings, decided = used
    templates = templates_folder(settings.input, reference, run, resume)
    seed_everything(settings.fit.seed)
    backbone = build_backbone(settings.model.backbone, settings.model.weights)
    place = None if run is None else Path(run)
    with open_experiment("detect", dataset, place, settings.fit, require_boxes, resume, templates) as experiment:
        return _train(experiment, settings, backbone, resume, decided)


def _train(experiment: Experiment, settings: Settings, backbone: Backbone, resume: bool, decided: Plan | None) -> Run:
    made = prepare(experiment, settings, backbone)
    log.info(describe_start(experiment, made.model.parts(), backbone.weights, made.input))
    log.info(made.describe())
    validation = _Validation(experiment, made.input, made.rules)
    begin(experiment, settings, decided)
    looks = looks_of(experiment.dataset, made.config.prediction.views, made.input)
    result = fit(made.model, made.loader, loss_of, validation, MONITOR, settings.fit, experiment.folder, resume, looks)
    kept = validation.seen if result.best_epoch == result.epochs else None
    rule, threshold = _save_predictions(experiment, made, kept)
    categories = experiment.dataset.categories
    extra: dict[str, Any] = {"score_rule": rule, "num_classes": len(categories), "anchors": asdict(made.config.anchors)}
    extra |= {"types": made.model.types, "weights": asdict(backbone.weights), REFERENCE: shape_of(backbone)}
    extra |= {THRESHOLD: threshold.to_json()}
    finish(experiment, result, extra)
    return processes.on_main(lambda: read_run(experiment.folder))


def _save_predictions(
    experiment: Experiment, made: Prepared, seen: list[SizedDetections] | None
) -> tuple[ScoreRule, Threshold]:
    """Predictions of validation and test by the trained model; how it scores an image, and what score is a defect.

    Args:
        seen: what it detects on validation, if that is known.
    """
    samples = experiment.dataset.split("val")
    detections = seen or detect_everywhere(made.model, samples, experiment.pixels, made.input, "choosing the score")
    rule = choose_rule(samples, [raw for raw, _ in detections], made.rules)
    log.info("image score: %s (%s)", rule, "chosen on validation" if len(made.rules) > 1 else "the only one")
    config = {"model": asdict(made.config), "input": asdict(made.input), "score_rule": rule}
    validation = to_predictions(samples, detections, made.input, rule)
    save_predictions(experiment, config, "val", validation)
    with timed(experiment, "test"):
        test = predict(made.model, experiment.dataset.split("test"), experiment.pixels, made.input, rule)
    save_predictions(experiment, config, "test", test)
    return rule, choose_threshold([one.score for one in validation], [sample.is_defect for sample in samples])


class _Validation:
    """Scores of a model on the validation split.

    `selection`, the mean of AUC and AP50 or of what is defined of them, and its standard error over groups pick the
    checkpoint.

    Attributes:
        seen: what the latest model detects on validation, as a prediction sees it; None before the first, and where a
            prediction looks more often than validation does.
    """

    def __init__(self, experiment: Experiment, config: InputConfig, rules: Sequence[ScoreRule]) -> None:
        self.experiment, self.config, self.rules = experiment, config, rules
        self.seen: list[SizedDetections] | None = None
        self.samples: tuple[Sample, ...] = experiment.dataset.split("val")
        self.clusters = Clusters.of([sample.group for sample in self.samples])

    def __call__(self, model: nn.Module) -> dict[str, float | None]:
        assert isinstance(model, Detector)
        detections = detect_everywhere(
            model, self.samples, self.experiment.pixels, self.config, "validating", in_views=False
        )
        self.seen = detections if model.config.prediction.views == (1.0,) else None
        rule = choose_rule(self.samples, [raw for raw, _ in detections], self.rules)
        predictions = to_predictions(self.samples, detections, self.config, rule)
        classes = len(self.experiment.dataset.categories)
        scores = localization_scores(self.samples, predictions, classes)
        known = [value for value in (scores["auc"], scores["ap50"]) if value is not None]
        statistics: list[Statistic | None] = [box_ap_at((0.5,), self.samples, predictions, classes, self.clusters)]
        if scores["auc"] is not None:
            positive = [sample.is_defect for sample in self.samples]
            statistics.append(auc_of([prediction.score for prediction in predictions], positive, self.clusters))
        error = standard_error([one for one in statistics if one is not None], self.clusters)
        return scores | {MONITOR: float(np.mean(known)) if known else None, f"{MONITOR}_error": error}
