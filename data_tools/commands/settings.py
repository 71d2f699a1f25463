"""Typed settings from command lines, mappings and run folders: a dataclass says which groups there are.

A settings class is a frozen dataclass whose fields are dataclasses or plain values, each with a default. A field's
metadata may hold its "help" for the command line.
"""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import yaml
from jsonargparse import ArgumentParser, Namespace

from data_tools.commands.parser import Parser
from data_tools.core.errors import InputError
from data_tools.files.run_config import CONFIG

Settings = TypeVar("Settings")

_PLACES = ("data", "run", "images")  # they stand in config.yaml beside the settings


def add_settings(parser: ArgumentParser, kind: type[Any]) -> None:
    """A flag, or a group of dotted flags, for each field of the settings class `kind`."""
    hints = get_type_hints(kind)
    defaults = kind()
    for field in dataclasses.fields(kind):
        default = getattr(defaults, field.name)
        parser.add_argument(
            f"--{field.name}", type=hints[field.name], default=default, help=field.metadata.get("help", "")
        )


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
            place[name] = _merged(place.get(name, {}), nested(value))
        else:
            place[name] = value
    return opened


def read_settings(kind: type[Settings], folder: Path) -> Settings:
    """The settings that a run was trained with.

    Raises:
        InputError: config.yaml is missing or does not fit.
    """
    path = folder / CONFIG
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot read the run's configuration: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: not the configuration of a run")
    return settings_from(kind, {key: value for key, value in values.items() if key not in _PLACES}, str(path))


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    result = dict(first)
    for key, value in second.items():
        mergeable = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if mergeable else value
    return result
