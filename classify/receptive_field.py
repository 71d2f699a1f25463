"""Where a cell of a map looks by the network's strides and paddings alone, whatever its weights.

Symmetric padding puts the middle of the receptive field of cell i at pixel s*i of a map of stride s, up and left of the
middle s*i + (s-1)/2 of the pixels that the cell stands for; TensorFlow's 'same' padding, which pads even sides at the
right and bottom alone, puts it as far down and right (Araujo et al., Computing Receptive Fields of Convolutional Neural
Networks, Distill 2019).
"""

import copy

import torch
from torch import Tensor, nn

from data_tools.networks.backbones import Backbone

_SHORTEST, _LONGEST, _ACROSS = 1024, 4096, 32
_EXACT = (nn.Conv2d, nn.AvgPool2d, nn.Identity, nn.Dropout)


def looking_offset(backbone: Backbone, stride: int, input_hw: tuple[int, int]) -> tuple[float, float] | None:
    """The middle of a cell's receptive field minus the middle of the cell as it is drawn, (dx, dy) in input pixels.

    The mean over the cells of the map of that stride, which is drawn evenly over the input. In a copy of the network
    every kernel becomes uniform and everything else but pooling the identity, so that the centroid of a cell's gradient
    is the middle of its receptive field, also across shortcuts.

    Args:
        backbone: of convolutions, poolings, batch norms and activations.
        stride: of one of its maps.
        input_hw: height and width of the input.

    Returns:
        None for a network with other layers, or of receptive fields beyond 4,096 pixels.
    """
    body = _linear(copy.deepcopy(backbone.body).cpu().eval())
    index, offsets = backbone.strides.index(stride), []
    if body is None or not _is_linear(body, index):
        return None
    for side, is_row in ((input_hw[1], True), (input_hw[0], False)):
        middle = _middle_of_cell(body, index, stride, side, is_row)
        if middle is None:
            return None
        first, jump, cells = middle
        offsets.append(first + jump * (cells - 1) / 2 - side / 2)
    return offsets[0], offsets[1]


def _middle_of_cell(
    body: nn.Module, index: int, stride: int, side: int, is_row: bool
) -> tuple[float, float, int] | None:
    """Where cell 0 looks along one axis, in pixels from the input's edge, the step to the next cell, and their number.

    Paddings depend on whether sides are even at each level, so on the side modulo the stride: a strip longer by a
    multiple of it is measured, long enough that a receptive field in its middle is whole.
    """
    length = side % stride + _SHORTEST
    while length < _LONGEST + stride:
        shape = (1, 3, _ACROSS, length) if is_row else (1, 3, length, _ACROSS)
        strip = torch.ones(shape, requires_grad=True)
        maps: Tensor = body(strip)[index]
        along = 3 if is_row else 2
        here = maps.shape[along] // 2
        looks = [_centroid(maps, strip, cell, along) for cell in (here, here + 1)]
        if looks[0] is not None and looks[1] is not None:
            jump = looks[1] - looks[0]
            shape = (1, 3, _ACROSS, side) if is_row else (1, 3, side, _ACROSS)
            with torch.no_grad():
                cells = int(body(torch.ones(shape))[index].shape[along])
            return looks[0] - jump * here, jump, cells
        length += _SHORTEST
    return None


def _centroid(maps: Tensor, strip: Tensor, cell: int, along: int) -> float | None:
    """Of the gradient of one cell across the strip; None where it reaches the strip's ends, so that it may be cut."""
    (gradient,) = torch.autograd.grad(maps.select(along, cell).sum(), strip, retain_graph=True)
    weight = gradient.double().sum(dim=[axis for axis in range(4) if axis != along])
    if weight[0] != 0 or weight[-1] != 0:
        return None
    places = torch.arange(len(weight), dtype=torch.float64) + 0.5
    return float((weight * places).sum() / weight.sum())


@torch.no_grad()
def _is_linear(body: nn.Module, index: int) -> bool:
    """Whether no gate multiplies features, such as squeeze-and-excitation does."""
    images = torch.ones(1, 3, 64, 64)
    return torch.allclose(body(2 * images)[index], 2 * body(images)[index], rtol=1e-4)


def _linear(module: nn.Module) -> nn.Module | None:
    """The module with uniform kernels and without norms and activations, changed in place; None for other layers."""
    if isinstance(module, nn.Conv2d):
        with torch.no_grad():
            module.weight.fill_(1.0 / module.weight[0].numel())
            if module.bias is not None:
                module.bias.zero_()
        return module
    if isinstance(module, nn.modules.batchnorm._BatchNorm) or _is_activation(module):
        return nn.Identity()
    if type(module) is nn.MaxPool2d:
        return nn.AvgPool2d(module.kernel_size, module.stride, module.padding, module.ceil_mode)
    if not list(module.children()):
        return module if isinstance(module, _EXACT) else None
    for name, child in list(module.named_children()):
        replacement = _linear(child)
        if replacement is None:
            return None
        module._modules[name] = replacement
    return module


def _is_activation(module: nn.Module) -> bool:
    return type(module).__module__ == nn.ReLU.__module__ and not list(module.parameters())
