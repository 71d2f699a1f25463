"""Checkpoints as safetensors and JSON, each written whole or not at all. No pickle is ever loaded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from data_tools.core.errors import InputError
from data_tools.files.atomic import atomic_folder, write_json

_STATE = "state.json"


def save_checkpoint(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    """Write each group of tensors to `<name>.safetensors` and `state` to state.json; replaces `folder` at once."""
    with atomic_folder(folder) as temporary:
        for name, group in tensors.items():
            save_file(
                {key: t.detach().cpu().contiguous().clone() for key, t in group.items()},
                temporary / f"{name}.safetensors",
            )
        write_json(temporary / _STATE, dict(state))


def load_state(folder: Path) -> dict[str, Any]:
    """The JSON part of a checkpoint.

    Raises:
        InputError: there is none, or it is not readable.
    """
    path = folder / _STATE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such checkpoint; the run has not finished an epoch yet") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path}: not a JSON object")
    return value


def load_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """One group of tensors of a checkpoint.

    Raises:
        InputError: missing or damaged file.
    """
    path = folder / f"{name}.safetensors"
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not readable as safetensors: {error}") from error


def load_weights(model: torch.nn.Module, folder: Path, name: str) -> None:
    """Load a group of tensors into `model`, every key exactly.

    Raises:
        InputError: missing or damaged file, or keys and shapes that differ from the model's.
    """
    try:
        model.load_state_dict(load_tensors(folder, name))
    except RuntimeError as error:
        raise InputError(f"{folder / name}.safetensors does not fit the model of config.yaml: {error}") from error


def load_best(model: torch.nn.Module, run: Path) -> None:
    """Load a run's best checkpoint and put the model where it predicts: on the accelerator if there is one.

    Raises:
        InputError: as `load_weights`.
    """
    load_weights(model, run / "best", "model")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as tensors named `<parameter number>.<name>`."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{name}": torch.as_tensor(value) for i, part in state.items() for name, value in part.items()}


def restore_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave; learning rates are the caller's business."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
