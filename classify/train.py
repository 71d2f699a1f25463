"""Train the label-only baseline: good or defect, no boxes.

python -m classify.train                                      # quickstart on the synthetic set
python -m classify.train --config light --data DATASET --fit.max_minutes 5
python -m classify.train --run RUN --resume
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from jsonargparse import Namespace
from torch import Tensor, nn
from torch.nn import functional

from classify.cam import METHODS
from classify.inference import logits_of, predict
from classify.models import Classifier, ClassifierConfig
from data_tools.backbones import build_backbone
from data_tools.command import Parser, run_command
from data_tools.dataset import Batch, InputConfig
from data_tools.experiment import (
    Experiment,
    add_training_arguments,
    describe_start,
    finish,
    open_experiment,
    save_predictions,
    training_loader,
    with_default_config,
)
from data_tools.fit import FitConfig, fit
from data_tools.map_boxes import choose_fraction, with_boxes
from data_tools.metrics.auc import roc_auc
from data_tools.records import Prediction, Sample

log = logging.getLogger(__name__)

MONITOR = "selection"


def build_parser() -> Parser:
    """The command line of `python -m classify.train`."""
    parser = Parser(prog="classify.train", description="Train the label-only baseline.")
    add_training_arguments(parser)
    parser.add_argument("--model", type=ClassifierConfig, default=ClassifierConfig())
    parser.add_argument("--input", type=InputConfig, default=InputConfig())
    parser.add_argument("--fit", type=FitConfig, default=FitConfig())
    parser.add_argument("--cam", default="gradcam", choices=tuple(METHODS), help="method of the heat maps written at "
                        "the end")  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = build_parser()
    return run_command(parser, lambda arguments: train(parser, arguments), with_default_config("classify", argv))


def train(parser: Parser, arguments: Namespace) -> int:
    """Train, write the predictions of the best checkpoint, and finish the run folder."""
    settings = parser.instantiate(arguments)
    model_config, input_config, fit_config = settings.model, settings.input, settings.fit
    experiment = open_experiment("classify", parser, arguments, fit_config)
    backbone = build_backbone(model_config.backbone, model_config.weights)
    model = Classifier(backbone, model_config)
    log.info(describe_start(experiment, model.parts(), backbone.weights, input_config))
    loader = training_loader(experiment, input_config, fit_config)

    def loss(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        weight = torch.tensor(model_config.positive_weight, device=batch.defect.device)
        logits = network(batch.images)[:, 0]
        return {"bce": functional.binary_cross_entropy_with_logits(logits, batch.defect, pos_weight=weight)}

    result = fit(
        model, loader, loss, _Validation(experiment, input_config), MONITOR, fit_config, experiment.folder,
        arguments.resume,
    )  # fmt: skip
    log.info("best epoch %d of %d", result.best_epoch, result.epochs)

    def explain(chosen: Sequence[Sample]) -> list[Prediction]:
        return predict(model, chosen, experiment.root, input_config, settings.cam)

    validation = experiment.dataset.split("val")
    fraction = choose_fraction(validation, explain(validation))
    log.info("boxes around the maps: cut at %s of the maximum (chosen on the boxes of validation)", fraction)
    config = {"model": asdict(model_config), "input": asdict(input_config), "cam": settings.cam}
    config["box_fraction"] = fraction
    save_predictions(experiment, config, lambda chosen: [with_boxes(found, fraction) for found in explain(chosen)])
    finish(experiment, result, {"weights": asdict(backbone.weights), "cam": settings.cam, "box_fraction": fraction})
    print(experiment.folder)
    return 0


class _Validation:
    """Scores of a model on the validation split.

    `selection` picks the checkpoint: the AUC, and among equal AUCs the lower cross-entropy, which still tells epochs
    apart once the AUC has reached 1.
    """

    def __init__(self, experiment: Experiment, config: InputConfig) -> None:
        self.experiment, self.config = experiment, config
        self.samples = experiment.dataset.split("val")

    def __call__(self, model: nn.Module) -> dict[str, float | None]:
        assert isinstance(model, Classifier)
        logits = logits_of(model, self.samples, self.experiment.root, self.config)
        positive = [sample.is_defect for sample in self.samples]
        auc = roc_auc(logits, positive)
        cross_entropy = float(np.mean(np.logaddexp(0.0, np.where(positive, -1.0, 1.0) * np.array(logits))))
        selection = None if auc is None else auc - 1e-4 * min(cross_entropy, 10.0)
        return {"auc": auc, "cross_entropy": cross_entropy, MONITOR: selection}


if __name__ == "__main__":
    raise SystemExit(main())
