"""What both training commands share: their flags, their configuration, and the run of a command."""

import logging
import sys
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from data_tools.commands.parser import Parser, run_command
from data_tools.commands.settings import settings_of
from data_tools.core.errors import InputError
from data_tools.files.runs import Run
from data_tools.training import processes
from data_tools.training.experiment import run_folder
from data_tools.training.interrupt import Stopped

log = logging.getLogger(__name__)

DEFAULT_DATA = Path("datasets/synthetic")
Train = Callable[[Path, Any, Path | None, bool], Run]
"""Dataset folder, settings, run folder and whether to resume -> the finished run."""


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

    return run_command(parser, body, with_default_config(approach, argv))


def _train_or_stop(approach: str, train: Train, settings: Any, arguments: Namespace) -> int:
    folder = Path(arguments.run) if arguments.run else None
    if folder is not None:
        processes.on_main(lambda: run_folder(approach, folder, arguments.resume))  # before the default data is rendered
    elif arguments.resume:
        raise InputError("--resume needs --run, the folder of a started run")
    data = Path(arguments.data) if arguments.data else processes.on_main(default_data)
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
    parser.add_argument("--run", type=str | None, default=None, help="run folder; by default runs/<approach>-<time>")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --run after its last epoch")


def with_default_config(approach: str, argv: Sequence[str] | None) -> list[str]:
    """The command line with its configuration resolved.

    A `--config` that is no file is looked up among the installed configurations. Without one, a resumed run takes its
    own, and any other run takes the quickstart configuration; `--print_config` then prints just that.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    flat = [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]
    if "--config" in flat:
        place = flat.index("--config") + 1
        if place < len(flat) and not Path(flat[place]).is_file():
            flat[place] = str(_installed_config(approach, flat[place]) or flat[place])
        return flat
    if {"--help", "-h"} & set(flat):
        return words
    if "--resume" in flat and "--run" in flat[:-1]:
        own = Path(flat[flat.index("--run") + 1]) / "config.yaml"
        return ["--config", str(own), *words] if own.is_file() else words
    return ["--config", str(_installed_config(approach, "quickstart")), *words]


def default_data() -> Path:
    """The synthetic set, rendered where it is not there yet."""
    if not (DEFAULT_DATA / "annotations.json").exists():
        log.info("no --data: rendering the synthetic set into %s", DEFAULT_DATA)
        from data_tools.synthetic.render import make_synthetic

        make_synthetic(DEFAULT_DATA, good=300, defect=150, seed=0)
    return DEFAULT_DATA


def _installed_config(approach: str, name: str) -> Path | None:
    """The path of an installed configuration, given as 'quickstart', 'detect/quickstart' or with configs/ and .yaml."""
    stem = name.removeprefix("configs/").removesuffix(".yaml").removeprefix(f"{approach}/")
    with as_file(files("configs") / approach / f"{stem}.yaml") as path:
        return path if path.is_file() else None
