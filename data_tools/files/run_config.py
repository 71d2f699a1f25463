"""A run's config.yaml: its data, its folder and every setting."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import yaml

from data_tools.files.atomic import write_text

CONFIG = "config.yaml"


def plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON values."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    return values


def write_settings(folder: Path, settings: Any, data: Path) -> None:
    """Write a run's config.yaml: data, run folder and every setting, so that `--config` or `--resume` can take it."""
    text = yaml.safe_dump({"data": str(data), "run": str(folder)} | plain(settings), sort_keys=False)
    write_text(folder / CONFIG, text)
