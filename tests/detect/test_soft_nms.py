import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms

from data_tools.core.errors import InputError
from detect.model import DetectorConfig
from detect.soft_nms import SoftSuppression, soft_nms

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 5, 10, 10], [50, 50, 60, 60]])
ONE_CLASS = torch.ones(4, dtype=torch.int64)


def test_scores_by_hand() -> None:
    """Both halves overlap the whole by 1/2 and each other not at all; the last box is alone."""
    scores = torch.tensor([0.9, 0.8, 0.6, 0.3])
    decay = math.exp(-0.25 / 0.5)
    expected = [0.9, 0.8 * decay, 0.6 * decay, 0.3]
    assert soft_nms(BOXES, scores, ONE_CLASS, 0.5).tolist() == pytest.approx(expected)


def test_a_box_is_judged_by_what_is_left_of_the_better_ones() -> None:
    """Of three equal boxes the second keeps exp(-1), the third exp(-1) twice, in order of score and not of place."""
    same = BOXES[:1].expand(3, 4)
    found = soft_nms(same, torch.tensor([0.5, 0.9, 0.7]), ONE_CLASS[:3], 1.0)
    assert found.tolist() == pytest.approx([0.5 * math.exp(-2), 0.9, 0.7 * math.exp(-1)])


def test_other_classes_do_not_count() -> None:
    scores = torch.tensor([0.9, 0.8])
    assert torch.equal(soft_nms(BOXES[:2], scores, torch.tensor([1, 2]), 0.5), scores)


def test_what_is_left_is_sorted_cut_and_counted() -> None:
    scores = torch.tensor([0.9, 0.8, 0.6, 0.55])
    boxes, left, labels = SoftSuppression(0.5, 0.4, 3)(BOXES, scores, ONE_CLASS)
    assert boxes.tolist() == BOXES[[0, 3, 1]].tolist()
    assert left.tolist() == pytest.approx([0.9, 0.55, 0.8 * math.exp(-0.5)])
    assert labels.tolist() == [1, 1, 1]
    assert len(SoftSuppression(0.5, 0.5, 3)(BOXES, scores, ONE_CLASS)[1]) == 2
    assert [len(part) for part in SoftSuppression(0.5, 0.5, 3)(BOXES[:0], scores[:0], ONE_CLASS[:0])] == [0, 0, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2, st.integers(1, 99)), max_size=12))
def test_a_sharp_decay_keeps_the_boxes_that_overlap_no_better_one(rows: list[tuple[int, ...]]) -> None:
    """With sigma near 0 any overlap leaves nothing: suppression at an overlap of 0."""
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h, _ in rows], dtype=torch.float32).reshape(-1, 4)
    scores = torch.tensor([(score + i / 100) / 100 for i, (*_, score) in enumerate(rows)])
    labels = torch.ones(len(rows), dtype=torch.int64)
    kept = torch.where(soft_nms(boxes, scores, labels, 1e-9) > 0)[0]
    assert sorted(kept.tolist()) == sorted(batched_nms(boxes, scores, labels, 0.0).tolist())


@pytest.mark.parametrize("sigma", [-0.1, math.inf, math.nan])
def test_sigma_is_checked(sigma: float) -> None:
    with pytest.raises(InputError, match="soft_nms_sigma"):
        DetectorConfig(soft_nms_sigma=sigma)
