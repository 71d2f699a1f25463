import math
from dataclasses import replace
from typing import Literal

import pytest
import torch

from data_tools.loading.batch import Batch, Item, collate
from data_tools.networks.backbones import build_backbone
from detect.config import DetectorConfig, HeadConfig, SamplingConfig, WeightConfig
from detect.model import Detector


@pytest.fixture(scope="module")
def model() -> Detector:
    torch.manual_seed(0)
    return Detector(build_backbone("simple_cnn", "none"), DetectorConfig(weights="none", fpn_channels=16), 1)


def item(index: int, boxes: list[list[float]], defect: bool, size: tuple[int, int] = (64, 96)) -> Item:
    torch.manual_seed(index)
    target = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    labels = torch.ones(len(boxes), dtype=torch.int64)
    return Item(index, torch.rand(1, *size), target, labels, float(defect), defect and not boxes, 0)


GOOD, BOXED, UNBOXED = item(0, [], False), item(1, [[8, 8, 40, 30]], True), item(2, [], True)


def test_every_loss_is_finite_also_for_images_without_boxes(model: Detector) -> None:
    for items in ([GOOD], [BOXED], [GOOD, BOXED], [GOOD, GOOD]):
        losses = model.train()(collate(items))
        assert len(losses) == 7
        assert all(math.isfinite(float(loss.detach())) for loss in losses.values())


def test_an_unboxed_image_is_no_negative_for_the_boxes(model: Detector) -> None:
    """Alone it has no box losses; beside others it changes the image loss and nothing of the box losses."""
    losses = model.train()(collate([UNBOXED]))
    assert [name for name, loss in losses.items() if float(loss.detach()) != 0] == ["image"]

    def box_losses(batch: Batch) -> dict[str, float]:
        model.backbone.eval()  # batch statistics would couple the images
        return {name: float(loss.detach()) for name, loss in model(batch).items() if name != "image"}

    alone, beside = box_losses(collate([GOOD, BOXED])), box_losses(collate([GOOD, BOXED, UNBOXED]))
    assert len(alone) == 6
    assert alone == pytest.approx(beside, rel=1e-4)


def test_windows_teach_the_boxes_but_not_the_image_head(model: Detector) -> None:
    def losses(*items: Item) -> dict[str, float]:
        model.train().backbone.eval()  # batch statistics would couple the images
        model.image_head.eval()
        return {name: float(loss.detach()) for name, loss in model(collate(items)).items()}

    window = replace(BOXED, whole=False)
    assert losses(GOOD, window)["image"] == pytest.approx(losses(GOOD)["image"])
    assert losses(GOOD, window)["image"] != pytest.approx(losses(GOOD, BOXED)["image"])
    assert losses(window) == losses(BOXED) | {"image": 0.0}
    model.zero_grad()
    model.train()(collate([window]))["image"].backward()
    assert not model.image_head.linear.weight.grad.any()


def test_types_are_told_for_the_images_whose_type_is_known() -> None:
    torch.manual_seed(0)
    config = DetectorConfig(weights="none", fpn_channels=16, losses=WeightConfig(type=0.5))
    model = Detector(build_backbone("simple_cnn", "none"), config, 1, ("chip", "good", "scratch"))

    def loss(*items: Item) -> float:
        model.train().backbone.eval()  # batch statistics would couple the images
        model.image_head.eval()
        return float(model(collate(items))["type"].detach())

    good, scratch, unknown = replace(GOOD, type="good"), replace(BOXED, type="scratch"), replace(UNBOXED, type="")
    with torch.no_grad():
        outputs = model.eval()._features(collate([good, scratch]))[2]
        chances = outputs[:, 1:].softmax(dim=1)
    assert outputs.shape == (2, 4)
    wanted = -0.5 * (math.log(float(chances[0, 1])) + math.log(float(chances[1, 2]))) / 2
    assert loss(good, scratch) == pytest.approx(wanted, rel=1e-4)
    assert loss(good, scratch, unknown, replace(UNBOXED, type="never seen")) == pytest.approx(wanted, rel=1e-4)
    assert loss(unknown) == 0.0
    model.zero_grad()
    model(collate([scratch]))["type"].backward()
    assert model.backbone.body.blocks[3][0].weight.grad.any()
    assert model.image_head.linear.weight.grad[1:].any()
    assert not model.image_head.linear.weight.grad[0].any()


def test_detections_lie_inside_the_unpadded_image(model: Detector) -> None:
    small, large = item(3, [], False, (40, 50)), item(4, [], False, (70, 90))
    with torch.inference_mode():
        detections = model.eval().detect(collate([small, large]))
    for raw, (height, width) in zip(detections, ((40, 50), (70, 90)), strict=True):
        assert math.isfinite(raw.image_logit)
        if len(raw.boxes_xyxy):
            assert float(raw.boxes_xyxy[:, [0, 2]].max()) <= width
            assert float(raw.boxes_xyxy[:, [1, 3]].max()) <= height
        assert raw.scores.tolist() == sorted(raw.scores.tolist(), reverse=True)


def test_anchor_centres_follow_the_strides_for_odd_sizes(model: Detector) -> None:
    """torchvision derives strides by integer division, which is off unless the input is padded to a multiple."""
    images, maps, _ = model.eval()._features(collate([item(5, [], False, (267, 275))]))
    assert images.tensors.shape[2:] == (288, 288)
    assert [288 // value.shape[3] for value in maps.values()] == [4, 8, 16, 32, 57]
    anchors = model.rpn.anchor_generator(images, list(maps.values()))[0]
    per_cell = 10
    step = anchors[per_cell] - anchors[0]
    assert step.tolist() == [4, 0, 4, 0]


def test_a_frozen_batch_norm_stays_frozen_in_training() -> None:
    config = DetectorConfig(weights="none", fpn_channels=16, batch_norm="frozen")
    frozen = Detector(build_backbone("simple_cnn", "none"), config, 1)
    before = {name: value.clone() for name, value in frozen.backbone.named_buffers()}
    frozen.train()(collate([GOOD, BOXED]))
    assert all(torch.equal(before[name], value) for name, value in frozen.backbone.named_buffers())


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_the_detector_learns_one_box(heads: Literal[1, 2, 3]) -> None:
    torch.manual_seed(0)
    config = DetectorConfig(weights="none", fpn_channels=16, heads=HeadConfig(heads))
    model = Detector(build_backbone("simple_cnn", "none"), config, 1)
    image = torch.zeros(1, 96, 96)
    image[:, 30:60, 40:70] = 1.0
    boxes, labels = torch.tensor([[40.0, 30, 70, 60]]), torch.ones(1, dtype=torch.int64)
    batch = collate(
        [Item(0, image, boxes, labels, 1.0, False, 0), Item(1, image * 0, boxes[:0], labels[:0], 0, False, 0)]
    )
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        torch.stack(list(model.train()(batch).values())).sum().backward()
        optimizer.step()
    with torch.inference_mode():
        defect, good = model.eval().detect(batch)
    assert defect.boxes_xyxy[0].tolist() == pytest.approx([40, 30, 70, 60], abs=6)
    assert float(defect.scores[0]) > 0.5 > float(good.scores.max() if len(good.scores) else 0.0)
    assert defect.image_logit > good.image_logit


def test_at_most_a_quarter_of_the_sampled_proposals_holds_a_defect() -> None:
    """Of 40 proposals on the defect and 40 beside it, 16 are sampled."""
    config = DetectorConfig(weights="none", fpn_channels=16, sampling=SamplingConfig(rois=16))
    model = Detector(build_backbone("simple_cnn", "none"), config, 1)
    proposals = torch.tensor([[10.0, 10, 30, 30]] * 40 + [[50.0, 50, 70, 70]] * 40)
    target = {"boxes": proposals[:1], "labels": torch.ones(1, dtype=torch.int64)}
    for head in model.box_heads.row():
        with model.draws.of([torch.Generator().manual_seed(0)]):
            _, _, (labels,), _ = head.select_training_samples([proposals], [target])
        assert [int((labels > 0).sum()), len(labels)] == [4, 16]
        with pytest.raises(RuntimeError, match=r"Draws\.of"):  # nobody's random numbers
            head.select_training_samples([proposals], [target])


def test_boxes_are_computed_in_full_precision_under_autocast(model: Detector) -> None:
    """A box of two thirds of a pixel far from the origin: in bfloat16 it would have no width."""
    batch = collate([item(5, [[169.76, 178.24, 170.43, 178.91]], True, (192, 192))])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = model.train()(batch)
        assert all(torch.isfinite(loss) for loss in losses.values())
        with torch.inference_mode():
            model.eval()
            proposals, _ = model.rpn(*model._features(batch)[:2])
            (detections,) = model.detect(batch)
    assert {p.dtype for p in proposals} == {torch.float32}
    assert detections.boxes_xyxy.dtype == detections.scores.dtype == torch.float32


def test_proposals_are_many_ranked_and_leave_the_model_as_it_was(model: Detector) -> None:
    batch = collate([item(5, [], False), item(6, [], False)])
    with torch.inference_mode():
        before = model.eval().detect(batch)
        proposals = model.propose(batch, 300)
        after = model.detect(batch)
    assert model.config.sampling.proposals < max(len(raw.scores) for raw in proposals) <= 300
    for raw in proposals:
        assert raw.scores.tolist() == sorted(raw.scores.tolist(), reverse=True)
        assert 0 <= float(raw.scores.min()) <= float(raw.scores.max()) <= 1
    assert [raw.scores.tolist() for raw in before] == [raw.scores.tolist() for raw in after]
    with torch.inference_mode():
        few = model.propose(batch, 10)
    assert [raw.boxes_xyxy.tolist() for raw in few] == [raw.boxes_xyxy[:10].tolist() for raw in proposals]


def test_a_pyramid_that_came_with_the_weights_is_taken_where_it_fits(model: Detector) -> None:
    other = Detector(build_backbone("simple_cnn", "none"), DetectorConfig(weights="none", fpn_channels=16), 1)
    assert not other.take_pyramid()
    wide = Detector(build_backbone("simple_cnn", "none"), DetectorConfig(weights="none", fpn_channels=8), 1)
    for detector in (other, wide):
        detector.backbone.pyramid = {key: value.clone() for key, value in model.fpn.state_dict().items()}
    assert other.take_pyramid()
    assert not wide.take_pyramid()
    for key, value in model.fpn.state_dict().items():
        assert torch.equal(value, other.fpn.state_dict()[key])
