import pytest
import torch

from classify.config import ClassifierConfig
from classify.models import Classifier
from data_tools.core.errors import InputError
from data_tools.networks.backbones import build_backbone
from data_tools.networks.reference import ReferenceBranch, empty_branch


def branch() -> ReferenceBranch:
    return ReferenceBranch(torch.zeros(1, 8, 8), torch.ones(1, 8, 8))


def test_training_starts_as_without_it() -> None:
    torch.manual_seed(3)
    backbone = build_backbone("simple_cnn", "none").eval()
    after = torch.rand(3)
    torch.manual_seed(3)
    build_backbone("simple_cnn", "none")
    branch()
    assert (torch.rand(3) == after).all()  # what is built behind it starts from the same weights
    images = torch.rand(2, 3, 32, 32)
    alone = backbone(images)
    backbone.reference = branch()
    seen = backbone(torch.cat([images, torch.rand(2, 1, 32, 32)], dim=1))
    assert all((one == other).all() for one, other in zip(alone, seen, strict=True))


def test_what_it_adds_by_hand() -> None:
    made = branch()
    with torch.no_grad():
        made.seen.weight.zero_()
        assert made.seen.bias is not None
        made.seen.bias.zero_()
        made.seen.weight[0, 0, 1, 1] = 1.0  # the difference itself, where it is positive
        made.shown.weight[0, 0, 0, 0] = 1 / 32
    difference = torch.tensor([[0.25, -0.25], [0.0, 1.0]]).view(1, 1, 2, 2)
    added = made(torch.cat([torch.zeros(1, 3, 2, 2), difference], dim=1))
    assert added[0, 0].tolist() == [[1.0, 0.0], [0.0, 4.0]]  # 8 spreads, of which half is shown, as 16 is the gain
    assert not added[0, 1:].any()


def test_it_learns_from_the_first_step_even_where_the_rest_is_frozen() -> None:
    backbone = build_backbone("simple_cnn", "none")
    backbone.reference = branch()
    Classifier(backbone, ClassifierConfig("simple_cnn", "none", trainable="none"))
    backbone(torch.rand(2, 4, 32, 32))[-1].sum().backward()
    assert backbone.reference.shown.weight.grad is not None
    assert backbone.reference.shown.weight.grad.abs().max() > 0


def test_images_without_a_difference_are_refused() -> None:
    with pytest.raises(ValueError, match="4 channels, not 3"):
        branch()(torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("shape", [(1, 8), (0, 8, 8), (1, 8, 10**9)])
def test_a_shape_that_is_none_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="shape"):
        empty_branch(shape)
