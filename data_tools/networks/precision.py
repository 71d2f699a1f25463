"""Number formats: bfloat16 where the processor multiplies it in hardware, and where it is slower all the same."""

from typing import Any

import torch
from torch import Tensor, nn


def resolve_precision(name: str) -> str:
    """ "auto" becomes "bf16" where the device multiplies bfloat16 in hardware, else "no"; other names stay."""
    if name != "auto":
        return name
    return "bf16" if _has_bf16() else "no"


def keep_depthwise_full(module: nn.Module) -> None:
    """Let every depthwise convolution under `module` compute in float32 on a CPU, whatever autocast says.

    oneDNN's backward pass of a depthwise convolution is several times slower in bfloat16 than in float32, which eats
    all that the other layers gain. Parameters and names in `state_dict` stay as they are.
    """
    for child in module.modules():
        kind = type(child)
        if isinstance(child, nn.Conv2d) and child.groups == child.in_channels > 1:
            child.__class__ = type(f"Full{kind.__name__}", (_FullPrecision, kind), {})


class _FullPrecision:
    """Mixed into a layer: a forward pass without autocast on a CPU."""

    def forward(self, values: Tensor) -> Tensor:
        parent: Any = super()
        if values.device.type != "cpu":
            out: Tensor = parent.forward(values)
            return out
        with torch.autocast("cpu", enabled=False):
            full: Tensor = parent.forward(values.float())
        return full


def _has_bf16() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
