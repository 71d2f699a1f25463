import math

import pytest
import torch
from torch import Tensor, nn

from classify.config import ClassifierConfig, LossConfig
from classify.losses import ClassifierLoss
from classify.models import Classifier
from data_tools.core.errors import InputError
from data_tools.loading.batch import Batch
from data_tools.networks.backbones import build_backbone


@pytest.fixture
def model() -> Classifier:
    torch.manual_seed(0)
    return Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none")).train()


@pytest.fixture
def batch() -> Batch:
    boxes = [torch.tensor([[0.0, 0, 20, 20]]), torch.zeros(0, 4)]
    targets = tuple({"boxes": one, "labels": torch.ones(len(one))} for one in boxes)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    unboxed, whole = torch.tensor([False, False]), torch.tensor([True, True])
    return Batch(images, ((64, 64),) * 2, targets, torch.tensor([1.0, 0.0]), unboxed, whole, (0, 1))


class Fixed(nn.Module):
    """Says the same logit of every image."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, images: Tensor, *_others: object) -> Tensor:
        return torch.full((len(images), 1), self.logit)


def test_without_a_map_it_is_the_cross_entropy(model: Classifier, batch: Batch) -> None:
    """Logit 1 for a defect and a good image: the mean of log(1 + e) - 1 and log(1 + e)."""
    loss = ClassifierLoss(model, LossConfig())(Fixed(1.0), batch)
    assert float(loss["bce"]) == pytest.approx(math.log(1 + math.e) - 0.5)


def test_weight_0_is_no_part_of_the_loss(model: Classifier, batch: Batch) -> None:
    assert set(ClassifierLoss(model, LossConfig())(model, batch)) == {"bce"}


def test_supervision_moves_the_map_into_the_box(model: Classifier, batch: Batch) -> None:
    """A few steps on the map's loss alone; and the hook that reads the map is gone."""
    loss = ClassifierLoss(model, LossConfig(cam_weight=2.0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    values = []
    for _ in range(15):
        parts = loss(model, batch)
        values.append(float(parts["cam"].detach()))
        optimizer.zero_grad()
        parts["cam"].backward()
        optimizer.step()
    assert values[-1] < 0.5 * values[0]
    assert not model.backbone.layers[-1]._forward_hooks


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_a_weight_that_makes_no_loss_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match=r"loss\.cam_weight"):
        LossConfig(cam_weight=weight)
