import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from classify.cam import cam_maps, gather_evidence
from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam import activations_and_gradients
from data_tools.networks.cam_names import CLASSIFIER_METHODS


class Tiny(nn.Module):
    """Two channels by hand: the image and its double; in-place ReLU; mean; weights 1 and -0.25."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.linear = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[1.0, 0, 0], [2.0, 0, 0]])[..., None, None])
            self.linear.weight.copy_(torch.tensor([[1.0, -0.25]]))

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(self.relu(self.layer(images)).mean(dim=(2, 3)))


def tiny_images() -> Tensor:
    images = torch.zeros(2, 3, 2, 2)
    images[0, 0] = torch.tensor([[4.0, 0], [0, 8]])
    images[1, 0] = torch.tensor([[0.0, 2], [0, 0]])
    return images


def test_grad_cam_by_hand() -> None:
    """Gradient of each cell is weight / 4 where the ReLU is open; only open cells count in the mean."""
    model = Tiny()
    logits, maps = cam_maps(model, model.relu, tiny_images())
    assert logits[:, 0].tolist() == [3 - 0.25 * 6, 0.5 - 0.25 * 1]
    # weights 1/4 and -1/16; activation a and 2a: a (1/4 - 1/8) = a / 8
    assert maps[0].tolist() == [[0.5, 0], [0, 1.0]]
    assert maps[1].tolist() == [[0, 0.25], [0, 0]]


def test_the_other_methods_by_hand() -> None:
    model = Tiny()
    maps = {name: cam_maps(model, model.relu, tiny_images(), name)[1][0] for name in CLASSIFIER_METHODS}
    # eigen-cam: cells lie on the line (a, 2a) around their mean 3, at distance sqrt(5) (a - 3)
    assert maps["eigencam"] == pytest.approx(np.sqrt(5) * np.array([[1.0, 0], [0, 5.0]]), abs=1e-5)
    # ablation-cam: the logit 1.5 is 3 - 1.5, so without a channel it falls by 3 and by -1.5: weights 2 and -1
    assert maps["ablationcam"].tolist() == [[0, 0], [0, 0]]
    # score-cam: both channels scale to the same mask (.5, 0, 0, 1), so both weigh 1/2
    assert maps["scorecam"] == pytest.approx(np.array([[6.0, 0], [0, 12.0]]), abs=1e-5)
    assert maps["hirescam"].tolist() == [[0.5, 0], [0, 1.0]]
    assert maps["layercam"].tolist() == [[1.0, 0], [0, 2.0]]
    assert maps["xgradcam"] == pytest.approx(np.array([[0.5, 0], [0, 1.0]]), abs=1e-5)
    # grad-cam++: channel 0 has gradient g = 1/4, sum of activations 12: alpha = g^2 / (2 g^2 + 12 g^3) = 0.2
    assert maps["gradcam++"] == pytest.approx(np.array([[0.8, 0], [0, 1.6]]), abs=1e-5)


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0"])
@pytest.mark.parametrize("trainable", ["all", "none"])
def test_grad_cam_is_the_head_on_the_last_map(name: str, trainable: str) -> None:
    """With mean pooling and a linear layer, Grad-CAM is the head applied to each cell (Selvaraju et al., sec. 3.1)."""
    torch.manual_seed(0)
    model = make_classifier(name, trainable)
    images = torch.rand(2, 3, 64, 96)
    logits, maps = cam_maps(model, model.backbone.layer_of(32), images)
    with torch.no_grad():
        last = model.eval().backbone(images)[-1]
        expected = torch.einsum("ncrs,c->nrs", last, model.linear.weight[0]).relu() / (last.shape[2] * last.shape[3])
        assert torch.allclose(logits, model(images), atol=1e-5)
    assert maps == pytest.approx(expected.numpy(), abs=1e-5)


def test_one_by_one_equals_all_at_once() -> None:
    model = make_classifier("simple_cnn", "all")
    images = torch.rand(3, 3, 64, 64)
    for stride, method in itertools.product((16, 32), CLASSIFIER_METHODS):
        layer = model.backbone.layer_of(stride)
        together = cam_maps(model, layer, images, method)[1]
        alone = np.concatenate([cam_maps(model, layer, images[i : i + 1], method)[1] for i in range(3)])
        assert together == pytest.approx(alone, abs=1e-5), (stride, method)


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0"])
def test_the_forward_only_gradients_are_those_of_the_backward_pass(name: str) -> None:
    torch.manual_seed(0)
    model = make_classifier(name, "none")
    images = torch.rand(2, 3, 64, 96)
    forward = gather_evidence(model, model.backbone.layer_of(32), images)
    logits, activations, gradients = activations_and_gradients(
        model, model.backbone.layer_of(32), lambda: model(images)
    )
    assert not forward.gradients.requires_grad
    assert torch.allclose(forward.logits, logits, atol=1e-6)
    assert torch.allclose(forward.activations, activations, atol=1e-6)
    assert torch.allclose(forward.gradients, gradients, atol=1e-7)


def test_ablation_cam_without_a_negative_logit_turned_around() -> None:
    """Weights 1 and 0.25: channels a and 2a lift the logit by 3 and 1.5 of 4.5, and the bias takes 6 away."""
    model = Tiny()
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor([[1.0, 0.25]]))
        model.linear.bias = nn.Parameter(torch.tensor([-6.0]))
    logits, maps = cam_maps(model, model.relu, tiny_images()[:1], "ablationcam")
    # weights 3 / 1.5 and 1.5 / 1.5; map 2 a + 2 a
    assert logits.tolist() == [[-1.5]]
    assert maps[0].tolist() == [[16.0, 0], [0, 32.0]]


def test_an_unknown_method_is_named() -> None:
    model = Tiny()
    with pytest.raises(KeyError, match="smoothgrad"):
        cam_maps(model, model.relu, tiny_images(), "smoothgrad")


def test_images_are_not_changed() -> None:
    model = make_classifier("simple_cnn", "all")
    images = torch.rand(1, 3, 64, 64)
    before = images.clone()
    for method in CLASSIFIER_METHODS:
        cam_maps(model, model.backbone.layer_of(16), images, method)
    assert torch.equal(images, before)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
@pytest.mark.parametrize("method", CLASSIFIER_METHODS)
@pytest.mark.parametrize("stride", [16, 32])
def test_any_caller_and_the_model_is_left_as_found(context: type, method: str, stride: int) -> None:
    model = make_classifier("simple_cnn", "none").train()
    model.linear.weight.grad = torch.ones_like(model.linear.weight)
    before = snapshot(model)
    with context():
        _, maps = cam_maps(model, model.backbone.layer_of(stride), torch.rand(1, 3, 64, 64), method)
    assert maps.shape == (1, 64 // stride, 64 // stride)
    assert snapshot(model) == before


@pytest.mark.parametrize("method", CLASSIFIER_METHODS)
@pytest.mark.parametrize("stride", [16, 32])
def test_an_exception_leaves_the_model_as_found(method: str, stride: int) -> None:
    model = make_classifier("simple_cnn", "all").train()
    before = snapshot(model)
    with pytest.raises(RuntimeError):
        cam_maps(model, model.backbone.layer_of(stride), torch.rand(1, 5, 64, 64), method)
    with pytest.raises(RuntimeError, match="0 outputs"):
        cam_maps(model, nn.Identity(), torch.rand(1, 3, 64, 64), method)
    with pytest.raises(RuntimeError, match="not a map"):
        cam_maps(model, model.linear, torch.rand(1, 3, 64, 64), method)
    assert snapshot(model) == before


def make_classifier(name: str, trainable: str) -> Classifier:
    return Classifier(build_backbone(name, "none"), ClassifierConfig(name, "none", trainable))  # type: ignore[arg-type]


def snapshot(model: nn.Module) -> tuple:
    return (
        [module.training for module in model.modules()],
        [len(module._forward_hooks) for module in model.modules()],
        [parameter.requires_grad for parameter in model.parameters()],
        [None if p.grad is None else p.grad.flatten().tolist() for p in model.parameters()],
        [buffer.flatten().tolist() for buffer in model.buffers()],
    )
