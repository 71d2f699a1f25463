import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from classify.cam import cam_maps
from classify.cam_supervision import cam_loss, cells_of_boxes, evidence_map, outside_boxes, unevenness
from classify.config import ClassifierConfig, LossConfig
from classify.losses import ClassifierLoss
from classify.models import Classifier
from data_tools.loading.batch import Batch
from data_tools.metrics.energy_pointing import energy_pointing
from data_tools.networks.backbones import build_backbone


def make_batch(boxes: list[list[list[float]]], defect: list[float], side: int = 40, seen: int = 40) -> Batch:
    """A batch of square images; a defect without boxes is unboxed."""
    targets = tuple({"boxes": torch.tensor(one).reshape(-1, 4), "labels": torch.ones(len(one))} for one in boxes)
    unboxed = [bool(d) and not one for d, one in zip(defect, boxes, strict=True)]
    return Batch(
        torch.zeros(len(defect), 3, side, side),
        ((seen, seen),) * len(defect),
        targets,
        torch.tensor(defect),
        torch.tensor(unboxed),
        torch.ones(len(defect)).bool(),
        tuple(range(len(defect))),
    )


def test_evidence_is_the_logit_cell_by_cell() -> None:
    activations = torch.tensor([[[[1.0, 2.0]], [[4.0, 0.0]]]])
    evidence = evidence_map(activations, torch.tensor([1.0, -0.5]))
    assert evidence.tolist() == [[[-1.0, 2.0]]]
    assert evidence.mean() == activations.mean(dim=(2, 3))[0] @ torch.tensor([1.0, -0.5])


def test_share_of_the_softmax_by_hand() -> None:
    """Weights 1, 3, 4 and 8 of the cells: a quarter lies inside; what all cells have in common changes nothing."""
    evidence = torch.tensor([[1.0, 3.0], [4.0, 8.0]]).log()
    inside = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert float(outside_boxes(evidence, inside)) == pytest.approx(-math.log(0.25), abs=1e-5)
    assert float(outside_boxes(evidence - 7.0, inside)) == pytest.approx(-math.log(0.25), abs=1e-5)
    # half a cell counts half: (1 + 3 / 2) / 16
    inside[0, 1] = 0.5
    assert float(outside_boxes(evidence, inside)) == pytest.approx(-math.log(2.5 / 16), abs=1e-5)


def test_all_inside_is_no_loss_and_a_flat_map_is_one() -> None:
    inside = torch.tensor([[1.0, 0], [0, 0]])
    assert float(outside_boxes(torch.tensor([[60.0, -1], [0, 0]]), inside)) == pytest.approx(0.0, abs=1e-6)
    assert float(outside_boxes(torch.full((2, 2), -1.0), inside)) == pytest.approx(math.log(4), abs=1e-6)


def test_the_gradient_lifts_inside_and_lowers_outside() -> None:
    evidence = torch.tensor([[0.0, 0.0]], requires_grad=True)
    outside_boxes(evidence, torch.tensor([[1.0, 0.0]])).backward()
    # the share of a cell less its target: 1/2 - 1 and 1/2 - 0
    assert evidence.grad is not None
    assert evidence.grad.tolist() == [[pytest.approx(-0.5, abs=1e-5), pytest.approx(0.5, abs=1e-5)]]


def test_a_good_image_is_flattened() -> None:
    evidence = torch.tensor([[4.0, 0.0, 0.0, 0.0]], requires_grad=True)
    loss = unevenness(evidence)
    loss.backward()
    assert float(loss.detach()) == 0.75  # the one cell above the mean 1 exceeds it by 3, over 4 cells
    assert evidence.grad is not None
    assert evidence.grad[0, 0] > 0 > evidence.grad[0, 1]
    assert float(unevenness(torch.full((3, 3), 7.0))) == 0.0


def test_cells_of_boxes_by_hand() -> None:
    # cells of 10 px: the box covers columns 0 by 5, 1 by 10 px of row 0
    inside = cells_of_boxes(torch.tensor([[5.0, 0, 20, 10]]), (20, 30), (2, 3))
    assert inside.tolist() == [[0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]
    # a box smaller than a cell, and a second one elsewhere: each has a cell that counts fully
    inside = cells_of_boxes(torch.tensor([[12.0, 2, 14, 4], [0.0, 10, 10, 20]]), (20, 30), (2, 3))
    assert inside.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_boxed_and_good_images_count_and_unboxed_ones_do_not() -> None:
    evidence = torch.zeros(3, 4, 4)
    evidence[0, 0, 0], evidence[0, 3, 3] = 40.0, 40.0
    evidence[1, 0, 0] = 16.0
    evidence[2, 2, 2] = 99.0
    evidence.requires_grad_()
    loss = cam_loss(evidence, make_batch([[[0.0, 0, 10, 10]], [], []], [1.0, 0.0, 1.0]), 10)
    assert float(loss.detach()) == pytest.approx((math.log(2) + 15 / 16) / 2, abs=1e-5)
    loss.backward()
    assert evidence.grad is not None
    assert not evidence.grad[2].any()
    alone = cam_loss(evidence[2:], make_batch([[]], [1.0]), 10)
    assert float(alone.detach()) == 0.0
    alone.backward()  # part of the graph, so that a batch of them does not stop the training


def test_padding_does_not_count() -> None:
    evidence = torch.zeros(1, 4, 4)
    evidence[0, 0, 0], evidence[0, 3, 3] = 40.0, 90.0  # the latter in the padding
    batch = make_batch([[[0.0, 0, 10, 10]]], [1.0], side=40, seen=20)
    assert float(cam_loss(evidence, batch, 10)) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("seen", [11, 20, 35, 39])
def test_a_box_at_the_edge_of_a_padded_image_teaches_as_it_would_alone(seen: int) -> None:
    """Of images whose last cells are cut short: 4 cells over 40 px, and as many as it has alone over the image."""
    cells = -(-seen // 10)
    evidence = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    box = [[seen - 0.9, 0.0, float(seen), 3.0]]
    losses, gradients = [], []
    for side, map_of in ((40, evidence), (seen, evidence[:cells, :cells])):
        given = map_of.clone().requires_grad_()
        loss = cam_loss(given[None], make_batch([box], [1.0], side, seen), 10)
        loss.backward()
        assert given.grad is not None
        losses.append(float(loss.detach()))
        gradients.append(given.grad[:cells, :cells])
    assert losses[0] == losses[1]
    assert gradients[0].tolist() == gradients[1].tolist()
    assert float(gradients[0][0, cells - 1]) < -0.1


def test_a_step_moves_the_map_of_a_classifier_into_the_box() -> None:
    """The share of the Grad-CAM's energy inside the box, as the evaluator measures it, rises with each step."""
    torch.manual_seed(0)
    model = Classifier(build_backbone("simple_cnn", "none"), ClassifierConfig("simple_cnn", "none", dropout=0.0))
    torch.nn.init.normal_(model.linear.weight, std=0.3)
    model.eval()  # frozen statistics, so that the map that is learned is the map that is read
    box = [32.0, 96, 96, 160]
    batch = replace(make_batch([[box]], [1.0], side=256, seen=256), images=torch.rand(1, 3, 256, 256))
    loss = ClassifierLoss(model, LossConfig(cam_weight=1.0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)

    def share() -> float:
        _, maps = cam_maps(model, model.backbone.layer_of(32), batch.images)
        energy = energy_pointing(maps[0], np.array([box]), (256, 256))
        assert energy is not None
        return energy.inside

    shares = [share()]
    for _ in range(3):
        losses = loss(model, batch)
        optimizer.zero_grad()
        losses["cam"].backward()
        optimizer.step()
        shares.append(share())
    assert shares == sorted(shares)
    assert shares[-1] > shares[0] + 0.01
