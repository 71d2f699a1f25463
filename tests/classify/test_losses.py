import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from classify.losses import ClassifierLoss, LossConfig, mixed_up, weighted_focal
from classify.models import Classifier, ClassifierConfig
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

    def forward(self, images: Tensor, _generators: object = None) -> Tensor:
        return torch.full((len(images), 1), self.logit)


def test_without_extras_it_is_the_weighted_cross_entropy() -> None:
    logits, targets = torch.tensor([2.0, -1.0, 0.3]), torch.tensor([1.0, 0.0, 1.0])
    expected = functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(3.0))
    assert float(weighted_focal(logits, targets, 0.0, 3.0)) == pytest.approx(float(expected))


def test_focal_factor_by_hand() -> None:
    """A logit of 0 gives p = 1/2: the loss log 2 times (1/2)^2."""
    assert float(weighted_focal(torch.zeros(1), torch.ones(1), 2.0, 1.0)) == pytest.approx(0.25 * math.log(2))


def test_label_smoothing_by_hand(model: Classifier, batch: Batch) -> None:
    """Targets .9 and .1 at logit 1: the mean of both cross-entropies, log(1 + e) - 1/2 whatever the smoothing."""
    loss = ClassifierLoss(model, LossConfig(label_smoothing=0.2), 1.0)(Fixed(1.0), batch)
    assert float(loss["bce"]) == pytest.approx(math.log(1 + math.e) - 0.5)
    only_defects = replace(batch, defect=torch.ones(2))
    loss = ClassifierLoss(model, LossConfig(label_smoothing=0.2), 1.0)(Fixed(1.0), only_defects)
    assert float(loss["bce"]) == pytest.approx(math.log(1 + math.e) - 0.9)


def test_mixup_blends_images_and_targets_by_one_share(batch: Batch) -> None:
    batch = replace(batch, seed=3)
    mixed = mixed_up(batch, 1.0)
    shares = mixed.defect.tolist()
    for image, share in zip(mixed.images, shares, strict=True):
        assert torch.allclose(image, share * batch.images[0] + (1 - share) * batch.images[1], atol=1e-6)
    assert batch.defect.tolist() == [1.0, 0.0]
    assert mixed_up(batch, 1.0).defect.tolist() == shares


def test_weight_0_is_no_part_of_the_loss(model: Classifier, batch: Batch) -> None:
    assert set(ClassifierLoss(model, LossConfig(), 1.0)(model, batch)) == {"bce"}


def test_supervision_moves_the_map_into_the_box(model: Classifier, batch: Batch) -> None:
    """A few steps on the map's loss alone; and the hook that reads the map is gone."""
    loss = ClassifierLoss(model, LossConfig(cam_weight=2.0), 1.0)
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


@pytest.mark.parametrize(
    "config",
    [
        LossConfig(focal_gamma=0.5),
        LossConfig(label_smoothing=1.0),
        LossConfig(cam_weight=-1.0),
        LossConfig(mixup_alpha=math.nan),
        LossConfig(mixup_alpha=0.2, cam_weight=1.0),
    ],
)
def test_values_that_make_no_loss_are_refused(model: Classifier, config: LossConfig) -> None:
    with pytest.raises(InputError, match=r"loss\."):
        ClassifierLoss(model, config, 1.0)
