"""What `detect.plan` and `classify.plan` share: their flags, and the plan with its expected time."""

import logging
import shlex
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jsonargparse import Namespace

from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.commands.planned import planned_settings
from data_tools.core.printable import printable, say, say_text
from data_tools.core.records import Dataset, Sample
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.files.templates import Templates, templates_of
from data_tools.training.recipe import DEFAULT_RECIPE, RECIPES, Plan, RecipeName

if TYPE_CHECKING:
    from torch import nn

    from data_tools.training.experiment import Experiment
    from data_tools.training.fit import LossFunction
    from data_tools.training.progress_bar import Looks


class Planner(Protocol):
    """Decides the settings by the data."""

    def __call__(self, data: Dataset, recipe: RecipeName, *, reference: str | None) -> Plan:
        """What a recipe decides for a dataset, whose images have templates in the folder `reference` or none."""


_TIMED_IMAGES, _TIMED_PIXELS = 16, 4_000_000  # large images are seen in many windows


@dataclass(frozen=True, eq=False)
class TrainingParts:
    """What a training is made of, for a few steps of it.

    Attributes:
        model, loader, loss: as for `data_tools.training.fit.fit`.
        predict: predicts samples as a validation would.
        looks: of a validation and of the predictions at the end.
    """

    model: "nn.Module"
    loader: Any
    loss: "LossFunction"
    predict: Callable[[Sequence[Sample]], object]
    looks: "Looks"


Prepare = Callable[["Experiment", Any], TrainingParts]
"""Experiment and settings -> the parts of the training."""


def run_planning(
    approach: str,
    kind: type[Any],
    plan: Planner,
    require: Callable[[Dataset], None],
    prepare: Prepare,
    argv: Sequence[str] | None,
) -> int:
    """Run a planning command; returns the exit status.

    Args:
        approach: "detect" or "classify".
        kind: its settings class.
        plan: decides by the data.
        require: refuses data that the approach cannot learn from.
        prepare: makes what is timed.
        argv: the words of the command line; None takes the process's own.
    """
    parser = Parser(prog=f"{approach}.plan", description="What the data decide, why, and how long it would take.")
    parser.add_argument("dataset", type=str, help="dataset folder with splits and images")
    parser.add_argument("--recipe", choices=RECIPES, default=DEFAULT_RECIPE, help="how much effort")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument(
        "--reference", type=str | None, default=None, metavar="FOLDER", help="has a template for each image"
    )
    parser.add_argument("--no_time", action="store_true", help="do not train a few steps to measure this machine")

    def body(arguments: Namespace) -> int:
        logging.getLogger().setLevel(logging.WARNING)
        data = read_dataset(arguments.dataset, arguments.images)
        decided, templates = plan(data, arguments.recipe, reference=arguments.reference), None
        require(data)
        if arguments.reference is not None:
            root = images_root_of(data, Path(arguments.dataset))
            templates = templates_of(data, root, Path(arguments.reference))
        say_text(f"{printable(arguments.dataset)}, {decided.describe()}")
        if not arguments.no_time:
            settings = planned_settings(kind, decided, approach)
            expected = _expected_minutes(approach, data, settings, prepare, templates)
            say(f"expected: {expected:.1f} minutes on this machine as busy as it is now, predictions included")
        say(f"train: {_training_of(approach, arguments)}")
        return 0

    return run_command(parser, body, argv)


def _training_of(approach: str, arguments: Namespace) -> str:
    """The command, as a shell takes it, that trains what was planned."""
    words = ["python", "-m", f"{approach}.train", "--data", arguments.dataset, "--recipe", arguments.recipe]
    words += ["--run", "RUN"]
    for flag in ("images", "reference"):
        value = getattr(arguments, flag)
        words += [] if value is None else [f"--{flag}", value]
    return shlex.join(words)


def _to_time(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The first images, 16 or as many as have four megapixels together."""
    pixels = list(accumulate(height * width for height, width in (sample.size_hw for sample in samples)))
    return samples[: min(_TIMED_IMAGES, bisect_left(pixels, _TIMED_PIXELS) + 1)]


def _expected_minutes(
    approach: str, data: Dataset, settings: Any, prepare: Prepare, templates: Templates | None
) -> float:
    """Minutes of a training with these settings on this machine, from a few steps of it."""
    from data_tools.training.expected_time import measure
    from data_tools.training.experiment import Experiment
    from data_tools.training.fit import seed_everything

    folder = data.folder or Path(".")
    seed_everything(settings.fit.seed)
    experiment = Experiment(approach, Path(), folder, data, images_root_of(data, folder), templates=templates)
    parts = prepare(experiment, settings)
    val = data.split("val")
    some = _to_time(val)

    def predict_some() -> int:
        parts.predict(some)
        return len(some)

    times = measure(parts.model, parts.loader, parts.loss, settings.fit, predict_some)
    return times.minutes(settings.fit, len(parts.loader), len(val), parts.looks)
