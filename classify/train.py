"""Train the label-only baseline: good or defect, no boxes.

python -m classify.train                               # the quick recipe on the synthetic set
python -m classify.train --data DATASET --run RUN      # the data decide the settings
python -m classify.train --config standard --data DATASET --fit.steps 1000
python -m classify.train --run RUN --resume
torchrun --nproc-per-node 2 -m -- classify.train --data DATASET --run RUN    # processes share each batch
"""

from collections.abc import Sequence
from pathlib import Path

from classify.learnable import require_both_labels
from classify.recipe import plan
from classify.settings import Settings
from data_tools.commands.callable_door import make_callable
from data_tools.commands.parser import Parser
from data_tools.commands.settings import add_settings
from data_tools.commands.training import add_training_arguments, leave, run_training
from data_tools.core.records import Dataset
from data_tools.files.runs import Run
from data_tools.training.recipe import Plan


def train(
    data: Dataset | Path | str,
    settings: Settings | None = None,
    run: Path | str | None = None,
    resume: bool = False,
    reference: Path | str | None = None,
    decided: Plan | None = None,
) -> Run:
    """Train a classifier: `classify.training.train`, which needs torch and is not loaded before."""
    from classify.training import train as train_now

    return train_now(data, settings, run, resume, reference, decided)


def build_parser() -> Parser:
    """The command line of `python -m classify.train`."""
    parser = Parser(prog="classify.train", description="Train the label-only baseline.")
    add_training_arguments(parser)
    add_settings(parser, Settings)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_training("classify", build_parser(), Settings, train, plan, require_both_labels, argv)


make_callable(__name__, train)

if __name__ == "__main__":
    leave(main())
