import pytest
import torch
from torch.nn import functional

from detect.losses import box_loss, class_loss, objectness_loss


def test_smooth_l1_is_over_every_delta() -> None:
    """Beyond 1/9 a difference d costs d - 1/18."""
    deltas = torch.tensor([[1.0, 0, 0, 0], [0, 0, 2.0, 0]])
    assert box_loss(deltas, torch.zeros(2, 4)).tolist() == pytest.approx([3 - 2 / 18, 8])


def test_no_boxes_cost_nothing() -> None:
    loss = box_loss(torch.zeros(0, 4, requires_grad=True), torch.zeros(0, 4))
    assert loss.tolist() == [0, 0]
    loss.sum().backward()


def test_the_others_are_cross_entropies() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(20, 3) * 5, torch.randint(0, 3, (20,))
    expected = functional.cross_entropy(logits, labels, reduction="sum")
    assert class_loss(logits, labels).tolist() == pytest.approx([float(expected), 20])
    truth = (labels > 0).float()
    expected = functional.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="sum")
    assert objectness_loss(logits[:, 0], truth).tolist() == pytest.approx([float(expected), 20])
