"""Predict images with a trained classifier, with class-activation maps.

python -m classify.predict --run RUN --data DATASET --split test --out predictions.jsonl --cam layercam
python -m classify.predict --run RUN --images FOLDER --out predictions.jsonl
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jsonargparse import Namespace

from classify.cam import METHODS
from classify.cam_choice import CamChoice
from classify.inference import Reading, predict
from classify.models import Classifier
from classify.train import build_parser as training_parser
from data_tools.commands.parser import Parser, run_command
from data_tools.commands.prediction import add_prediction_arguments, predict_and_write, read_finished_manifest
from data_tools.core.records import Prediction, Sample
from data_tools.judging.map_boxes import with_boxes
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import build_backbone
from data_tools.training.checkpoint import load_best
from data_tools.training.experiment import read_config

log = logging.getLogger(__name__)


def build_parser() -> Parser:
    """The command line of `python -m classify.predict`."""
    parser = Parser(prog="classify.predict", description="Predict images with a trained classifier.")
    add_prediction_arguments(parser)
    parser.add_argument(
        "--cam",
        choices=METHODS,
        default=None,
        help="method of the heat maps; by default the "
        "run's own, for which the run has chosen where to cut boxes out of the maps",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _predict, argv)


@dataclass(frozen=True)
class Trained:
    """The best checkpoint of a run.

    Attributes:
        model, input: the model, and how it wants its input.
        reading: how the run reads it: its class-activation map, test flips and temperature.
        box_fraction: where its maps are cut for boxes; None for no boxes.
        boxes_used_for: what the run used boxes for, beside judging.
    """

    model: Classifier
    input: InputConfig
    reading: Reading
    box_fraction: float | None
    boxes_used_for: tuple[str, ...]


def load_classifier(folder: Path) -> Trained:
    """The best checkpoint of a finished run.

    Raises:
        InputError: no finished classifier run there, or damaged files.
    """
    manifest = read_finished_manifest(folder, "classify")
    settings = read_config(training_parser(), folder)
    model = Classifier(build_backbone(settings.model.backbone, "none"), settings.model)
    load_best(model, folder)
    cam = CamChoice(manifest.get("cam", settings.cam), manifest.get("cam_stride", settings.model.cam_stride))
    used = tuple(manifest.get("boxes_used_for", ()))
    reading = Reading(cam, settings.test_flips, manifest.get("temperature", 1.0))
    return Trained(model, settings.input, reading, manifest.get("box_fraction"), used)


def _predict(arguments: Namespace) -> int:
    run = load_classifier(Path(arguments.run))
    reading = run.reading if arguments.cam is None else run.reading.with_method(arguments.cam)
    fraction = run.box_fraction if reading == run.reading else None
    if fraction is None:
        log.info("no boxes: the run has not chosen where to cut the maps of %s", reading.cam)
    config = {
        "cam": reading.cam.method,
        "cam_stride": reading.cam.stride,
        "test_flips": reading.flips,
        "temperature": reading.temperature,
        "box_fraction": fraction,
        "boxes_used_for": list(run.boxes_used_for),
    }

    def explain(samples: Sequence[Sample], root: Path) -> list[Prediction]:
        found = predict(run.model, samples, root, run.input, reading)
        return [with_boxes(prediction, fraction) for prediction in found]

    return predict_and_write(arguments, "classify", config, explain)


if __name__ == "__main__":
    raise SystemExit(main())
