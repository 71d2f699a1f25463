"""A backbone is one file and one line: a network that nobody knows, built, trained through and read by its maps."""

import pytest
import torch
from torch import Tensor, nn

from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.core.errors import InputError
from data_tools.networks.backbones import OWN_BACKBONES, OwnBackbone, build_backbone


class Toy(nn.Module):
    """Strides 8 and 32 by pooling, and a convolution behind each."""

    def __init__(self, keep: tuple[int, ...]) -> None:
        super().__init__()
        self.keep = keep
        self.fine, self.coarse = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 6, 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        fine = self.fine(nn.functional.avg_pool2d(images, 8))
        coarse = self.coarse(nn.functional.avg_pool2d(fine, 4))
        return [(fine, coarse)[i] for i in self.keep]


def test_a_toy_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_BACKBONES, "toy", OwnBackbone(Toy, (4, 6), (8, 32), ("fine", "coarse")))
    backbone = build_backbone("toy", "none")
    assert (backbone.channels, backbone.strides) == ((4, 6), (8, 32))
    assert [tuple(one.shape) for one in backbone(torch.rand(2, 3, 64, 96))] == [(2, 4, 8, 12), (2, 6, 2, 3)]
    model = Classifier(backbone, ClassifierConfig("toy", "none"))
    assert model(torch.rand(2, 3, 64, 64)).shape == (2, 1)
    assert model.backbone.layer_of(8) is backbone.body.fine
    with pytest.raises(InputError, match="toy has no pretrained weights"):
        build_backbone("toy", "package")
