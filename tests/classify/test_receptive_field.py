import pytest
import torch
from torch import nn

from classify.receptive_field import looking_offset
from data_tools.networks.backbones import Backbone, build_backbone
from data_tools.networks.weights import Loaded, Weights

# five levels of stride 2 at a side of 224, in index coordinates: padding of 1 at both sides of a 3 x 3 kernel puts cell
# i at 32 i, -15.5 from the middle of its pixels; 2 x 2 poolings without padding average exactly those pixels; 'same'
# padding of an even side shifts each level by one pixel of its input: 1 + 2 + 4 + 8 + 16 = 31, so +15.5
AT_224 = [("simple_cnn", -15.5), ("resnet50", -15.5), ("vgg16", 0.0), ("tf_efficientnet_lite0", 15.5)]


@pytest.mark.parametrize(("name", "offset"), AT_224)
def test_derived_by_hand(name: str, offset: float) -> None:
    backbone = build_backbone(name, "none")
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    assert looking_offset(backbone, 32, (224, 224)) == pytest.approx((offset, offset), abs=0.01)
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


def test_same_padding_depends_on_the_side_and_on_the_layer() -> None:
    """225, 113, 57, 29, 15 are odd, so both sides are padded alike: cell i looks at 32 i, and 8 cells span 0..224."""
    backbone = build_backbone("tf_efficientnet_lite0", "none")
    dx, dy = looking_offset(backbone, 32, (224, 225)) or (None, None)
    assert dx == pytest.approx(0.0, abs=0.01)
    assert dy == pytest.approx(15.5, abs=0.01)
    assert looking_offset(backbone, 16, (224, 224)) == pytest.approx((7.5, 7.5), abs=0.01)


def test_other_layers_are_not_guessed() -> None:
    assert looking_offset(build_backbone("efficientnet_b0", "none"), 32, (224, 224)) is None  # it has gates
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.PixelShuffle(2))
    backbone = Backbone(body, (1,), (32,), ("1",), (0.0,) * 3, (1.0,) * 3, Loaded(Weights("none", "")))
    assert looking_offset(backbone, 32, (64, 64)) is None
