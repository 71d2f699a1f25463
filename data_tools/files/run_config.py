"""Files of settings: a run's config.yaml and anybody's configuration. Nothing in one is imported or expanded."""

import dataclasses
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from data_tools.core.errors import InputError
from data_tools.core.printable import printable
from data_tools.files.atomic import write_text
from data_tools.files.regular import read_regular

CONFIG = "config.yaml"
_LARGEST, _DEEPEST = 1 << 20, 50
# yaml's own error, and what its constructors let through for a tag whose text does not fit: !!bool x, !!timestamp x
_UNREADABLE = (yaml.YAMLError, RecursionError, ValueError, KeyError, AttributeError, TypeError, OverflowError)
_STANDARD = "tag:yaml.org,2002:"
_KINDS = ("map", "seq", "str", "int", "float", "bool", "null")
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+$|[0-9_]+:)")
_FOREIGN = ("class_path", "config", "__path__")


def plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON values."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    return values


def write_settings(folder: Path, settings: Any, data: Path, reference: Path | None = None, reasons: str = "") -> None:
    """Write a run's config.yaml: data, run folder and every setting, so that `--config` or `--resume` can take it.

    `reference` is the folder of the images' templates, which stands there too where they have some. `reasons` of the
    settings, in lines, stand above them as comments.
    """
    places = {"data": str(data), "run": str(folder)} | ({} if reference is None else {"reference": str(reference)})
    text = yaml.safe_dump(places | plain(settings), sort_keys=False)
    comments = "".join(f"# {printable(line)}\n" for line in reasons.splitlines())
    write_text(folder / CONFIG, comments + text)


def read_values(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file of settings.

    Raises:
        InputError: no regular file, larger than 1 MiB, not UTF-8, no mapping, nested deeply, with aliases, whose
            expansion has no limit, with a key that stands twice or a value that YAML reads otherwise than it is
            written, or with a key that would make a parser import a class or read a file.
    """
    content = read_regular(path, _LARGEST)
    try:
        text = content.decode("utf-8-sig")
        _require_tame(path, text)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _require_as_written(path, node)
        values = None if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8: {error}") from error
    except _UNREADABLE as error:
        raise InputError(f"{path}: cannot be read as a configuration: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise InputError(f"{path}: a configuration is a mapping of settings, such as 'fit: {{epochs: 8}}'")
    foreign = _foreign(values)
    if foreign is not None:
        raise InputError(f"{path}: {foreign!r} is no setting: a configuration imports and reads nothing")
    return values


def _require_tame(path: Path, text: str) -> None:
    """Refuse aliases and deep nesting before anything is built; the parser's work on brackets grows with the square."""
    depth = 0
    for event in yaml.parse(text):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark is not None else 0
            raise InputError(f"{path}, line {line}: aliases (*{event.anchor}) are not expanded; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise InputError(f"{path}: nested more than {_DEEPEST} deep, as no configuration is")


def _require_as_written(path: Path, node: yaml.Node | None, above: str = "", seen: set[str] | None = None) -> None:
    """Refuse a key that stands twice, of which the last would count, and a value that is read as another.

    These are dates, bytes, sets and the like, and numbers to the base of 8 or 60: 010 would be 8, and 1:30 be 90.

    Args:
        path: of the file.
        node: a part of it.
        above: the keys above it, each with a dot behind it, as `fit.lr` may stand for lr in fit.
        seen: the keys so far, with those above them.
    """
    if node is None:
        return
    where = f"{path}, line {node.start_mark.line + 1}"
    text = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if node.tag.startswith(_STANDARD) and node.tag.removeprefix(_STANDARD) not in _KINDS:
        kind = node.tag.removeprefix(_STANDARD)
        raise InputError(
            f"{where}: cannot be read as a configuration: {text!r} is a {kind} to YAML; text stands in quotes"
        )
    if node.tag in (f"{_STANDARD}int", f"{_STANDARD}float") and _OTHER_BASE.match(text):
        raise InputError(f"{where}: {text} is not read by tens in YAML; write another number, or text in quotes")
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _require_as_written(path, one)
    if isinstance(node, yaml.MappingNode):
        keys, own = set[str]() if seen is None else seen, set[str]()
        for key, one in node.value:
            short, name = str(key.value), f"{above}{key.value}"
            if name in keys:
                twice = short if short in own else name
                raise InputError(f"{path}, line {key.start_mark.line + 1}: {twice!r} stands there twice")
            keys.add(name)
            own.add(short)
            _require_as_written(path, one, f"{name}.", keys)


def _foreign(value: Any) -> str | None:
    """The first key anywhere inside that would make a parser import a class or read a file."""
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    if isinstance(value, Mapping):
        for key in value:
            if key in _FOREIGN:
                return str(key)
    return next((below for one in inside if (below := _foreign(one)) is not None), None)
