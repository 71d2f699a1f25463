"""Maps against the `grad-cam` package, relative to the map's maximum, on the layer's grid before any normalisation."""

import numpy as np
import pytest
import pytorch_grad_cam as reference
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction
from torch import Tensor, nn

from classify.cam import cam_maps
from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_methods import METHODS

BACKBONES = ("resnet50", "vgg16", "simple_cnn", "tf_efficientnet_lite0")
GRADIENT_METHODS = {
    "gradcam": reference.GradCAM,
    "gradcam++": reference.GradCAMPlusPlus,
    "hirescam": reference.HiResCAM,
    "layercam": reference.LayerCAM,
    "xgradcam": reference.XGradCAM,
}


@pytest.fixture(scope="module", params=BACKBONES)
def model(request: pytest.FixtureRequest) -> Classifier:
    torch.manual_seed(0)
    name = request.param
    built = Classifier(build_backbone(name, "none"), ClassifierConfig(name, "none")).eval()
    with torch.no_grad():
        built(torch.rand(2, 3, 64, 64))
        # statistics of some images, else random weights leave maps of almost nothing
        built.train()(torch.rand(4, 3, 64, 64))
        built.linear.weight.mul_(10)
        built.linear.bias.fill_(1.0)
    return built.eval()


@pytest.mark.parametrize("stride", [16, 32])
@pytest.mark.parametrize("count", [1, 4])
def test_gradient_methods(model: Classifier, count: int, stride: int) -> None:
    images = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for name, peer in GRADIENT_METHODS.items():
        # these two divide by sums that pass through zero where activations are negative; the package computes them in
        # float32, which is off by up to 5e-4 then, so its own code is given the same numbers as float64
        exact = name in ("gradcam++", "xgradcam")
        expected = raw_maps(peer, model, model.backbone.layer_of(stride), images, exact)
        assert_equal(cam_maps(model, model.backbone.layer_of(stride), images, name)[1], expected, name)


@pytest.mark.parametrize("name", ["gradcam++", "xgradcam"])
def test_float64_is_what_makes_the_difference(name: str) -> None:
    """A channel whose sum suffers from rounding: ours is the formula in float64, and float32 is off by a percent."""
    values = np.array([1e4, 1e-3, -1e4, 0], dtype=np.float32).reshape(1, 1, 2, 2)
    slopes = np.array([0.1, 0.2, 0.3, 0.4], dtype=np.float32).reshape(1, 1, 2, 2)
    if name == "gradcam++":  # 2 + total * slope of the last cell is 4e-4
        values = np.array([-1e4, 1e-3, 9995, 0], dtype=np.float32).reshape(1, 1, 2, 2)

    def weight(kind: type) -> float:
        a, g = values.astype(kind), slopes.astype(kind)
        total = a.sum()
        if name == "xgradcam":
            return float((g * a / (total + kind(1e-7))).sum())
        return float((g**2 / (2 * g**2 + total * g**3 + kind(1e-6)) * g).sum())

    assert abs(weight(np.float32) / weight(np.float64) - 1) > 0.01
    (ours,) = METHODS[name](torch.tensor(values), torch.tensor(slopes)).numpy()
    expected = np.maximum(weight(np.float64) * values[0, 0].astype(np.float64), 0)
    assert ours == pytest.approx(expected, rel=1e-6)


def test_eigen_cam(model: Classifier) -> None:
    images = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        activations = model.backbone(images)[-1].numpy()
    expected = np.maximum(get_2d_projection_with_sign_correction(activations), 0)
    assert_equal(cam_maps(model, model.backbone.layer_of(32), images, "eigencam")[1], expected, "eigencam")


@pytest.mark.parametrize("stride", [16, 32])
def test_perturbation_methods(stride: int) -> None:
    """On the small network alone: they take a forward pass for each channel."""
    torch.manual_seed(0)
    model = Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none")).eval()
    with torch.no_grad():
        model.linear.bias.fill_(1.0)
    images = torch.rand(2, 3, 64, 64)
    layer = model.backbone.layer_of(stride)
    logits, scored = cam_maps(model, layer, images, "scorecam")
    assert bool((logits > 0).all())  # for a negative one the package turns the map around
    assert_equal(scored, raw_maps(reference.ScoreCAM, model, layer, images), "scorecam")
    _, ablated = cam_maps(model, layer, images, "ablationcam")
    assert_equal(ablated, raw_maps(reference.AblationCAM, model, layer, images), "ablationcam")


def raw_maps(peer: type, model: nn.Module, layer: nn.Module, images: Tensor, exact: bool = False) -> np.ndarray:
    """The package's maps before it scales and upsamples them, from activations and gradients as float64 if `exact`."""
    maps: list[np.ndarray] = []

    class Recording(peer):  # type: ignore[misc]
        def get_cam_image(self, *arguments: object, **named: object) -> np.ndarray:
            if exact:  # input, layer, targets, activations, gradients, ...
                arguments = (*arguments[:3], *(np.float64(part) for part in arguments[3:5]), *arguments[5:])
            maps.append(super().get_cam_image(*arguments, **named))
            return maps[-1]

    with Recording(model, [layer]) as cam:
        cam(images, [ClassifierOutputTarget(0)] * len(images))
    model.zero_grad()
    return np.maximum(maps[0], 0)


def assert_equal(ours: np.ndarray, expected: np.ndarray, name: str, tolerance: float = 1e-5) -> None:
    tops = expected.max(axis=(1, 2))
    assert np.isfinite(tops).all(), name
    assert not ours[tops == 0].any(), name
    error = (np.abs(ours - expected).max(axis=(1, 2))[tops > 0] / tops[tops > 0]).max(initial=0.0)
    assert error <= tolerance, (name, error)
