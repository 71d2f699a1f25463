"""What a score owes to a layer: its activations and the score's gradients there, leaving the model as it was found.

The activation of the layer is cut out of the graph and made a leaf, so the backward pass stops there: frozen backbones
work, no parameter gets a gradient, and nothing before the layer is differentiated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def activations_and_gradients(model: nn.Module, layer: nn.Module, run: Callable[[], Tensor]) -> tuple[Tensor, ...]:
    """Run a model once and differentiate the sum of its scores with respect to a layer's output.

    Images do not influence each other in evaluation mode, so one backward pass serves a batch.

    Args:
        model: put into evaluation mode meanwhile. Flags, hooks, mode and `.grad` stay as they were, also after an
            exception; the caller may be in `no_grad` or `inference_mode`.
        layer: the module of the model whose (n, c, rows, columns) output is explained; used once in a run.
        run: calls the model, on tensors that `torch.inference_mode` has not made, and gives the scores.

    Returns:
        The detached scores, and float32 activations and gradients of one shape. Gradients are 0 where no score depends
        on the layer.

    Raises:
        RuntimeError: the layer was not used once in the run, or its output is no map.
    """
    with torch.inference_mode(False), torch.enable_grad(), evaluation_mode(model), _cut(layer) as taps:
        scores = run()
        tap = the_map(taps)
        gradients = None
        if scores.requires_grad:
            (gradients,) = torch.autograd.grad(scores.sum(), tap, allow_unused=True)
    activations = tap.detach().float()
    return scores.detach(), activations, torch.zeros_like(activations) if gradients is None else gradients.float()


def the_map(outputs: list[Tensor]) -> Tensor:
    """The one output that a hook has gathered.

    Raises:
        RuntimeError: there is not exactly one, or it is no (n, c, rows, columns) map.
    """
    if len(outputs) != 1 or outputs[0].ndim != 4:
        shapes = [tuple(output.shape) for output in outputs]
        raise RuntimeError(f"the layer gave {len(outputs)} outputs of shapes {shapes}, not a map")
    return outputs[0]


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards each module has the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def hooked(layer: nn.Module, hook: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Put what `hook` makes of each output of the layer in its place."""
    handle = layer.register_forward_hook(lambda _module, _inputs, output: hook(output))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def recorded(layer: nn.Module) -> Iterator[list[Tensor]]:
    """The layer's outputs land in the list, still part of the graph."""
    outputs: list[Tensor] = []

    def keep(output: Tensor) -> Tensor:
        outputs.append(output)
        return output.clone()  # a following in-place ReLU then changes the copy

    with hooked(layer, keep):
        yield outputs


@contextmanager
def _cut(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Replace the layer's output by a leaf of its own, which lands in the list."""
    leaves: list[Tensor] = []

    def cut(output: Tensor) -> Tensor:
        leaf = output.detach().clone().requires_grad_()
        leaves.append(leaf)
        return leaf.clone()  # as in `recorded`

    with hooked(layer, cut):
        yield leaves
