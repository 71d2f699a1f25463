"""What `detect.plan` and `classify.plan` share: their flags, and the plan with its expected time."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jsonargparse import Namespace

from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import images_root_of, read_dataset
from data_tools.training.recipe import DEFAULT_RECIPE, RECIPES, Plan, RecipeName

if TYPE_CHECKING:
    from data_tools.training.experiment import Experiment

Planner = Callable[[Dataset, RecipeName], Plan]
Minutes = Callable[["Experiment", Plan], float]
"""Expected minutes of a training by a plan on this machine."""


def run_planning(approach: str, plan: Planner, minutes: Minutes, argv: Sequence[str] | None) -> int:
    """Run a planning command; returns the exit status."""
    parser = Parser(prog=f"{approach}.plan", description="What the data decide, why, and how long it would take.")
    parser.add_argument("dataset", type=str, help="dataset folder with splits and images")
    parser.add_argument("--recipe", choices=RECIPES, default=DEFAULT_RECIPE, help="how much effort")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--no_time", action="store_true", help="do not train a few steps to measure this machine")

    def body(arguments: Namespace) -> int:
        logging.getLogger().setLevel(logging.WARNING)
        data = read_dataset(arguments.dataset, arguments.images)
        decided = plan(data, arguments.recipe)
        print(f"{arguments.dataset}, recipe {arguments.recipe},", decided.describe())
        if not arguments.no_time:
            from data_tools.training.experiment import Experiment

            folder = data.folder or Path(".")
            experiment = Experiment(approach, Path(), folder, data, images_root_of(data, folder))
            expected = minutes(experiment, decided)
            print(f"expected: {expected:.1f} minutes on this machine as busy as it is now, predictions included")
        print(f"train: python -m {approach}.train --data {arguments.dataset} --recipe {arguments.recipe} --run RUN")
        return 0

    return run_command(parser, body, argv)
