"""Predict images with a trained detector.

python -m detect.predict --run RUN --data DATASET --split test --out predictions.jsonl
python -m detect.predict --run RUN --images FOLDER --out predictions.jsonl
find . -name '*.png' | python -m detect.predict --run RUN --images - --out predictions.jsonl --resume
python -m detect.predict --run RUN --watch FOLDER --out predictions.jsonl [--webhook URL] [--mqtt URL]
python -m detect.predict --run BUNDLE --images FOLDER --out predictions.jsonl
python -m detect.predict --run RUN --data DATASET --out predictions.jsonl --cam gradcam
python -m detect.predict --run RUN --data DATASET --proposals --out RUN/predictions/proposals_test.jsonl

Proposals under that name are found by detect.evaluate, which measures their recall against sliding windows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.commands.predicting import Predict
from data_tools.commands.prediction import add_prediction_arguments, predict_and_write
from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, Sample
from data_tools.loading.image_inputs import PixelReader
from data_tools.metrics.proposal_recall import COUNTS
from data_tools.networks.cam_names import GRADIENT_METHODS
from data_tools.runtime.opening import RUNTIME_HELP, RUNTIMES
from detect.opening import AnyDetector, load

_STRIDE = 16


def build_parser() -> Parser:
    """The command line of `python -m detect.predict`."""
    parser = Parser(prog="detect.predict", description="Predict images with a trained detector.")
    add_prediction_arguments(parser, "folder of a finished run, or of a bundle that detect.export wrote")
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default=None,
        help=RUNTIME_HELP,
    )
    parser.add_argument(
        "--cam",
        choices=GRADIENT_METHODS,
        default=None,
        help="also write a heat map of what the best "
        "box's score owes to the backbone; the peak stays the centre of that box",
    )
    parser.add_argument(
        "--cam_stride",
        type=Literal[4, 8, 16, 32] | None,
        default=None,
        help=f"with --cam: stride of the backbone's map that the heat map is taken from; {_STRIDE} by default",
    )
    parser.add_argument(
        "--proposals", action="store_true", help="write the best 1,000 region proposals instead of detections"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_command(build_parser(), _predict, argv)


def _predict(arguments: Namespace) -> int:
    if arguments.cam is None and arguments.cam_stride is not None:
        raise InputError(f"--cam_stride {arguments.cam_stride}: is of the heat maps of --cam METHOD; give both")
    if arguments.cam is not None and arguments.proposals:
        raise InputError("--proposals writes region proposals, which have no heat map: leave --cam out")
    detector = load(Path(arguments.run), arguments.runtime, arguments.reference)
    header: dict[str, Any] = {"score_rule": detector.score_rule, "threshold": detector.threshold.value}
    header |= {"runtime": detector.runtime}
    if arguments.proposals:
        header = {"proposals": max(COUNTS)}
    elif arguments.cam is not None:
        header |= {"cam": arguments.cam, "cam_stride": arguments.cam_stride or _STRIDE}
    return predict_and_write(arguments, "detect", header, _answers_of(detector, arguments), _answers)


def _answers(arguments: Namespace) -> Predict:
    return _answers_of(load(Path(arguments.run), arguments.runtime, arguments.reference), arguments)


def _answers_of(detector: AnyDetector, arguments: Namespace) -> Predict:
    def answer(samples: Sequence[Sample], read: PixelReader) -> list[Prediction]:
        if arguments.proposals:
            return detector.propose(samples, read, max(COUNTS))
        return detector.predict_samples(samples, read, arguments.cam, arguments.cam_stride or _STRIDE)

    if arguments.overlays is None:
        return answer
    from data_tools.report.prediction_overlays import with_overlays

    threshold = None if arguments.proposals else detector.threshold.value
    return with_overlays(answer, Path(arguments.overlays), "detect", threshold)


if __name__ == "__main__":
    raise SystemExit(main())
