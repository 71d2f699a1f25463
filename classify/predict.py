"""Predict images with a trained classifier, with class-activation maps.

python -m classify.predict --run RUN --data DATASET --split test --out predictions.jsonl --cam layercam
python -m classify.predict --run RUN --images FOLDER --out predictions.jsonl
find . -name '*.png' | python -m classify.predict --run RUN --images - --out predictions.jsonl --resume
python -m classify.predict --run RUN --watch FOLDER --out predictions.jsonl [--webhook URL] [--mqtt URL]
python -m classify.predict --run BUNDLE --images FOLDER --out predictions.jsonl
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import Namespace

from classify.opening import AnyClassifier, load
from data_tools.commands.parser import Parser, run_command
from data_tools.commands.predicting import Predict
from data_tools.commands.prediction import add_prediction_arguments, predict_and_write
from data_tools.core.records import Prediction, Sample
from data_tools.loading.image_inputs import PixelReader
from data_tools.networks.cam_names import CLASSIFIER_METHODS
from data_tools.runtime.opening import RUNTIME_HELP, RUNTIMES

log = logging.getLogger(__name__)


def build_parser() -> Parser:
    """The command line of `python -m classify.predict`."""
    parser = Parser(prog="classify.predict", description="Predict images with a trained classifier.")
    add_prediction_arguments(parser, "folder of a finished run, or of a bundle that classify.export wrote")
    parser.add_argument("--runtime", choices=RUNTIMES, default=None, help=RUNTIME_HELP)
    parser.add_argument(
        "--cam",
        choices=CLASSIFIER_METHODS,
        default=None,
        help="method of the heat maps; by default the "
        "run's own, for which the run has chosen where to cut boxes out of the maps. A bundle has one",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _predict, argv)


def _predict(arguments: Namespace) -> int:
    classifier = load(Path(arguments.run), arguments.runtime, arguments.reference)
    reading, fraction = classifier.read_by(arguments.cam)
    if fraction is None:
        log.info("no boxes: the run has not chosen where to cut the maps of %s", reading.cam)
    config = {
        "cam": reading.cam.method,
        "cam_stride": reading.cam.stride,
        "temperature": reading.temperature,
        "box_fraction": fraction,
        "boxes_used_for": list(classifier.boxes_used_for),
        "runtime": classifier.runtime,
    }

    return predict_and_write(arguments, "classify", config, _answers_of(classifier, arguments), _answers)


def _answers(arguments: Namespace) -> Predict:
    return _answers_of(load(Path(arguments.run), arguments.runtime, arguments.reference), arguments)


def _answers_of(classifier: AnyClassifier, arguments: Namespace) -> Predict:
    def answer(samples: Sequence[Sample], read: PixelReader) -> list[Prediction]:
        return classifier.predict_samples(samples, read, arguments.cam)

    if arguments.overlays is None:
        return answer
    from data_tools.report.prediction_overlays import with_overlays

    return with_overlays(answer, Path(arguments.overlays), "classify")


if __name__ == "__main__":
    raise SystemExit(main())
