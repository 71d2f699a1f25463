"""Configuration files: installed ones by name, and a `base` that a file changes.

A file is a YAML mapping of settings. Its key `base` names another configuration, installed or beside the file, whose
settings it changes; what it does not name stays. Nothing in a file is imported or expanded.
"""

import logging
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from data_tools.core.errors import InputError
from data_tools.files.run_config import read_values

log = logging.getLogger(__name__)

BASE = "base"
_RENAMED = {"light": "standard"}


def resolve(name: str, approach: str) -> dict[str, Any]:
    """The settings of a configuration with those of its bases underneath.

    Args:
        name: path of a file, or an installed configuration: "standard", "detect/standard" or with configs/ and .yaml.
        approach: "detect" or "classify", whose installed configurations are meant.

    Raises:
        InputError: no such configuration, one that is no mapping, or bases that lead around in a circle.
    """
    return _resolve(find_configuration(name, approach), approach, ())


def find_configuration(name: str, approach: str, beside: Path | None = None) -> Path:
    """The file of a configuration, given as in `resolve`.

    Args:
        name, approach: see `resolve`.
        beside: the file that names it as its base; relative paths then start there.

    Raises:
        InputError: there is none.
    """
    given = Path(name) if beside is None else beside.parent / name
    path = given if given.is_file() else _installed(name, approach)
    if path is None:
        where = "" if beside is None else f"{beside}: {BASE} "
        names = sorted(one.name.removesuffix(".yaml") for one in (files("configs") / approach).iterdir())
        raise InputError(
            f"{where}{name!r}: no such file, and no installed configuration of {approach} ({', '.join(names)})"
        )
    return path.resolve()


def counting_epochs(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without a budget in steps, for whoever lays one in epochs over them."""
    fit = settings.get("fit")
    if not isinstance(fit, Mapping):
        return dict(settings)
    return {**settings, "fit": {key: value for key, value in fit.items() if key not in ("steps", "epoch_steps")}}


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them, group by group; neither is changed.

    A budget in epochs over one in steps takes its place.
    """
    fit = over.get("fit")
    if isinstance(fit, Mapping) and "epochs" in fit and "steps" not in fit:
        under = counting_epochs(under)
    return laid_over(under, over)


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping with another one laid over it, group by group; neither is changed."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        result[key] = laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def _installed(name: str, approach: str) -> Path | None:
    stem = name.removeprefix("configs/").removesuffix(".yaml").removeprefix(f"{approach}/")
    if stem in _RENAMED:
        log.info("the configuration %r is now called %r", stem, _RENAMED[stem])
        stem = _RENAMED[stem]
    if not stem or any(part in stem for part in ("/", "\\", "..", "\0")):
        return None
    with as_file(files("configs") / approach / f"{stem}.yaml") as path:
        return path if path.is_file() else None


def _resolve(path: Path, approach: str, chain: tuple[Path, ...]) -> dict[str, Any]:
    if path in chain:
        around = " -> ".join(str(one) for one in (*chain[chain.index(path) :], path))
        raise InputError(f"{chain[-1]}: its {BASE} leads around in a circle: {around}")
    settings = read_values(path)
    if BASE not in settings:
        return settings
    base = settings.pop(BASE)
    if not isinstance(base, str):
        raise InputError(f"{path}: {BASE} must be the name of one configuration, not {base!r}")
    return merged(_resolve(find_configuration(base, approach, path), approach, (*chain, path)), settings)
