import numpy as np
import pytest

from data_tools.core.anchors import STRIDES, AnchorConfig, anchor_shapes, describe_anchors, resolve_anchors, shape_iou


def test_shapes_keep_the_area_of_their_side() -> None:
    shapes = anchor_shapes(AnchorConfig(scales=(2.0,), ratios=(0.25, 1.0, 4.0)), (4, 8))
    assert shapes.tolist() == [[4, 16], [8, 8], [16, 4], [8, 32], [16, 16], [32, 8]]


def test_iou_of_concentric_shapes() -> None:
    assert shape_iou(np.array([[10.0, 10.0]]), np.array([[10.0, 5.0], [20.0, 20.0]])).tolist() == [[0.5, 0.25]]


def test_the_description_counts_boxes_in_reach() -> None:
    config = AnchorConfig(scales=(2.0,), ratios=(1.0,))
    text = describe_anchors(config, (4,), np.array([[[8.0, 8.0], [8.0, 100.0]]]))
    assert text.endswith("2 training boxes in reach: 50.0% at IoU 0.5, 50.0% at IoU 0.7")
    assert "no training boxes" in describe_anchors(config, (4,), np.zeros((1, 0, 2)))


def test_a_box_is_in_reach_in_the_look_that_suits_it_best() -> None:
    squeezed = np.array([[1.0, 1.0], [8.0, 8.0], [1.0, 20.0]])
    text = describe_anchors(AnchorConfig(scales=(2.0,), ratios=(1.0,)), (4,), np.stack([squeezed, 8 * squeezed]))
    assert text.endswith("66.7% at IoU 0.5, 66.7% at IoU 0.7, in the whole image or a window")


def test_anchors_have_torchvisions_shapes() -> None:
    from torchvision.models.detection.anchor_utils import AnchorGenerator

    ours = anchor_shapes(AnchorConfig(scales=(4.0,), ratios=(0.2, 1.0, 5.0)), (8,))
    cells = AnchorGenerator(((32.0,),), ((0.2, 1.0, 5.0),)).cell_anchors[0].numpy()
    theirs = np.stack([cells[:, 3] - cells[:, 1], cells[:, 2] - cells[:, 0]], axis=1)
    assert ours == pytest.approx(theirs, abs=1.0)  # torchvision rounds to whole pixels


def test_ratios_are_fitted_to_the_boxes() -> None:
    """Boxes of 8 x 32 and 32 x 8: the side of both is 16, their ratios are 1/4 and 4."""
    boxes = np.array([[8.0, 32.0], [32.0, 8.0], [32.0, 8.0]])
    config = AnchorConfig(scales=(2.0,), number=3)
    fitted = resolve_anchors(config, (8,), boxes)
    assert fitted.ratios == (0.25, 1.0, 4.0)
    assert shape_iou(anchor_shapes(fitted, (8,)), boxes).max(axis=0) == pytest.approx([1, 1, 1])
    assert resolve_anchors(fitted, (8,), boxes[:0]) == fitted


def test_ratios_that_no_box_asks_for_are_the_ones_nearest_to_square() -> None:
    """Square boxes of 32 px are met by the square anchors; of all other ratios none raises the IoU."""
    ratios = resolve_anchors(AnchorConfig(), STRIDES, np.full((9, 2), 32.0)).ratios
    assert ratios == pytest.approx((8**-0.5, 0.5, 0.5**0.5, 1.0, 2**0.5, 2.0))


def test_a_square_anchor_is_always_there_and_given_ratios_stay() -> None:
    long = np.array([[4.0, 90.0]] * 5)
    assert 1.0 in resolve_anchors(AnchorConfig(number=2), (4, 8), long).decided_ratios
    assert resolve_anchors(AnchorConfig(ratios=(0.5,)), (4,), long).ratios == (0.5,)
    assert resolve_anchors(AnchorConfig(), (4,), long[:0]).ratios == AnchorConfig().decided_ratios
