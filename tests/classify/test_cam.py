import numpy as np
import pytest
import torch
from torch import Tensor, nn

from classify.cam import METHODS, cam_maps
from classify.models import Classifier, ClassifierConfig
from data_tools.backbones import build_backbone


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
    found = {name: cam_maps(model, model.relu, tiny_images(), name)[1][0] for name in METHODS}
    assert found["hirescam"].tolist() == [[0.5, 0], [0, 1.0]]
    assert found["layercam"].tolist() == [[1.0, 0], [0, 2.0]]
    assert found["xgradcam"] == pytest.approx(np.array([[0.5, 0], [0, 1.0]]), abs=1e-5)
    # grad-cam++: channel 0 has gradient g = 1/4, sum of activations 12: alpha = g^2 / (2 g^2 + 12 g^3) = 0.2
    assert found["gradcam++"] == pytest.approx(np.array([[0.8, 0], [0, 1.6]]), abs=1e-5)


@pytest.mark.parametrize("name", ["simple_cnn", "tf_efficientnet_lite0"])
@pytest.mark.parametrize("trainable", ["all", "none"])
def test_grad_cam_is_the_head_on_the_last_map(name: str, trainable: str) -> None:
    """With mean pooling and a linear layer, Grad-CAM is the head applied to each cell (Selvaraju et al., sec. 3.1)."""
    torch.manual_seed(0)
    model = make_classifier(name, trainable)
    images = torch.rand(2, 3, 64, 96)
    logits, maps = cam_maps(model, model.cam_layer, images)
    with torch.no_grad():
        last = model.eval().backbone(images)[-1]
        expected = torch.einsum("ncrs,c->nrs", last, model.linear.weight[0]).relu() / (last.shape[2] * last.shape[3])
        assert torch.allclose(logits, model(images), atol=1e-5)
    assert maps == pytest.approx(expected.numpy(), abs=1e-5)


def test_one_by_one_equals_all_at_once() -> None:
    model = make_classifier("simple_cnn", "all")
    images = torch.rand(4, 3, 64, 64)
    for method in METHODS:
        together = cam_maps(model, model.cam_layer, images, method)[1]
        alone = np.concatenate([cam_maps(model, model.cam_layer, images[i : i + 1], method)[1] for i in range(4)])
        assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_any_caller_and_the_model_is_left_as_found(context: type) -> None:
    model = make_classifier("simple_cnn", "none").train()
    model.linear.weight.grad = torch.ones_like(model.linear.weight)
    before = snapshot(model)
    with context():
        _, maps = cam_maps(model, model.cam_layer, torch.rand(1, 3, 64, 64))
    assert maps.shape == (1, 2, 2)
    assert snapshot(model) == before


def test_an_exception_leaves_the_model_as_found() -> None:
    model = make_classifier("simple_cnn", "all").train()
    before = snapshot(model)
    with pytest.raises(RuntimeError):
        cam_maps(model, model.cam_layer, torch.rand(1, 5, 64, 64))
    with pytest.raises(RuntimeError, match="0 outputs"):
        cam_maps(model, nn.Identity(), torch.rand(1, 3, 64, 64))
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
