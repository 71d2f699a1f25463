"""Typed settings from command lines, mappings and run folders: a dataclass says which groups there are.

A settings class is a frozen dataclass whose fields are dataclasses or plain values, each with a default. A field's
metadata may hold its "help" for the command line.
"""

import argparse
import dataclasses
import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from jsonargparse import Namespace

from data_tools.commands.configurations import laid_over
from data_tools.commands.parser import Parser
from data_tools.core.errors import InputError
from data_tools.files.run_config import CONFIG, plain, read_values
from data_tools.files.runs import MANIFEST, is_exchanged

Settings = TypeVar("Settings")

_PLACES = ("data", "run", "images", "reference")  # they stand in config.yaml beside the settings
WITHOUT_EFFECT = ("fit.workers", "fit.checkpoint_minutes", "fit.tensorboard")  # on the result of a training


def add_settings(parser: Parser, kind: type[Any]) -> None:
    """A flag, or a group of dotted flags, for each field of the settings class `kind`."""
    hints = get_type_hints(kind)
    defaults = kind()
    for field in dataclasses.fields(kind):
        default = getattr(defaults, field.name)
        parser.add_argument(
            f"--{field.name}", type=hints[field.name], default=default, help=field.metadata.get("help", "")
        )
    close_groups(parser, _groups_of(kind))


def close_groups(parser: Parser, names: Set[str]) -> None:
    """Let groups of settings be given one by one alone: where a group is expected, no file is read for it."""
    parser.setting_groups |= names
    for action in parser._actions:
        if action.dest in parser.setting_groups:  # jsonargparse would take a file there, which `Parser` does not
            action.help = argparse.SUPPRESS


def settings_of(parser: Parser, arguments: Namespace, kind: type[Settings]) -> Settings:
    """The settings that a command line gives.

    Raises:
        InputError: values that do not go together.
    """
    values = parser.instantiate(arguments)
    return kind(**{field.name: getattr(values, field.name) for field in dataclasses.fields(kind)})  # type: ignore[arg-type]


def settings_from(kind: type[Settings], values: Mapping[str, Any], source: str) -> Settings:
    """Settings from a mapping, nested or with dotted keys; what it does not name keeps its default.

    Args:
        kind: the settings class.
        values: such as {"fit.epochs": 8, "model": {"backbone": "resnet50"}}.
        source: for messages.

    Raises:
        InputError: a key or value that does not fit.
    """
    parser = Parser(exit_on_error=False)
    add_settings(parser, kind)
    try:
        return settings_of(parser, parser.parse_object(nested(values)), kind)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    except (argparse.ArgumentError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{source}: {parser.explain(str(error))}") from error


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping whose dotted keys are opened: {"a.b": 1, "a": {"c": 2}} -> {"a": {"b": 1, "c": 2}}."""
    opened: dict[str, Any] = {}
    for key, value in values.items():
        *groups, name = str(key).split(".")
        place = opened
        for group in groups:
            place = place.setdefault(group, {})
        if isinstance(value, Mapping) and isinstance(place.get(name, {}), dict):
            place[name] = laid_over(place.get(name, {}), nested(value))
        else:
            place[name] = value
    return opened


def read_settings(kind: type[Settings], folder: Path) -> Settings:
    """The settings that a run was trained with.

    Raises:
        InputError: config.yaml is missing, was changed since, or does not fit.
    """
    path = folder / CONFIG
    if path.is_file() and (folder / MANIFEST).exists() and is_exchanged(folder, CONFIG):
        raise InputError(
            f"{path}: does not match its checksum in {MANIFEST}: changed since the run was started; put it back as it "
            f"was. To train with other settings: --config {path} --run NEW"
        )
    values = read_values(path)
    lacking = [field.name for field in dataclasses.fields(kind) if field.name not in values]  # type: ignore[arg-type]
    if lacking:
        raise InputError(f"{path}: not the configuration of a run: {lacking[0]!r} is missing")
    return settings_from(kind, {key: value for key, value in values.items() if key not in _PLACES}, str(path))


def resumed_settings(kind: type[Settings], given: Settings | None, run: Path) -> Settings:
    """What a training that goes on takes: the settings given, or its run's own.

    A resumed run keeps its settings, because its files speak of one training; only those that change no result may
    differ.

    Raises:
        InputError: a setting that differs from the run's; the message shows both values.
    """
    own = read_settings(kind, run)
    if given is None:
        return own
    ours, theirs = flat(plain(own)), flat(plain(given))
    changed = [key for key in ours if ours[key] != theirs[key] and key not in WITHOUT_EFFECT]
    if changed:
        what = "; ".join(f"{key} {json.dumps(ours[key])}, now {json.dumps(theirs[key])}" for key in changed)
        raise InputError(
            f"{run}: was started with other settings: {what}. Resume it without them, or start another run"
        )
    return given


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping with dotted keys: {"a": {"b": 1}} -> {"a.b": 1}."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        result |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return result


def _groups_of(kind: type[Any], prefix: str = "") -> set[str]:
    hints = {name: hint for name, hint in get_type_hints(kind).items() if dataclasses.is_dataclass(hint)}
    below = [_groups_of(hint, f"{prefix}{name}.") for name, hint in hints.items()]  # type: ignore[arg-type]
    return {f"{prefix}{name}" for name in hints}.union(*below)
