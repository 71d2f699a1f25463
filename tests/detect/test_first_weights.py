"""What a detector takes from one trained on defects with other anchors, classes and types."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.networks.backbones import build_backbone
from detect.config import DetectorConfig, HeadConfig, SamplingConfig
from detect.first_weights import RATIOS, SCALES, take_heads
from detect.model import Detector

GIVEN = (0.25, 1.0, 4.0)


def a_detector(ratios: tuple[float, ...], classes: int, types: tuple[str, ...], seed: int, width: int = 8) -> Detector:
    torch.manual_seed(seed)
    config = DetectorConfig(
        weights="none",
        frozen_to_stride=0,
        fpn_channels=width,
        heads=HeadConfig(2, 8),
        sampling=SamplingConfig(10, 8, 2),
    )
    config = replace(config, anchors=AnchorConfig(ratios=ratios))
    return Detector(build_backbone("simple_cnn", "none"), config, classes, types)


def heads_of(source: Detector) -> dict[str, torch.Tensor]:
    anchors = source.config.anchors
    state = {key: value for key, value in source.state_dict().items() if not key.startswith(("backbone.", "fpn."))}
    return state | {RATIOS: torch.tensor(anchors.decided_ratios), SCALES: torch.tensor(anchors.scales)}


def test_an_equal_detector_takes_all_heads() -> None:
    source, target = a_detector(GIVEN, 1, (), 0), a_detector(GIVEN, 1, (), 1)
    assert take_heads(target, heads_of(source)) == ["rpn", "box_heads", "image_head"]
    own = target.state_dict()
    assert all(torch.equal(own[key], value) for key, value in heads_of(source).items() if key in own)


def test_other_anchors_classes_and_types_get_what_is_nearest() -> None:
    source, target = a_detector(GIVEN, 1, (), 0), a_detector((0.5, 1.0, 3.0, 4.0), 2, ("x", "y"), 1)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    assert take_heads(target, heads_of(source)) == ["rpn", "box_heads", "image_head"]
    given, own = source.state_dict(), target.state_dict()
    scores, moves = own["rpn.head.cls_logits.bias"].view(4, 2), own["rpn.head.bbox_pred.bias"].view(4, 2, 4)
    known, known_moves = given["rpn.head.cls_logits.bias"].view(3, 2), given["rpn.head.bbox_pred.bias"].view(3, 2, 4)
    assert torch.equal(scores, known[[0, 1, 2, 2]])
    assert torch.equal(moves[3], known_moves[2])
    # an anchor of height / width 0.5 is narrower and higher by sqrt 2 than one of 0.25: in it the same box is wider
    expected = known_moves[0] + torch.tensor([0, 0, np.log(2) / 2, -np.log(2) / 2])
    torch.testing.assert_close(moves[0], expected.float())
    head = own["box_heads.heads.0.box_predictor.cls_score.weight"]
    assert torch.equal(head[1], head[2])
    image = own["image_head.linear.weight"]
    assert torch.equal(image[0], given["image_head.linear.weight"][0])
    assert torch.equal(image[1:], before["image_head.linear.weight"][1:])


def test_parts_of_another_width_stay_as_they_are() -> None:
    source, target = a_detector(GIVEN, 1, (), 0), a_detector(GIVEN, 1, (), 1, width=16)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    assert take_heads(target, heads_of(source)) == []
    assert all(torch.equal(before[key], value) for key, value in target.state_dict().items())


def test_the_weights_that_come_with_the_project_fit_the_standard_network() -> None:
    backbone = build_backbone("tf_efficientnet_lite0", "defects")
    detector = Detector(backbone, DetectorConfig(anchors=AnchorConfig(ratios=GIVEN)), 2, ("x", "y"))
    assert backbone.weights.missing == backbone.weights.unexpected == ()
    assert detector.take_pyramid()
    assert take_heads(detector, backbone.heads) == ["rpn", "box_heads", "image_head"]
    assert all(value.dtype != torch.float16 and value.isfinite().all() for value in detector.state_dict().values())
    with pytest.raises(InputError, match=r"'defects' fit only tf_efficientnet_lite0, not 'tf_efficientnet_lite2'"):
        build_backbone("tf_efficientnet_lite2", "defects")
    for source in ("defects", "auto"):
        with pytest.raises(InputError, match="simple_cnn has no pretrained weights"):
            build_backbone("simple_cnn", source)


@pytest.mark.parametrize(
    ("backbone", "source"), [("tf_efficientnet_lite0", "defects"), ("tf_efficientnet_lite2", "package")]
)
def test_auto_takes_drawn_defects_where_the_backbone_has_them(backbone: str, source: str) -> None:
    assert build_backbone(backbone, "auto").weights.source == source
