"""The only place that builds a feature extractor."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import Tensor, nn

from data_tools.core.errors import InputError
from data_tools.networks.precision import keep_depthwise_full
from data_tools.networks.reference import ReferenceBranch
from data_tools.networks.weights import DEFECTS, Loaded, from_hub, load_weights, resolve_weights

SIMPLE_CNN = "simple_cnn"
_FINEST, _COARSEST = 4, 32  # strides of the maps that networks take


class SimpleCnn(nn.Module):
    """Five strided blocks of convolution, batch norm and ReLU: the small network of the original study's kind.

    `forward` maps (n, 3, h, w) to a list of feature maps of strides 2, 4, 8, 16, 32, like a timm feature backbone.
    """

    channels = (16, 32, 64, 128, 128)

    def __init__(self, keep: tuple[int, ...] = (0, 1, 2, 3, 4)) -> None:
        super().__init__()
        sides = (3, *self.channels)
        self.keep = keep
        self.blocks = nn.ModuleList(_block(a, b) for a, b in itertools.pairwise(sides))

    def forward(self, images: Tensor) -> list[Tensor]:
        """(n, 3, h, w) -> one (n, c, ceil(h/s), ceil(w/s)) map for each stride s kept."""
        maps: list[Tensor] = []
        for block in self.blocks:
            images = block(images)
            maps.append(images)
        return [maps[i] for i in self.keep]


class Backbone(nn.Module):
    """A feature extractor: (n, 3, h, w) images in 0..1 -> one map a stride, coarse ones last.

    Attributes:
        reference: what shows it the difference from good parts, the fourth channel of its images then; mostly None.
        channels, strides: of each returned map, in the order of `forward`.
        layers: the module whose output is each returned map.
        weights: where the parameters came from.
        pyramid, heads: the weights of other parts of a detector that came with them, see `Loaded`; mostly empty.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        body: nn.Module,
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        layer_names: tuple[str, ...],
        mean: tuple[float, ...],
        std: tuple[float, ...],
        loaded: Loaded,
    ) -> None:
        super().__init__()
        self.body = body
        self.reference: ReferenceBranch | None = None
        self.channels, self.strides = channels, strides
        self.weights, self.pyramid, self.heads = loaded.weights, loaded.pyramid, loaded.heads
        self._layer_names = layer_names
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalise as the weights expect and extract."""
        if self.reference is not None:
            images = self.reference(images)
        maps: list[Tensor] = self.body((images - self.mean) / self.std)
        return maps

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        """The modules behind `forward`'s maps, for hooks."""
        return tuple(self.body.get_submodule(name) for name in self._layer_names)

    def layer_of(self, stride: int) -> nn.Module:
        """The layer with the map of that stride.

        Raises:
            InputError: the backbone has no such map.
        """
        if stride not in self.strides:
            raise InputError(f"the backbone has maps of strides {self.strides}, none of stride {stride}")
        return self.layers[self.strides.index(stride)]


def build_backbone(name: str, weights: str) -> Backbone:
    """A backbone by name: one of `OWN_BACKBONES`, or any timm model that gives features ("resnet50", "vgg16", ...).

    Its maps are those of strides 4 to 32.

    Args:
        name: the architecture.
        weights: see `Weights.source`; or "auto", see `resolve_weights`.

    Raises:
        InputError: unknown name, weights that are not at hand or do not fit; the message says what to do.
    """
    weights = resolve_weights(name, weights)
    if name in OWN_BACKBONES:
        backbone = _own_backbone(name, weights)
    else:
        backbone = _timm_backbone(name, weights)
    if not backbone.strides:
        raise InputError(f"backbone {name!r} has no map with a stride within {_FINEST}..{_COARSEST}")
    keep_depthwise_full(backbone)
    return backbone


def first_layers(backbone: Backbone, stride: int) -> tuple[nn.Module, ...]:
    """The modules with weights up to the end of the map of that stride, in order; none for stride 0.

    They are single layers: a module that holds some of the later layers too is not among them. A layer may have modules
    of its own, such as the activation of timm's batch norm.

    Raises:
        InputError: the backbone has no map of that stride.
    """
    if stride == 0:
        return ()
    last = list(backbone.layer_of(stride).modules())[-1]
    modules = list(backbone.body.modules())
    end = next(i for i, module in enumerate(modules) if module is last)
    return tuple(m for m in modules[: end + 1] if [*m.parameters(recurse=False), *m.buffers(recurse=False)])


def freeze_statistics(module: nn.Module) -> None:
    """Keep every batch norm under `module` at its running statistics; call after each `train()`."""
    for child in module.modules():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            child.eval()


def describe_parts(parts: Mapping[str, nn.Module]) -> str:
    """A table with trainable and frozen parameters of each named part."""
    lines = [f"{'part':<22} {'trainable':>12} {'frozen':>12}"]
    for name, part in parts.items():
        counts = {flag: sum(p.numel() for p in part.parameters() if p.requires_grad is flag) for flag in (True, False)}
        lines.append(f"{name:<22} {counts[True]:>12,} {counts[False]:>12,}")
    return "\n".join(lines)


@dataclass(frozen=True)
class OwnBackbone:
    """A network of our own, or of a user, that starts from random weights or a file.

    Attributes:
        build: given which of the strides are kept, by place, makes a module that maps (n, 3, h, w) images, shifted and
            scaled from 0..1 to -1..1, to one map for each of them, finest first.
        channels, strides: of all maps.
        layers: name of the submodule behind each map.
    """

    build: Callable[[tuple[int, ...]], nn.Module]
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    layers: tuple[str, ...]


OWN_BACKBONES: dict[str, OwnBackbone] = {
    SIMPLE_CNN: OwnBackbone(SimpleCnn, SimpleCnn.channels, (2, 4, 8, 16, 32), tuple(f"blocks.{i}" for i in range(5))),
}


def _own_backbone(name: str, weights: str) -> Backbone:
    if weights in ("package", "timm", DEFECTS):
        raise InputError(f"{name} has no pretrained weights; use weights 'none', not {weights!r}")
    own = OWN_BACKBONES[name]
    keep = tuple(i for i, stride in enumerate(own.strides) if _FINEST <= stride <= _COARSEST)
    body = own.build(keep)
    loaded = load_weights(body, name, weights)
    return Backbone(
        body,
        tuple(own.channels[i] for i in keep),
        tuple(own.strides[i] for i in keep),
        tuple(own.layers[i] for i in keep),
        (0.5,) * 3,
        (0.5,) * 3,
        loaded,
    )


def _timm_backbone(name: str, weights: str) -> Backbone:
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "see timm.list_models()"
        raise InputError(f"unknown backbone {name!r}; a few near names: {near}")
    try:
        probe: Any = timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError, AssertionError, KeyError) as error:
        raise InputError(f"backbone {name!r} gives no feature maps: {error}") from error
    strides: list[int] = probe.feature_info.reduction()
    keep = tuple(i for i, stride in enumerate(strides) if _FINEST <= stride <= _COARSEST)
    if weights == "timm":
        body, source = from_hub(name, keep)
        loaded = Loaded(source)
    else:
        body = timm.create_model(name, pretrained=False, features_only=True, out_indices=keep) if keep else probe
        loaded = load_weights(body, name, weights)
    modules = dict(body.named_modules())
    names = [probe.feature_info.module_name(i) for i in keep]
    return Backbone(
        body,
        tuple(probe.feature_info.channels()[i] for i in keep),
        tuple(strides[i] for i in keep),
        # some timm wrappers flatten "features.30" to "features_30"
        tuple(name if name in modules else name.replace(".", "_") for name in names),
        probe.pretrained_cfg["mean"],
        probe.pretrained_cfg["std"],
        loaded,
    )


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
