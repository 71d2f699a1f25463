"""Train the region-proposal detector on boxes.

python -m detect.train                               # the quick recipe on the synthetic set
python -m detect.train --data DATASET --run RUN      # the data decide the settings
python -m detect.train --config standard --data DATASET --fit.steps 3000
python -m detect.train --run RUN --resume
torchrun --nproc-per-node 2 -m -- detect.train --data DATASET --run RUN    # processes share each batch
"""

from collections.abc import Sequence
from pathlib import Path

from data_tools.commands.callable_door import make_callable
from data_tools.commands.parser import Parser
from data_tools.commands.settings import add_settings
from data_tools.commands.training import add_training_arguments, leave, run_training
from data_tools.core.records import Dataset
from data_tools.files.runs import Run
from data_tools.training.recipe import Plan
from detect.learnable import require_boxes
from detect.recipe import plan
from detect.settings import Settings


def train(
    data: Dataset | Path | str,
    settings: Settings | None = None,
    run: Path | str | None = None,
    resume: bool = False,
    reference: Path | str | None = None,
    decided: Plan | None = None,
) -> Run:
    """Train a detector: `detect.training.train`, which needs torch and is not loaded before."""
    from detect.training import train as train_now

    return train_now(data, settings, run, resume, reference, decided)


def build_parser() -> Parser:
    """The command line of `python -m detect.train`."""
    parser = Parser(prog="detect.train", description="Train the region-proposal detector on boxes.")
    add_training_arguments(parser)
    add_settings(parser, Settings)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_training("detect", build_parser(), Settings, train, plan, require_boxes, argv)


make_callable(__name__, train)

if __name__ == "__main__":
    leave(main())
