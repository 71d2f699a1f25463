"""Checkpoints: what is written is read back, and what is not as it was written is refused by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from data_tools.core.errors import InputError
from data_tools.training.checkpoint import (
    load_state,
    load_tensors,
    load_weights,
    optimizer_tensors,
    random_state,
    restore_optimizer,
    restore_random_state,
    save_checkpoint,
)

Tensors = dict[str, Tensor]


def trained() -> tuple[nn.Module, torch.optim.AdamW]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    for _ in range(2):
        model(torch.ones(4, 3)).sum().backward()
        optimizer.step()
    return model, optimizer


@pytest.fixture
def last(tmp_path: Path) -> Path:
    model, optimizer = trained()
    tensors = {"model": model.state_dict(), "optimizer": optimizer_tensors(optimizer), "random": random_state()}
    save_checkpoint(tmp_path / "last", tensors, {"step": 2})
    return tmp_path / "last"


def change(folder: Path, name: str, how: Callable[[Tensors], Tensors]) -> None:
    """Change a file of a checkpoint of version 0.1, which has no checksums."""
    (folder / "sha256.json").unlink()
    path = folder / f"{name}.safetensors"
    save_file(how(load_file(path)), path)


def test_all_comes_back(last: Path) -> None:
    model, optimizer = trained()
    drawn = torch.rand(3)
    fresh = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    other = torch.optim.AdamW(fresh.parameters())
    load_weights(fresh, last, "model")
    restore_optimizer(other, last, 2)
    assert load_state(last).values == {"step": 2}
    for a, b in ((fresh.state_dict(), model.state_dict()), (optimizer_tensors(other), optimizer_tensors(optimizer))):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)
    restore_random_state(last)
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize("name", ["model", "optimizer", "random"])
def test_a_flipped_bit_is_found(last: Path, name: str) -> None:
    path = last / f"{name}.safetensors"
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}\.safetensors: does not match its checksum"):
        load_tensors(last, name)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda t: t | {"0.bias": torch.full((2,), torch.nan)}, "'0.bias' has values that are not finite"),
        (lambda t: {"0.bias": t["0.bias"]}, "'0.weight' is absent, and float32 .2, 3. in the model"),
        (lambda t: t | {"more": torch.ones(1)}, "'more' is float32 .1,., and absent in the model"),
        (lambda t: t | {"0.bias": t["0.bias"].half()}, "'0.bias' is float16 .2,., and float32 .2,. in the model"),
        (lambda t: t | {"0.bias": torch.ones(3)}, "'0.bias' is float32 .3,., and float32 .2,. in the model"),
    ],
)
def test_weights_of_another_model_are_refused(last: Path, how: Callable[[Tensors], Tensors], message: str) -> None:
    change(last, "model", how)
    model, _ = trained()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(InputError, match=rf"model\.safetensors: {message}"):
        load_weights(model, last, "model")
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def without(tensors: Tensors, *keys: str) -> Tensors:
    return {key: value for key, value in tensors.items() if key not in keys}


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda t: {}, "is empty after 2 steps"),
        (lambda t: without(t, "1.exp_avg_sq"), "'1.exp_avg_sq' is missing"),
        (lambda t: t | {"9.step": torch.tensor(1.0)}, "'9.step' belongs to no parameter"),
        (lambda t: t | {"0.other": torch.tensor(1.0)}, "'0.other' belongs to no parameter"),
        (lambda t: t | {"1.exp_avg": torch.ones(3)}, "'1.exp_avg' is float32 .3,., not floating point .2,."),
        (lambda t: t | {"1.exp_avg": torch.ones(2, dtype=torch.int64)}, "'1.exp_avg' is int64"),
        (lambda t: t | {"1.exp_avg_sq": -torch.ones(2)}, "'1.exp_avg_sq' is out of its range"),
        (lambda t: t | {"1.step": torch.tensor(3.0)}, "'1.step' is out of its range"),
        (lambda t: t | {"1.step": torch.tensor(torch.inf)}, "'1.step' has values that are not finite"),
    ],
)
def test_an_optimizer_s_state_is_checked(last: Path, how: Callable[[Tensors], Tensors], message: str) -> None:
    change(last, "optimizer", how)
    _, optimizer = trained()
    with pytest.raises(InputError, match=rf"optimizer\.safetensors: {message}"):
        restore_optimizer(optimizer, last, 2)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda t: without(t, "torch"), "holds .*not the state of torch's random numbers"),
        (lambda t: t | {"more": torch.ones(1)}, "holds .*more.*, not the state"),
        (lambda t: t | {"torch": t["torch"][:9]}, "'torch' is uint8 .9,., not uint8"),
        (lambda t: t | {"torch": t["torch"].float()}, "'torch' is float32"),
    ],
)
def test_a_random_state_is_checked(last: Path, how: Callable[[Tensors], Tensors], message: str) -> None:
    change(last, "random", how)
    with pytest.raises(InputError, match=rf"random\.safetensors: {message}"):
        restore_random_state(last)
