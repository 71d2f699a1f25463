"""Checkpoints as safetensors and JSON, each written whole or not at all. No pickle is ever loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.files.atomic import atomic_folder, write_json
from data_tools.files.checkpoint_files import STATE, best_weights, require_whole, write_checksums
from data_tools.files.json_object import read_object

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
_SCALER = "scaler."  # of fp16, whose loss is scaled by as much as the last steps bore
_SCALER_STATE = ("scale", "_growth_tracker")


def save_checkpoint(folder: Path, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    """Write each group of tensors to `<name>.safetensors`, `state` to state.json, and checksums; replaces `folder`.

    Raises:
        InputError: it cannot be written, as on a full disk; what stood at `folder` is untouched.
    """
    with atomic_folder(folder) as temporary:
        for name, group in tensors.items():
            own = {key: t.detach().cpu().contiguous().clone() for key, t in group.items()}
            try:
                save_file(own, temporary / f"{name}.safetensors")
            except SafetensorError as error:  # how it passes on what the operating system says
                raise InputError(
                    f"{folder}: cannot be written: {error}; once it can, go on with --run {folder.parent} --resume"
                ) from error
        write_json(temporary / STATE, dict(state))
        write_checksums(temporary)


def load_state(folder: Path) -> Fields:
    """The JSON part of a checkpoint.

    Raises:
        InputError: missing or damaged file.
    """
    require_whole(folder / STATE)
    return read_object(folder / STATE)


def load_tensors(folder: Path, name: str) -> dict[str, Tensor]:
    """One group of tensors of a checkpoint.

    Raises:
        InputError: missing or damaged file, or a value that is not finite.
    """
    path = folder / f"{name}.safetensors"
    require_whole(path)
    try:
        tensors = dict(load_file(path))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not readable as safetensors: {error}") from error
    for key, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            raise InputError(f"{path}: {key!r} has values that are not finite: damaged")
    return tensors


def load_weights(model: torch.nn.Module, folder: Path, name: str) -> None:
    """Load a group of tensors into `model`, every key exactly.

    Raises:
        InputError: missing or damaged file, or keys and shapes that differ from the model's.
    """
    tensors, own, path = load_tensors(folder, name), model.state_dict(), folder / f"{name}.safetensors"
    for key in (*own, *tensors):
        ours, theirs = (_described(group.get(key)) for group in (own, tensors))
        if ours != theirs:
            raise InputError(f"{path}: {key!r} is {theirs}, and {ours} in the model that the run's files describe")
    model.load_state_dict(tensors)


def _described(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def load_best(model: torch.nn.Module, run: Path) -> None:
    """Load a run's best checkpoint and put the model where it predicts: on the accelerator if there is one.

    Raises:
        InputError: as `load_weights`, or weights that the run's manifest does not know.
    """
    path = best_weights(run)
    load_weights(model, path.parent, path.stem)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """AdamW's state as tensors named `<parameter number>.<name>`, and that of the scaler of fp16 where there is one."""
    state = optimizer.state_dict()["state"]
    tensors = {f"{i}.{name}": torch.as_tensor(value) for i, part in state.items() for name, value in part.items()}
    scaler = _scaler_of(optimizer)
    known = {} if scaler is None else scaler.state_dict()
    return tensors | {f"{_SCALER}{name}": torch.tensor(float(known[name])) for name in _SCALER_STATE if name in known}


def restore_optimizer(optimizer: Optimizer, folder: Path, steps: int) -> None:
    """Put back what `optimizer_tensors` gave, after so many steps; learning rates are the caller's business.

    Raises:
        InputError: a missing or damaged file, or tensors that are not AdamW's of these parameters.
    """
    path = folder / "optimizer.safetensors"
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    places = set(map(str, range(len(parameters))))
    state: dict[int, dict[str, Tensor]] = {}
    tensors = load_tensors(folder, "optimizer")
    _restore_scaler(_scaler_of(optimizer), tensors, path)
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        if not (number in places and name in _MOMENTS):
            raise InputError(f"{path}: {key!r} belongs to no parameter of this model's optimizer")
        shape = torch.Size() if name == "step" else parameters[int(number)].shape
        if value.shape != shape or not value.is_floating_point():
            raise InputError(f"{path}: {key!r} is {_described(value)}, not floating point {tuple(shape)}")
        if (name != "exp_avg" and (value < 0).any()) or (name == "step" and value > steps):
            raise InputError(f"{path}: {key!r} is out of its range: damaged")
        state.setdefault(int(number), {})[name] = value
    for place, parts in state.items():
        if len(parts) < len(_MOMENTS):
            missing = next(name for name in _MOMENTS if name not in parts)
            raise InputError(f"{path}: '{place}.{missing}' is missing")
    if steps and not state:
        raise InputError(f"{path}: is empty after {steps} steps")
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _scaler_of(optimizer: Optimizer) -> Any:
    """What accelerate has given the optimizer; None unless it trains in fp16."""
    return getattr(optimizer, "scaler", None)


def _restore_scaler(scaler: Any, tensors: dict[str, Tensor], path: Path) -> None:
    """Put back the scaler's state, taken out of the tensors; checkpoints of before it was kept have none."""
    if scaler is None:
        return
    known = {name: tensors.pop(f"{_SCALER}{name}") for name in _SCALER_STATE if f"{_SCALER}{name}" in tensors}
    for name, value in known.items():
        if value.shape != torch.Size() or value < 0 or (name == "scale" and value == 0):
            raise InputError(f"{path}: '{_SCALER}{name}' is out of its range: damaged")
    if known:
        as_kept = {name: int(value) if name == "_growth_tracker" else float(value) for name, value in known.items()}
        scaler.load_state_dict(scaler.state_dict() | as_kept)


def random_state() -> dict[str, Tensor]:
    """The state of torch's random numbers, as tensors."""
    state = {"torch": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def restore_random_state(folder: Path) -> None:
    """Put back what `random_state` gave.

    Raises:
        InputError: a missing or damaged file, or tensors that are no state of random numbers.
    """
    path, tensors = folder / "random.safetensors", load_tensors(folder, "random")
    if "torch" not in tensors or tensors.keys() - {"torch", "cuda"}:  # "cuda" only where a GPU was
        raise InputError(f"{path}: holds {', '.join(tensors) or 'nothing'}, not the state of torch's random numbers")
    for name, now in random_state().items():
        if _described(tensors.get(name, now)) != _described(now):
            raise InputError(f"{path}: {name!r} is {_described(tensors[name])}, not {_described(now)}")
    try:
        torch.set_rng_state(tensors["torch"])
        if "cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["cuda"])
    except RuntimeError as error:
        raise InputError(f"{path}: no state of random numbers: {error}") from error
