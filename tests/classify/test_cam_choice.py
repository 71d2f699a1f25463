from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from classify.cam_choice import choose_cam
from classify.config import ClassifierConfig
from classify.models import Classifier
from classify.reading import CamChoice
from data_tools.core.errors import InputError
from data_tools.loading.input_config import InputConfig
from data_tools.networks.backbones import Backbone
from data_tools.networks.weights import Loaded, Weights


class TwoMaps(nn.Module):
    """A fine map that shows bright pixels where they are, and a coarse one that shows their mirror image."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.AvgPool2d(16), nn.Identity()

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = self.fine(images)[:, :1]
        return [fine, self.coarse(fine.flip(3))]


@pytest.fixture
def model() -> Classifier:
    """Its last map is called stride 32, although it is as fine as the other."""
    backbone = Backbone(
        TwoMaps(), (1, 1), (16, 32), ("fine", "coarse"), (0.0,) * 3, (1.0,) * 3, Loaded(Weights("none", ""))
    )
    model = Classifier(backbone, ClassifierConfig(weights="none"))
    nn.init.ones_(model.linear.weight)
    return model


def test_the_layer_with_the_nearer_peaks_is_chosen(model: Classifier, tmp_path: Path, make_sample) -> None:
    pixels = np.zeros((64, 96), dtype=np.uint8)
    pixels[16:32, 80:96] = 255
    Image.fromarray(pixels).save(tmp_path / "1.png")
    samples = [make_sample(1, [(80, 16, 96, 32)], (64, 96)), make_sample(2, size_hw=(64, 96))]
    chosen = choose_cam(model, samples, tmp_path, InputConfig())
    # of the equally good methods the first
    assert chosen == CamChoice("gradcam", 16)


def test_without_boxes_nothing_is_chosen(model: Classifier, tmp_path: Path, make_sample) -> None:
    samples = [make_sample(1), make_sample(2, status="unboxed")]
    assert choose_cam(model, samples, tmp_path, InputConfig()) is None


def test_a_stride_that_the_backbone_lacks_fails_at_once(model: Classifier) -> None:
    with pytest.raises(InputError, match="none of stride 8"):
        Classifier(model.backbone, ClassifierConfig(weights="none", cam_stride=8))
    assert torch.is_tensor(model.pooled_weights(model.backbone.layer_of(32)))
    assert model.pooled_weights(model.backbone.layer_of(16)) is None
