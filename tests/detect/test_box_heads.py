import math
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import box_iou

from detect.box_heads import BoxHead, BoxHeads, shaken
from detect.proposals import Draws, SampleSampler

SIZES = [(64, 64)]
MAPS = OrderedDict(p2=torch.zeros(1, 1, 16, 16))


class Fixed(nn.Module):
    """A predictor that says the same of every box."""

    def __init__(self, logits: list[float], deltas: list[float]) -> None:
        super().__init__()
        self.logits, self.deltas = torch.tensor(logits), torch.tensor([0.0] * 4 + deltas)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits.expand(len(features), -1), self.deltas.expand(len(features), -1)


DRAWS = Draws()


def head(logits: list[float], deltas: list[float], foreground: float = 0.5) -> BoxHead:
    class Pool(nn.Module):
        def forward(self, maps: object, boxes: list[Tensor], sizes: object) -> Tensor:
            return torch.zeros(sum(len(one) for one in boxes), 1)

    return BoxHead(
        Pool(),
        nn.Identity(),
        Fixed(logits, deltas),
        fg_iou_thresh=foreground,
        bg_iou_thresh=foreground,
        sampler=SampleSampler(8, 0.5, DRAWS),
        bbox_reg_weights=(1.0, 1.0, 1.0, 1.0),
        score_thresh=0.0,
        nms_thresh=0.5,
        detections_per_img=5,
    )


def test_each_head_moves_the_boxes_of_the_one_before() -> None:
    proposals = [torch.tensor([[10.0, 10, 20, 20]])]
    right, down = head([0.0, 2.0], [0.5, 0, 0, 0]), head([0.0, 0.0], [0, 1.0, 0, 0])
    (detections,) = BoxHeads([right, down]).eval()(MAPS, proposals, SIZES)
    assert detections["boxes"].tolist() == [[15, 20, 25, 30]]
    mean = (torch.tensor([0.0, 2.0]).softmax(0)[1] + 0.5) / 2
    assert detections["scores"].item() == pytest.approx(mean.item())


def test_one_head_is_torchvisions_own() -> None:
    one = head([0.0, 1.0], [0.1, 0.2, 0.3, 0.4]).eval()
    boxes = [torch.tensor([[10.0, 10, 20, 20], [30, 30, 60, 50], [11, 10, 20, 20]])]
    (ours,) = BoxHeads([one])(MAPS, boxes, SIZES)
    (theirs,), _ = nn.Module.__call__(one, MAPS, boxes, SIZES)
    for name in ("boxes", "scores", "labels"):
        assert torch.allclose(ours[name], theirs[name])


def test_boxes_stay_in_the_image_and_empty_lists_pass() -> None:
    far = head([0.0, 2.0], [9.0, 9.0, 0, 0])
    logits, deltas = far.forward_boxes(MAPS, [torch.tensor([[40.0, 40, 60, 60]])], SIZES)
    (moved,) = far.moved([torch.tensor([[40.0, 40, 60, 60]])], logits, deltas, SIZES)
    assert moved.max() <= 64
    (detections,) = BoxHeads([far, far]).eval()(MAPS, [torch.zeros(0, 4)], SIZES)
    assert detections["boxes"].shape == (0, 4)


def test_a_stricter_head_takes_a_loose_box_for_background() -> None:
    """A proposal of IoU 0.55 is foreground for 0.5 and background for 0.6."""
    proposals = [torch.tensor([[0.0, 0, 20, 11]])]
    targets = [{"boxes": torch.tensor([[0.0, 0, 20, 20]]), "labels": torch.tensor([1])}]
    sure = [-20.0, 20.0]  # of a defect: a background sample costs 40
    loose, strict = head(sure, [0.0] * 4, 0.5).train(), head(sure, [0.0] * 4, 0.6).train()

    def class_loss(one: BoxHead) -> list[float]:
        own = [torch.Generator()]
        with DRAWS.of(own):
            loss = BoxHeads([one]).losses(MAPS, proposals, SIZES, targets, own)["loss_classifier"]
        return loss.tolist()

    assert class_loss(loose) == pytest.approx([0, 2], abs=1e-6)
    assert class_loss(strict) == pytest.approx([40, 2])


def test_later_heads_count_less_and_no_sample_is_drawn_from_the_global_numbers() -> None:
    proposals = [torch.tensor([[0.0, 0, 20, 20], [40, 40, 60, 60]])]
    targets = [{"boxes": torch.tensor([[0.0, 0, 20, 20]]), "labels": torch.tensor([1])}]
    heads = BoxHeads([head([0.0, 0.0], [0.0] * 4), head([0.0, 0.0], [0.0] * 4)], jittered=4).train()

    def losses() -> dict[str, list[float]]:
        own = [torch.Generator().manual_seed(3)]
        with DRAWS.of(own):
            parts = heads.losses(MAPS, list(proposals), SIZES, targets, own)
        return {name: loss.tolist() for name, loss in parts.items()}

    first = losses()
    assert list(first) == ["loss_classifier", "loss_box_reg", "loss_classifier_2", "loss_box_reg_2"]
    total, count = first["loss_classifier_2"]
    assert total / count == pytest.approx(0.5 * math.log(2))
    torch.rand(5)
    assert losses() == first


def test_shaken_boxes_fit_well_hardly_and_in_part() -> None:
    draws = torch.Generator().manual_seed(0)
    box = torch.tensor([[20.0, 20, 30, 24], [0, 0, 64, 64]])
    boxes = shaken(box, 200, (64, 64), draws)
    assert boxes.shape == (400, 4)
    overlaps = box_iou(boxes[:200], box[:1])[:, 0]
    assert overlaps.min() < 0.3
    assert overlaps.max() > 0.8
    assert 0.2 < (overlaps > 0.5).float().mean() < 0.6
    assert boxes.min() >= 0
    assert boxes.max() <= 64
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert shaken(torch.zeros(0, 4), 5, (64, 64), draws).shape == (0, 4)
