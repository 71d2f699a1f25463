from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from data_tools.loading.batch import Batch
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import PreprocessConfig
from data_tools.networks.backbones import build_backbone
from data_tools.networks.cam_methods import METHODS
from detect.config import DetectorConfig, PredictionConfig
from detect.explain import best_box_maps, explain
from detect.model import Detector


@pytest.fixture
def model() -> Detector:
    torch.manual_seed(0)
    config = DetectorConfig("simple_cnn", "none", frozen_to_stride=0, prediction=PredictionConfig(score_threshold=0.0))
    return Detector(build_backbone("simple_cnn", "none"), config, 1).train()


def make_batch(count: int) -> Batch:
    images = torch.rand(count, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    empty = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    none = torch.zeros(count)
    return Batch(images, ((64, 96),) * count, (empty,) * count, none, none.bool(), ~none.bool(), tuple(range(count)))


@pytest.mark.parametrize("stride", [8, 16, 32])
def test_a_map_of_each_image_on_the_backbones_grid(model: Detector, stride: int) -> None:
    state = [(p.requires_grad, p.grad) for p in model.parameters()]
    with torch.inference_mode():
        for method in METHODS:
            maps = best_box_maps(model, make_batch(2), method, stride)
            assert maps.shape == (2, 64 // stride, 96 // stride)
            assert bool((maps >= 0).all())
    assert maps.max() > 0
    assert model.training
    assert [(p.requires_grad, p.grad) for p in model.parameters()] == state
    assert not any(module._forward_hooks for module in model.modules())


def test_the_score_of_the_best_box_is_what_is_explained(model: Detector) -> None:
    """Grad-CAM's own quantity, by a plain backward pass to the layer on one image."""
    model.eval()
    layer, outputs = model.backbone.layers[model.backbone.strides.index(16)], []
    handle = layer.register_forward_hook(lambda _m, _i, output: outputs.append(output))
    score = model.detect(make_batch(1))[0].scores.max()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, outputs[0])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    expected = (weights * outputs[0]).sum(dim=1).relu().detach()
    maps = best_box_maps(model, make_batch(1), "gradcam", 16)
    assert torch.allclose(maps, expected, atol=1e-5 * float(expected.max()))


def test_maps_lie_over_the_original_image(model: Detector, tmp_path: Path, make_sample) -> None:
    """100 x 80 px cropped to 60 x 40: 4 x 3 of the 4 x 4 cells of 16 px show it, of the 6 x 5 of the whole image."""
    pixels = np.random.default_rng(0).integers(0, 255, (80, 100), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "1.png")
    sample = make_sample(1, size_hw=(80, 100))
    config = InputConfig(preprocess=PreprocessConfig(crop_px=20))
    (heatmap,) = explain(model, [sample], tmp_path, config, "eigencam", 16)
    assert heatmap.shape == (80 // 16, 100 // 16)
    assert not heatmap[0].any()
    assert heatmap[1:4].any()
    assert not heatmap[4].any()


def test_no_box_is_a_map_of_zeros() -> None:
    torch.manual_seed(0)
    config = DetectorConfig(
        "simple_cnn", "none", frozen_to_stride=0, prediction=PredictionConfig(score_threshold=0.999999)
    )
    model = Detector(build_backbone("simple_cnn", "none"), config, 1)
    assert not best_box_maps(model, make_batch(1), "gradcam", 16).any()
