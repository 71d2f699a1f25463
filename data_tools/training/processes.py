"""The one place that knows that several processes may make a run together, as torchrun starts them.

A process alone needs none of this: every function then gives back what it was given. Otherwise each one is a meeting
that every process must come to, in the same order. What they exchange, torch pickles; it goes from one of the run's own
processes to another and is never read from a file.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as group
from accelerate import PartialState
from torch import Tensor, nn

from data_tools.training.launch import number_started

T = TypeVar("T")


class PeerLostError(Exception):
    """Another process of this run has ended before its time; what went wrong is for that one to say. Exit status 1."""


@contextmanager
def joined() -> Iterator[None]:
    """Meet the processes that torchrun has started with this one: over NCCL on GPUs, else over gloo.

    All but the main process keep quiet meanwhile, apart from warnings and errors.

    Raises:
        PeerLostError: an exchange broke off.
    """
    if number_started() < 2 or "LOCAL_RANK" not in os.environ or group.is_initialized():
        yield
        return
    PartialState(cpu=not torch.cuda.is_available())
    if not is_main():
        logging.disable(logging.INFO)
    try:
        yield
    except RuntimeError as error:
        if not _is_about_a_peer(error):
            raise
        raise PeerLostError("another process of this run has failed or was ended; see its message") from error
    finally:
        logging.disable(logging.NOTSET)
        group.destroy_process_group()
        PartialState._reset_state()


def count() -> int:
    """How many processes make this run."""
    return group.get_world_size() if group.is_initialized() else 1


def rank() -> int:
    """This process's number, from 0."""
    return group.get_rank() if group.is_initialized() else 0


def is_main() -> bool:
    """Whether this is the process that writes, prints and decides."""
    return rank() == 0


def on_main(function: Callable[[], T]) -> T:
    """Call `function` in the main process alone, and give its result to all."""
    if count() == 1:
        return function()
    box: list[T | None] = [function() if is_main() else None]
    group.broadcast_object_list(box, src=0)
    result: T = box[0]  # type: ignore[assignment]
    return result


def gather(value: T) -> list[T]:
    """Every process's value, in the order of their numbers."""
    if count() == 1:
        return [value]
    values: list[T | None] = [None] * count()
    group.all_gather_object(values, value)
    return values  # type: ignore[return-value]


def totals(*values: float) -> list[float]:
    """Each number summed over the processes."""
    return _reduced(values, group.ReduceOp.SUM)


def maxima(*values: float) -> list[float]:
    """The largest of each number over the processes."""
    return _reduced(values, group.ReduceOp.MAX)


def average(values: Tensor) -> Tensor:
    """The mean of a tensor of one shape over the processes, without gradient.

    Gradients are averaged over the processes. So a loss that is a sum over n things, n differing from one process to
    another, must be divided by the average of n to have the gradient of the mean over all of them.
    """
    if count() == 1:
        return values.detach()
    summed = values.detach().clone()
    group.all_reduce(summed)
    return summed / count()


def share_batch_statistics(module: nn.Module) -> None:
    """Let every batch norm under `module` that is in training mode use the statistics of all processes' images.

    torch's own synchronised batch norm does this on GPUs alone, and by kernels of another kind. Parameters and names in
    `state_dict` stay as they are.
    """
    if count() == 1:
        return
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            kind = type(child)
            child.__class__ = type(f"Shared{kind.__name__}", (_SharedStatistics, kind), {})


class _Sum(torch.autograd.Function):
    """A tensor summed over the processes; so each process's gradient counts in all of them."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        summed = values.clone()
        group.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        summed = gradient.contiguous().clone()
        group.all_reduce(summed)
        return summed


def _sum(values: Tensor) -> Tensor:
    summed: Tensor = _Sum.apply(values)
    return summed


class _SharedStatistics:
    """Mixed into a 2-d batch norm, with or without an activation behind it (timm's)."""

    def forward(self, values: Tensor) -> Tensor:
        """(n, c, h, w) -> the same shape and number format."""
        layer: nn.BatchNorm2d = self  # type: ignore[assignment]
        if not layer.training:
            parent: nn.BatchNorm2d = super()  # type: ignore[assignment]
            return parent.forward(values)
        full = values.float()
        number = values.numel() / values.shape[1]
        sizes = full.new_full((1,), number)
        summed = _sum(torch.cat([full.sum(dim=(0, 2, 3)), sizes]))
        total = summed[-1].detach()
        mean = (summed[:-1] / total).view(1, -1, 1, 1)
        centred = full - mean
        squares = _sum((centred**2).sum(dim=(0, 2, 3)))
        variance = squares / total
        _update_statistics(layer, mean.detach().flatten(), (squares / (total - 1).clamp(min=1)).detach())
        out = centred * torch.rsqrt(variance + layer.eps).view(1, -1, 1, 1)
        if layer.affine:
            out = out * layer.weight.view(1, -1, 1, 1) + layer.bias.view(1, -1, 1, 1)
        out = out.to(values.dtype)
        for name in ("drop", "act"):
            after = getattr(layer, name, None)
            out = out if after is None else after(out)
        return out


@torch.no_grad()
def _update_statistics(layer: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    if not layer.track_running_stats or layer.running_mean is None or layer.running_var is None:
        return
    assert layer.num_batches_tracked is not None
    layer.num_batches_tracked.add_(1)
    weight = 1.0 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
    layer.running_mean.lerp_(mean.to(layer.running_mean.dtype), weight)
    layer.running_var.lerp_(variance.to(layer.running_var.dtype), weight)


def _reduced(values: Sequence[float], operation: "group.ReduceOp.RedOpType") -> list[float]:
    if count() == 1:
        return list(values)
    tensor = torch.tensor(values, dtype=torch.float64, device=PartialState().device)
    group.all_reduce(tensor, op=operation)
    result: list[float] = tensor.tolist()
    return result


def _is_about_a_peer(error: RuntimeError) -> bool:
    words = ("closed by peer", "reset by peer", "broken pipe", "connection refused", "timed out", "gloo")
    return isinstance(error, group.DistError) or any(word in str(error).lower() for word in words)
