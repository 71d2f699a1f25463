"""What both training commands share: their flags, their configuration, and the run of a command."""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import Namespace

from data_tools.commands.configurations import counting_epochs, resolve
from data_tools.commands.parser import (
    MOVED,
    Parser,
    require_each_flag_once,
    require_no_empty_value,
    run_command,
    with_whole_flags,
)
from data_tools.commands.planned import planned_values
from data_tools.commands.settings import flat as by_key
from data_tools.commands.settings import settings_of
from data_tools.core.errors import InputError
from data_tools.core.printable import say
from data_tools.core.records import Dataset
from data_tools.files.dataset_folder import read_dataset
from data_tools.files.run_config import CONFIG, plain
from data_tools.files.runs import MANIFEST, TEMPLATES, Run, read_manifest, require_data
from data_tools.training.interrupt import Stopped
from data_tools.training.launch import is_first, number_started
from data_tools.training.recipe import DEFAULT_RECIPE, RECIPES, Given, Plan, RecipeName

log = logging.getLogger(__name__)

DEFAULT_DATA = Path("datasets/synthetic")
GOOD_IMAGES, DEFECT_IMAGES = 900, 600  # of some 126 lots: rendering is cheap, and 19 lots to judge by say more than 5
Train = Callable[[Dataset, Any, Path | None, bool, str | None, Plan | None], Run]
"""Dataset, settings, run folder, whether to resume, folder of templates, and what decided the settings -> the run."""
Planner = Callable[[Dataset, RecipeName, Given, str | None], Plan]


def leave(status: int) -> NoReturn:
    """End a training command's process with its exit status.

    One of several, as torchrun starts them, ends without what the interpreter does at its end. torch keeps the
    threads of a process group that DistributedDataParallel has used, destroyed or not, and now and then one of two
    processes whose work was done was aborted there ("terminate called without an active exception").
    """
    if number_started() < 2:
        raise SystemExit(status)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run_training(
    approach: str,
    parser: Parser,
    kind: type[Any],
    train: Train,
    plan: Planner,
    require: Callable[[Dataset], None],
    argv: Sequence[str] | None,
) -> int:
    """Run a training command, alone or as one of the processes that torchrun has started; returns the exit status.

    Args:
        approach: "detect" or "classify".
        parser: of the command.
        kind: its settings class.
        train: the typed function behind the command.
        plan: decides the settings by the data where no configuration is given.
        require: refuses data that the approach cannot learn from.
        argv: the words of the command line; None takes the process's own.
    """

    made: list[Plan] = []

    def body(arguments: Namespace) -> int:
        from data_tools.training import processes

        settings = settings_of(parser, arguments, kind)
        try:
            with processes.joined():
                return _train_or_stop(approach, train, settings, arguments, made[-1] if made else None)
        except processes.PeerLostError as error:
            say(f"{parser.prog}: error: {error}", to=sys.stderr)
            return 1

    def check(words: Sequence[str]) -> Any:
        require_each_flag_once(parser, words)
        require_no_empty_value(words)
        return settings_of(parser, parser.parse_args(list(words)), kind)

    def plan_learnable(data: Dataset, recipe: RecipeName, given: Given, reference: str | None) -> Plan:
        decided = plan(data, recipe, given, reference)
        made.append(decided)
        require(data)
        return decided

    words = with_whole_flags(parser, argv)
    return run_command(parser, body, lambda: with_planned_config(approach, plan_learnable, check, words))


def _train_or_stop(approach: str, train: Train, settings: Any, arguments: Namespace, decided: Plan | None) -> int:
    from data_tools.training import processes
    from data_tools.training.experiment import run_folder

    folder = Path(arguments.run) if arguments.run else None
    if folder is not None:
        processes.on_main(lambda: run_folder(approach, folder, arguments.resume))  # before the default data is rendered
    elif arguments.resume:
        raise InputError("--resume needs --run, the folder of a started run")
    if folder is not None and arguments.resume and arguments.data == _places_of(folder).get("data"):
        require_data(Path(arguments.data), folder)
    data = read_dataset(arguments.data if arguments.data else processes.on_main(default_data), arguments.images)
    try:
        run = train(data, settings, folder, arguments.resume, arguments.reference, decided)
    except Stopped:
        if processes.is_main():
            raise
        return 0
    if processes.is_main():
        say(run.folder)
    return 0


def _places_of(run: Path) -> dict[str, Any]:
    """Where the data and templates of a run lie by its manifest, which names them for whatever folder is worked in.

    The configuration has them as they were given, which from another folder leads elsewhere.
    """
    if not (run / MANIFEST).is_file():
        return {}
    known = read_manifest(run).values
    return {flag: known[key] for flag, key in (("data", "data"), ("reference", TEMPLATES)) if known.get(key)}


def add_training_arguments(parser: Parser) -> None:
    """The flags of the contract."""
    parser.add_argument(
        "--config",
        action="config",
        help="YAML file; a name such as 'quickstart' is looked up "
        "among the configurations that are installed with the project",
    )
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default=None,
        help="without --config the data decide the settings, within the effort of this recipe; by default "
        f"'{DEFAULT_RECIPE}', and 'quick' for the synthetic set",
    )
    parser.add_argument("--data", type=str | None, default=None, help="dataset folder; by default the synthetic set")
    parser.add_argument("--images", type=str | None, default=None, help=MOVED)
    parser.add_argument("--run", type=str | None, default=None, help="run folder; by default runs/<approach>-<time>")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in --run from where it was saved last"
    )
    parser.add_argument(
        "--reference",
        type=str | None,
        default=None,
        metavar="FOLDER",
        help="has a template for each image, the picture of a perfect part, which the network compares it with: of "
        "a/b.png it is a/b_temp where the image is a/b_test.png, else a/b, else a, with any image extension",
    )


def with_planned_config(
    approach: str, plan: Planner, check: Callable[[Sequence[str]], Any], words: Sequence[str]
) -> list[str]:
    """The command line with its configuration: the one it names, a resumed run's own, or else what the data decide.

    A resumed run with `--recipe` is decided anew, so that the command that began it goes on with `--resume` added, and
    another recipe is refused as any other setting that differs.

    Args:
        approach: "detect" or "classify".
        plan: decides the settings by the data.
        check: refuses a command line that says something wrong, before any data is looked at; gives its settings.
        words: of the command line, no flag cut short.

    Raises:
        InputError: a configuration that cannot be read, or data that cannot be learned from.
    """
    flat = _flat(words)
    recipe, reference = _value_of(flat, "--recipe"), _value_of(flat, "--reference")
    if reference is not None and "--input.reference" in flat:
        raise InputError(f"--reference {reference} pairs each image with its template; leave --input.reference out")
    run, resume = _value_of(flat, "--run"), "--resume" in flat
    if {"--help", "-h", "--config"} & set(flat) or (resume and (recipe is None or run is None)):
        if recipe is not None and "--config" in flat and not {"--help", "-h"} & set(flat):
            raise InputError("--recipe decides the settings by the data; leave out --config")
        return with_default_config(approach, words)
    data = _value_of(flat, "--data")
    if data is None and number_started() > 1 and not _is_rendered():  # which several processes must not do at once
        if recipe is not None:
            counts = f"--good {GOOD_IMAGES} --defect {DEFECT_IMAGES}"
            raise InputError(
                f"--recipe {recipe} decides by the data: give --data, or render the synthetic set first: "
                f"python -m data_tools.synth --out {DEFAULT_DATA} {counts}"
            )
        return with_default_config(approach, words)
    chosen = recipe or ("quick" if data is None else DEFAULT_RECIPE)
    shown = data is None and recipe is None  # then --print_config shows the configuration, and nothing is rendered
    asked = words if shown else [word for word in words if not word.startswith("--print_config")]
    given = _named(check(with_default_config(approach, asked)), flat)
    assert chosen in RECIPES
    if run is not None:
        from data_tools.training.experiment import run_folder

        run_folder(approach, Path(run), resume)  # before the default data is rendered
    dataset = read_dataset(data or default_data(), _value_of(flat, "--images"))
    decided = plan(dataset, chosen, given, reference)
    if is_first():
        log.info(decided.describe())
    return ["--config", _inline(_under(planned_values(decided, approach), flat)), *words]


def with_default_config(approach: str, words: Sequence[str], default: str = "quickstart") -> list[str]:
    """The command line with its configuration read and resolved, see `configurations.resolve`, and put first.

    A parser takes the last that is said of a setting, and flags change a configuration wherever they stand. Without
    `--config` a resumed run takes its own, and any other run the installed configuration `default`; `--print_config`
    then prints just that.

    Args:
        approach: "detect" or "classify".
        words: of the command line, no flag cut short.
        default: an installed configuration.

    Raises:
        InputError: a configuration that cannot be read.
    """
    words, flat = list(words), _flat(words)
    if "--config" in flat[:-1]:
        place = flat.index("--config")
        named, others = flat[place + 1], [*flat[:place], *flat[place + 2 :]]
        return ["--config", _inline(_under(resolve(named, approach), flat)), *others]
    if {"--help", "-h", "--config"} & set(flat):
        return words
    if "--resume" in flat and "--run" in flat[:-1]:
        run = Path(flat[flat.index("--run") + 1])
        if not (run / CONFIG).is_file():
            return words
        return ["--config", _inline(resolve(str(run / CONFIG), approach) | _places_of(run)), *words]
    return ["--config", _inline(_under(resolve(default, approach), flat)), *words]


def _named(settings: Any, flat: Sequence[str]) -> dict[str, Any]:
    """Those of the settings, by dotted key, that a flag names."""
    values = by_key(plain(settings))
    names = {word.removeprefix("--").rstrip("+") for word in flat if word.startswith("--")}
    return {key: value for key, value in values.items() if key in names}


def _under(settings: Mapping[str, Any], flat: Sequence[str]) -> Mapping[str, Any]:
    """Settings that the flags are laid over: a budget in epochs among these takes the place of one in steps."""
    return counting_epochs(settings) if "--fit.epochs" in flat and "--fit.steps" not in flat else settings


def _flat(words: Sequence[str]) -> list[str]:
    """The words with --flag=value in two."""
    return [part for word in words for part in (word.split("=", 1) if word.startswith("--") else [word])]


def _value_of(flat: Sequence[str], flag: str) -> str | None:
    return flat[flat.index(flag) + 1] if flag in flat[:-1] else None


def _inline(settings: Mapping[str, Any]) -> str:
    """Settings as the text that the parser takes in place of a file."""
    return json.dumps(settings)


def default_data() -> Path:
    """The synthetic set, rendered where it is not there yet."""
    if not _is_rendered():
        log.info("no --data: rendering the synthetic set into %s", DEFAULT_DATA)
        from data_tools.synthetic.render import make_synthetic

        make_synthetic(DEFAULT_DATA, good=GOOD_IMAGES, defect=DEFECT_IMAGES, seed=0)
    return DEFAULT_DATA


def _is_rendered() -> bool:
    return (DEFAULT_DATA / "annotations.json").exists()
