"""Predict images with a trained classifier, with class-activation maps.

python -m classify.predict --run RUN --data DATASET --split test --out predictions.jsonl --cam layercam
python -m classify.predict --run RUN --images FOLDER --out predictions.jsonl
"""

from collections.abc import Sequence
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
from data_tools.prediction_command import add_prediction_arguments, predict_and_write, read_finished_manifest


def build_parser() -> Parser:
    """The command line of `python -m classify.predict`."""
    parser = Parser(prog="classify.predict", description="Predict images with a trained classifier.")
    add_prediction_arguments(parser)
    parser.add_argument("--cam", choices=tuple(METHODS), default="gradcam", help="method of the heat maps")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _predict, argv)


def load_classifier(folder: Path) -> tuple[Classifier, InputConfig]:
    """The best checkpoint of a finished run and how it wants its input.

    Raises:
        InputError: no finished classifier run there, or damaged files.
    """
    read_finished_manifest(folder, "classify")
    settings = read_config(training_parser(), folder)
    model = Classifier(build_backbone(settings.model.backbone, "none"), settings.model)
    load_weights(model, folder / "best", "model")
    model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"), memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model, settings.input


def _predict(arguments: Namespace) -> int:
    model, config = load_classifier(Path(arguments.run))
    return predict_and_write(
        arguments, "classify", {"cam": arguments.cam},
        lambda samples, root: predict(model, samples, root, config, arguments.cam),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
