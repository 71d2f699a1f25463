"""Drawn flaws have exact boxes, and a detector takes all it can from one with other anchors and classes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from data_tools.core.anchors import AnchorConfig
from data_tools.networks.backbones import build_backbone
from detect.config import DetectorConfig, HeadConfig, SamplingConfig
from detect.model import Detector
from tests.benchmarks.pretraining.corpus import draw_pair
from tests.benchmarks.pretraining.start import Start, take_over

RATIOS = (0.25, 1.0, 4.0)


def a_detector(ratios: tuple[float, ...], classes: int, types: tuple[str, ...], seed: int) -> Detector:
    torch.manual_seed(seed)
    anchors = AnchorConfig(ratios=ratios)
    config = DetectorConfig(
        weights="none", frozen_to_stride=0, fpn_channels=8, heads=HeadConfig(2, 8), sampling=SamplingConfig(10, 8, 2)
    )
    backbone = build_backbone("tf_efficientnet_lite0", "none")
    return Detector(backbone, replace(config, anchors=anchors), classes, types)


@pytest.mark.parametrize("index", range(6))
def test_a_pair_has_flaws_with_boxes_inside_the_image(index: int) -> None:
    pair = draw_pair(7, index, (96, 128))
    assert pair.flawed.size == pair.good.size == (128, 96)
    boxes = pair.boxes_xyxy
    assert len(boxes) == len(pair.kinds) >= 1
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= (128, 96)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_the_same_seed_and_place_give_the_same_pair() -> None:
    one, again, other = draw_pair(3, 5, (64, 64)), draw_pair(3, 5, (64, 64)), draw_pair(4, 5, (64, 64))
    assert np.array_equal(np.asarray(one.flawed), np.asarray(again.flawed))
    assert np.array_equal(one.boxes_xyxy, again.boxes_xyxy)
    assert not np.array_equal(np.asarray(one.flawed), np.asarray(other.flawed))


def test_an_equal_detector_is_taken_over_whole() -> None:
    source, target = a_detector(RATIOS, 1, (), 0), a_detector(RATIOS, 1, (), 1)
    take_over(target, Start(source.state_dict(), RATIOS, target.config.anchors.scales))
    own = target.state_dict()
    assert all(torch.equal(own[key], value) for key, value in source.state_dict().items())


def test_other_anchors_classes_and_types_get_what_is_nearest() -> None:
    source, target = a_detector(RATIOS, 1, ("a", "b", "c"), 0), a_detector((0.5, 1.0, 3.0, 4.0), 2, ("x", "y"), 1)
    before = {key: value.clone() for key, value in target.state_dict().items()}
    take_over(target, Start(source.state_dict(), RATIOS, target.config.anchors.scales))
    given, own = source.state_dict(), target.state_dict()
    scores, moves = own["rpn.head.cls_logits.bias"].view(4, 2), own["rpn.head.bbox_pred.bias"].view(4, 2, 4)
    known, known_moves = given["rpn.head.cls_logits.bias"].view(3, 2), given["rpn.head.bbox_pred.bias"].view(3, 2, 4)
    assert torch.equal(scores, known[[0, 1, 2, 2]])
    assert torch.equal(moves[3], known_moves[2])
    # an anchor of ratio 0.5 is sqrt 2 narrower and higher than one of 0.25: the same box is wider and lower in it
    expected = known_moves[0] + torch.tensor([0, 0, np.log(2) / 2, -np.log(2) / 2])
    torch.testing.assert_close(moves[0], expected.float())
    head = own["box_heads.heads.0.box_predictor.cls_score.weight"]
    assert torch.equal(head[1], head[2])
    image = own["image_head.linear.weight"]
    assert torch.equal(image[0], given["image_head.linear.weight"][0])
    assert torch.equal(image[1:], before["image_head.linear.weight"][1:])
