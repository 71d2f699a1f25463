import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import generalized_box_iou

from data_tools.core.errors import InputError
from detect.losses import box_loss, class_loss, objectness_loss
from detect.model import DetectorConfig

CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))
place = st.floats(0, 200)
side = st.floats(2, 100)


def box(x: float, y: float, width: float, height: float) -> Tensor:
    return torch.tensor([[x, y, x + width, y + height]], dtype=torch.float64)


def test_generalised_overlap_by_hand() -> None:
    """Two boxes of 10 x 10, one 10 to the right of the other with a gap of 5: -5 x 10 of the hull's 25 x 10."""
    reference, true = box(0, 0, 10, 10), box(15, 0, 10, 10)
    deltas, targets = CODER.encode_single(reference, reference), CODER.encode_single(true, reference)
    assert box_loss(deltas, targets, CODER, "giou").tolist() == pytest.approx([1 + 5 / 25, 1])
    assert box_loss(targets, targets, CODER, "giou").tolist() == pytest.approx([0, 1], abs=1e-6)


@settings(deadline=None)
@given(st.tuples(place, place, side, side), st.tuples(place, place, side, side), st.tuples(place, place, side, side))
def test_any_reference_box_gives_the_generalised_overlap_of_the_boxes_themselves(
    reference: tuple[float, ...], predicted: tuple[float, ...], true: tuple[float, ...]
) -> None:
    at, one, other = box(*reference), box(*predicted), box(*true)
    found = box_loss(CODER.encode_single(one, at), CODER.encode_single(other, at), CODER, "giou")
    # the coder bounds how much wider or higher a box may be than its reference
    decoded = [CODER.decode_single(CODER.encode_single(b, at), at) for b in (one, other)]
    assert float(found[0]) == pytest.approx(1 - float(generalized_box_iou(*decoded)), abs=1e-5)


def test_smooth_l1_is_over_every_delta() -> None:
    """Beyond 1/9 a difference d costs d - 1/18."""
    deltas = torch.tensor([[1.0, 0, 0, 0], [0, 0, 2.0, 0]])
    assert box_loss(deltas, torch.zeros(2, 4), CODER, "smooth_l1").tolist() == pytest.approx([3 - 2 / 18, 8])


def test_no_boxes_cost_nothing() -> None:
    nothing = torch.zeros(0, 4, requires_grad=True)
    for kind in ("smooth_l1", "giou"):
        loss = box_loss(nothing, torch.zeros(0, 4), CODER, kind)  # type: ignore[arg-type]
        assert loss.tolist() == [0, 0]
        loss.sum().backward()


def test_without_gamma_the_losses_are_cross_entropies() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(20, 3) * 5, torch.randint(0, 3, (20,))
    expected = functional.cross_entropy(logits, labels, reduction="sum")
    assert class_loss(logits, labels, 0.0).tolist() == pytest.approx([float(expected), 20])
    truth = (labels > 0).float()
    expected = functional.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="sum")
    assert objectness_loss(logits[:, 0], truth, 0.0).tolist() == pytest.approx([float(expected), 20])


def test_gamma_weighs_a_term_by_what_is_missing_from_certainty() -> None:
    """True class at 0.8: 0.2 squared times -log 0.8."""
    logit = math.log(4.0)
    expected = -(0.2**2) * math.log(0.8)
    assert float(class_loss(torch.tensor([[0.0, logit]]), torch.tensor([1]), 2.0)[0]) == pytest.approx(expected)
    assert float(objectness_loss(torch.tensor([logit]), torch.ones(1), 2.0)[0]) == pytest.approx(expected)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_gradients_stay_finite_where_the_truth_is_certain(gamma: float) -> None:
    logits = torch.tensor([[-90.0, 90.0], [90.0, -90.0]], requires_grad=True)
    objectness = torch.tensor([90.0, -90.0], requires_grad=True)
    class_loss(logits, torch.tensor([1, 1]), gamma).sum().backward()
    objectness_loss(objectness, torch.tensor([1.0, 1.0]), gamma).sum().backward()
    assert torch.isfinite(logits.grad).all()  # type: ignore[arg-type]
    assert torch.isfinite(objectness.grad).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("gamma", [-1.0, 0.5, math.inf, math.nan])
def test_a_gamma_without_a_gradient_is_refused(gamma: float) -> None:
    with pytest.raises(InputError, match="focal_gamma"):
        DetectorConfig(focal_gamma=gamma)
