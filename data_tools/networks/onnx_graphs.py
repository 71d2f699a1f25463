"""Networks -> ONNX graphs whose height, width and number of images are open."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional

from data_tools.core.errors import InputError
from data_tools.core.quiet import quiet
from data_tools.networks.backbones import Backbone

OPSET = 18
Sizes = Mapping[int, Any]
"""What `torch.export` may know of the axes of an input that are open, by axis."""


class StaticSame(nn.Module):
    """timm's convolution with TensorFlow's padding, for maps whose sides are multiples of the stride.

    That padding depends on the map's size in general, which makes a graph of symbolic arithmetic that takes minutes to
    export; for such sizes it is a constant.
    """

    def __init__(self, same: Conv2dSame) -> None:
        super().__init__()
        self.same = same
        sides = zip(same.kernel_size, same.dilation, same.stride, strict=True)
        down, across = ((kernel - 1) * dilation + 1 - stride for kernel, dilation, stride in sides)
        self.padding = (across // 2, across - across // 2, down // 2, down - down // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h / stride, w / stride)."""
        same = self.same
        padded = functional.pad(maps, self.padding)
        return functional.conv2d(padded, same.weight, same.bias, same.stride, 0, same.dilation, same.groups)


class OnnxSame(nn.Module):
    """timm's convolution with TensorFlow's padding, for maps of any size, to be exported and not to be run.

    ONNX knows that padding, so that no arithmetic of sizes is exported.
    """

    def __init__(self, same: Conv2dSame) -> None:
        super().__init__()
        self.same = same
        if max(same.dilation) > 1:
            raise InputError("a strided and dilated convolution with TensorFlow's padding: no runtime has it")

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', ceil(h / stride), ceil(w / stride))."""
        same = self.same
        # rounded up, in the form in which torch.export knows the sides of any other convolution
        sides = [(side - 1) // stride + 1 for side, stride in zip(maps.shape[2:], same.stride, strict=True)]
        answer: Tensor = torch.onnx.ops.symbolic(
            "Conv",
            (maps, same.weight) if same.bias is None else (maps, same.weight, same.bias),
            {
                "auto_pad": "SAME_UPPER",
                "kernel_shape": list(same.kernel_size),
                "strides": list(same.stride),
                "dilations": list(same.dilation),
                "group": same.groups,
            },
            dtype=maps.dtype,
            shape=(maps.shape[0], same.out_channels, *sides),
            version=OPSET,
        )
        return answer


def for_export(model: nn.Module, same: type[StaticSame] | type[OnnxSame] = StaticSame) -> nn.Module:
    """A copy on the processor in evaluation mode.

    Args:
        model: to be copied.
        same: what stands for timm's convolutions with TensorFlow's padding: `StaticSame` for inputs whose sides are
            multiples of the model's coarsest stride.

    Raises:
        InputError: `OnnxSame` cannot stand for one of them.
    """
    copied = copy.deepcopy(model).cpu().float().eval().requires_grad_(False)
    for name, module in list(copied.named_modules()):
        if isinstance(module, Conv2dSame):
            parent, _, own = name.rpartition(".")
            of_one_padding = max(module.stride) == 1
            setattr(copied.get_submodule(parent), own, (StaticSame if of_one_padding else same)(module))
    return copied


def write_graph(
    network: nn.Module,
    example: Mapping[str, Tensor],
    sizes: Sequence[Sizes],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write one ONNX file with its weights inside.

    Args:
        network: takes the inputs in their order and gives a tuple of outputs.
        example: of the inputs by name; sizes that are open must be above 1 in it.
        sizes: of each input.
        outputs: names.
        path: to write.

    Raises:
        InputError: the exporter's packages are not installed, or it cannot express the network.
    """
    try:
        with _silent():
            program = torch.onnx.export(
                network.eval(),
                tuple(example.values()),
                input_names=list(example),
                output_names=list(outputs),
                dynamic_shapes=tuple(dict(one) for one in sizes),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
            assert program is not None
            program.save(path)
    except ImportError as error:
        raise InputError(f"{error}; an export needs the extra: pip install '.[export]'") from error
    except torch.onnx.errors.OnnxExporterError as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise InputError(f"{path.name}: the network cannot be written as ONNX: {reason}") from error


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without the exporter's remarks about its own working; errors are raised as ever."""
    names = ("torch", "torch.onnx", "torch.export", "torch._guards", "torch._subclasses", "onnxscript", "onnx_ir")
    with quiet(logging.CRITICAL, *names), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def planes_of(backbone: Backbone) -> int:
    """How many planes an exported graph takes of an image: its gray levels, and the difference from a reference."""
    return 1 if backbone.reference is None else 2


def from_planes(images: Tensor, backbone: Backbone) -> Tensor:
    """(n, `planes_of`, h, w) -> what the backbone takes."""
    gray = images[:, :1].expand(-1, 3, -1, -1)
    return gray if backbone.reference is None else torch.cat([gray, images[:, 1:]], dim=1)
