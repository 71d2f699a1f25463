"""By hand, then against torchvision on random boxes."""

import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import batched_nms, clip_boxes_to_image, nms

from data_tools.core.box_decoding import (
    anchors_at,
    best_first,
    clipped_to_image,
    decoded,
    is_larger,
    suppressed,
    suppressed_in_groups,
)


def boxes_at_random(count: int, seed: int = 0, side: float = 100.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, side, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(0, side / 3, (count, 2))], axis=1).astype(np.float32)


def test_a_box_is_moved_by_its_sides_and_stretched_by_powers_of_e() -> None:
    box = np.array([[10, 20, 30, 30]], dtype=np.float32)
    assert decoded(np.zeros((1, 4), np.float32), box, (1, 1, 1, 1)).tolist() == box.tolist()
    moved = decoded(np.array([[1, 5, np.log(2), 0]], np.float32), box, (2, 10, 1, 1))
    # half of 20 to the right and half of 10 down, then twice as wide around the centre at 30, 30
    assert moved[0].tolist() == pytest.approx([10, 25, 50, 35])
    assert decoded(np.array([[0, 0, 99, 0]], np.float32), box, (1, 1, 1, 1))[0, 0] == pytest.approx(20 - 625)


def test_decoding_and_clipping_are_torchvisions() -> None:
    boxes, units = boxes_at_random(500), (10.0, 10.0, 5.0, 5.0)
    deltas = np.random.default_rng(1).normal(0, 5, (500, 4)).astype(np.float32)
    theirs = BoxCoder(units).decode_single(torch.from_numpy(deltas), torch.from_numpy(boxes))
    ours = decoded(deltas, boxes, units)
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-4)
    clipped = clip_boxes_to_image(theirs, (60, 80)).numpy()
    np.testing.assert_allclose(clipped_to_image(ours, (60, 80)), clipped, rtol=1e-5, atol=1e-4)


def test_anchors_are_torchvisions() -> None:
    generator = AnchorGenerator(((8.0, 11.3),), ((0.5, 1.0, 2.0),))
    maps = torch.zeros(1, 1, 3, 5)
    theirs = generator(ImageList(torch.zeros(1, 3, 24, 80), [(24, 80)]), [maps])[0].numpy()
    y, x, kind = (one.ravel() for one in np.indices((3, 5, 6)))
    ours = anchors_at(generator.cell_anchors[0].numpy(), np.stack([y, x], axis=1), kind, (8, 16))
    assert ours.tolist() == theirs.tolist()


def test_the_best_come_first_and_equal_ones_in_their_order() -> None:
    scores = np.array([0.1, 0.9, 0.5, 0.9, 0.3], dtype=np.float32)
    assert best_first(scores, 3).tolist() == [1, 3, 2]
    assert best_first(scores, 9).tolist() == [1, 3, 2, 4, 0]
    assert best_first(scores[:0], 3).tolist() == []


def test_a_dropped_box_drops_nothing() -> None:
    """Each overlaps the next by a half: the second falls to the first, so the third stays."""
    chain = np.array([[0, 0, 30, 10], [10, 0, 40, 10], [20, 0, 50, 10]], dtype=np.float32)
    assert suppressed(chain, 0.49, 9).tolist() == [0, 2]
    assert suppressed(chain, 0.5, 9).tolist() == [0, 1, 2]  # an overlap of the threshold itself is no more than it
    assert suppressed(chain, 0.49, 1).tolist() == [0]
    assert suppressed(chain[:0], 0.5, 9).tolist() == []


def test_boxes_without_area_do_not_suppress() -> None:
    assert suppressed(np.zeros((3, 4), np.float32), 0.5, 9).tolist() == [0, 1, 2]


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 400])
def test_suppression_is_torchvisions(count: int, threshold: float) -> None:
    boxes = boxes_at_random(count, count)
    scores = np.sort(np.random.default_rng(2).random(count).astype(np.float32))[::-1].copy()
    theirs = nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold).tolist()
    assert suppressed(boxes, threshold, count).tolist() == theirs
    assert suppressed(boxes, threshold, 5).tolist() == theirs[:5]


def test_groups_do_not_suppress_each_other() -> None:
    boxes, rng = boxes_at_random(300), np.random.default_rng(3)
    scores, groups = rng.random(300).astype(np.float32), rng.integers(0, 4, 300)
    theirs = batched_nms(*(torch.from_numpy(one) for one in (boxes, scores, groups)), 0.4).tolist()
    assert suppressed_in_groups(boxes, scores, groups, 0.4, 300).tolist() == theirs
    assert suppressed_in_groups(boxes, scores, groups, 0.4, 20).tolist() == theirs[:20]
    assert suppressed_in_groups(boxes[:0], scores[:0], groups[:0], 0.4, 20).tolist() == []


def test_a_side_of_the_least_length_is_long_enough() -> None:
    boxes = np.array([[0, 0, 2, 2], [0, 0, 1.9, 5], [0, 0, 5, 0]], dtype=np.float32)
    assert is_larger(boxes, 2.0).tolist() == [True, False, False]
