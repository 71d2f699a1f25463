"""The file of levers: YAML that gives each change a name and the settings it consists of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_tools.commands.parser import Parser, with_whole_flags
from data_tools.commands.settings import add_settings, settings_of
from data_tools.commands.training import add_training_arguments, with_default_config
from data_tools.core.errors import InputError
from data_tools.files.run_config import read_values
from detect.settings import Settings

_GROUPS = ("model.", "input.", "paste.", "fit.")
_TAKEN = ("fit.steps", "fit.epoch_steps", "fit.max_minutes", "fit.epochs", "fit.seed")


@dataclass(frozen=True)
class Lever:
    """A change: its name, and the flags of detect.train that make it."""

    name: str
    flags: tuple[str, ...]


def read_levers(path: Path, config: Path) -> tuple[Lever, ...]:
    """The levers of a file, each accepted by detect.train on top of a configuration.

    Raises:
        InputError: the file is not such a file; a name stands there twice; two levers change the same setting; a
            setting does not exist, is refused by detect.train, or is the screening's own. The message names the lever.
    """
    value = read_values(path)
    if not value or not all(isinstance(one, dict) and one for one in value.values()):
        raise InputError(
            f"{path}: give each lever a name and its settings, such as 'small batches: {{fit.batch_size: 4}}'"
        )
    levers, owners = [], dict[str, str]()
    for name, settings in value.items():
        for key in map(str, settings):
            if not key.startswith(_GROUPS) or key in _TAKEN:
                raise InputError(
                    f"{path}: lever {name!r}: {key!r} is no setting that a lever may change; these begin "
                    f"with {', '.join(_GROUPS)} and are not {', '.join(_TAKEN)}"
                )
            if key in owners:
                raise InputError(f"{path}: levers {owners[key]!r} and {name!r} both change {key}")
            owners[key] = str(name)
        flags = tuple(part for key, one in settings.items() for part in (f"--{key}", _word(one)))
        _require_accepted(f"{path}: lever {name!r}", ("--config", str(config), *flags))
        levers.append(Lever(str(name), flags))
    return tuple(levers)


def flags_of(levers: Mapping[str, Lever], on: tuple[str, ...]) -> tuple[str, ...]:
    """The flags of several levers."""
    return tuple(flag for name in on for flag in levers[name].flags)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _require_accepted(what: str, argv: tuple[str, ...]) -> None:
    parser = Parser(prog="detect.train")
    add_training_arguments(parser)
    add_settings(parser, Settings)
    try:
        settings_of(parser, parser.parse_args(with_default_config("detect", with_whole_flags(parser, argv))), Settings)
    except SystemExit as leaving:
        raise InputError(f"{what}: detect.train refuses it, see above") from leaving
    except InputError as error:
        raise InputError(f"{what}: {error}") from error
