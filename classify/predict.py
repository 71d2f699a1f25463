"""Predict images with a trained classifier, with class-activation maps.

python -m classify.predict --run RUN --data DATASET --split test --out predictions.jsonl --cam layercam
python -m classify.predict --run RUN --images FOLDER --out predictions.jsonl
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jsonargparse import Namespace

from classify.cam import METHODS
from classify.inference import predict
from classify.models import Classifier
from classify.train import build_parser as training_parser
from data_tools.backbones import build_backbone
from data_tools.checkpoint import load_weights
from data_tools.command import Parser, run_command
from data_tools.dataset import InputConfig
from data_tools.experiment import read_config
from data_tools.map_boxes import with_boxes
from data_tools.prediction_command import add_prediction_arguments, predict_and_write, read_finished_manifest
from data_tools.records import Prediction, Sample

log = logging.getLogger(__name__)


def build_parser() -> Parser:
    """The command line of `python -m classify.predict`."""
    parser = Parser(prog="classify.predict", description="Predict images with a trained classifier.")
    add_prediction_arguments(parser)
    parser.add_argument("--cam", choices=tuple(METHODS), default=None, help="method of the heat maps; by default the "
                        "run's own, for which the run has chosen where to cut boxes out of the maps")  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _predict, argv)


@dataclass(frozen=True)
class Trained:
    """The best checkpoint of a run: the model, how it wants its input, its CAM method and where its maps are cut."""

    model: Classifier
    input: InputConfig
    cam: str
    box_fraction: float | None


def load_classifier(folder: Path) -> Trained:
    """The best checkpoint of a finished run.

    Raises:
        InputError: no finished classifier run there, or damaged files.
    """
    manifest = read_finished_manifest(folder, "classify")
    settings = read_config(training_parser(), folder)
    model = Classifier(build_backbone(settings.model.backbone, "none"), settings.model)
    load_weights(model, folder / "best", "model")
    model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trained(model, settings.input, settings.cam, manifest.get("box_fraction"))


def _predict(arguments: Namespace) -> int:
    run = load_classifier(Path(arguments.run))
    cam = arguments.cam or run.cam
    fraction = run.box_fraction if cam == run.cam else None
    if fraction is None:
        log.info("no boxes: the run has not chosen where to cut the maps of %s", cam)

    def explain(samples: Sequence[Sample], root: Path) -> list[Prediction]:
        return [with_boxes(found, fraction) for found in predict(run.model, samples, root, run.input, cam)]

    return predict_and_write(arguments, "classify", {"cam": cam, "box_fraction": fraction}, explain)


if __name__ == "__main__":
    raise SystemExit(main())
