"""What both training commands share: their flags, their configuration, and the run of a command."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from data_tools.commands.configurations import resolve
from data_tools.commands.parser import MOVED, Parser, run_command
from data_tools.commands.settings import settings_of
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.run_config import CONFIG
from data_tools.files.runs import Run
from data_tools.training import processes
from data_tools.training.experiment import run_folder
from data_tools.training.interrupt import Stopped

log = logging.getLogger(__name__)

DEFAULT_DATA = Path("datasets/synthetic")
Train = Callable[[Dataset, Any, Path | None, bool], Run]
"""Dataset, settings, run folder and whether to resume -> the finished run."""


def run_training(approach: str, parser: Parser, kind: type[Any], train: Train, argv: Sequence[str] | None) -> int:
    """Run a training command, alone or as one of the processes that torchrun has started; returns the exit status.

    Args:
        approach: "detect" or "classify".
        parser: of the command.
        kind: its settings class.
        train: the typed function behind the command.
        argv: the words of the command line; None takes the process's own.
    """

    def body(arguments: Namespace) -> int:
        settings = settings_of(parser, arguments, kind)
        try:
            with processes.joined():
                return _train_or_stop(approach, train, settings, arguments)
        except processes.PeerLostError as error:
            print(f"{parser.prog}: error: {error}", file=sys.stderr)
            return 1

    return run_command(parser, body, lambda: with_default_config(approach, argv))


def _train_or_stop(approach: str, train: Train, settings: Any, arguments: Namespace) -> int:
    folder = Path(arguments.run) if arguments.run else None
    if folder is not None:
        processes.on_main(lambda: run_folder(approach, folder, arguments.resume))  # before the default data is rendered
    elif arguments.resume:
        raise InputError("--resume needs --run, the folder of a started run")
    data = read_dataset(arguments.data if arguments.data else processes.on_main(default_data), arguments.images)
    try:
        run = train(data, settings, folder, arguments.resume)
    except Stopped:
        if processes.is_main():
            raise
        return 0
    if processes.is_main():
        print(run.folder)
    return 0


def add_training_arguments(parser: Parser) -> None:
    """The flags of the contract."""
    parser.add_argument(
        "--config",
        action="config",
        help="YAML file; a name such as 'quickstart' is looked up "
        "among the configurations that are installed with the project",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--run", type=str | None, default=None, help="run folder; by default runs/<approach>-<time>")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run after its last epoch")


def with_default_config(approach: str, argv: Sequence[str] | None, default: str = "quickstart") -> list[str]:
    """The command line with its configuration read and resolved, see `configurations.resolve`.

    Without `--config` a resumed run takes its own, and any other run the installed configuration `default`;
    `--print_config` then prints just that.

    Raises:
        InputError: a configuration that cannot be read.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    flat = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if "--config" in flat[:-1]:
        place = flat.index("--config") + 1
        return [*flat[:place], _inline(resolve(flat[place], approach)), *flat[place + 1 :]]
    if {"--help", "-h", "--config"} & set(flat):
        return words
    if "--resume" in flat and "--run" in flat[:-1]:
        own = Path(flat[flat.index("--run") + 1]) / CONFIG
        return ["--config", _inline(resolve(str(own), approach)), *words] if own.is_file() else words
    return ["--config", _inline(resolve(default, approach)), *words]


def _inline(settings: Mapping[str, Any]) -> str:
    """Settings as the text that the parser takes in place of a file."""
    return json.dumps(settings)


def default_data() -> Path:
    """The synthetic set, rendered where it is not there yet."""
    if not (DEFAULT_DATA / "annotations.json").exists():
        log.info("no --data: rendering the synthetic set into %s", DEFAULT_DATA)
        from data_tools.synthetic.render import make_synthetic

        make_synthetic(DEFAULT_DATA, good=300, defect=150, seed=0)
    return DEFAULT_DATA
