from collections import OrderedDict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from detect.roi_pooling import PyramidPool

STRIDES, NAMES = (4, 8), ("p2", "p3")
SIZE_HW = (64, 96)


def maps(images: int = 2, channels: int = 3) -> "OrderedDict[str, Tensor]":
    generator = torch.Generator().manual_seed(0)
    return OrderedDict(
        (name, torch.randn(images, channels, SIZE_HW[0] // stride, SIZE_HW[1] // stride, generator=generator))
        for name, stride in zip(NAMES, STRIDES, strict=True)
    )


def both(boxes: list[Tensor], cells: int = 7) -> tuple[Tensor, Tensor]:
    reference = MultiScaleRoIAlign(list(NAMES), output_size=cells, sampling_ratio=2)
    sizes = [SIZE_HW] * len(boxes)
    return PyramidPool(STRIDES, NAMES, cells)(maps(len(boxes)), boxes, sizes), reference(maps(len(boxes)), boxes, sizes)


def test_a_cell_is_the_mean_of_what_lies_under_it() -> None:
    ramp = torch.arange(24.0).expand(1, 1, 16, 24)  # the value is the column, whose middle lies half a place further
    pyramid = OrderedDict(zip(NAMES, (ramp, ramp[:, :, ::2, ::2]), strict=True))
    pooled = PyramidPool(STRIDES, NAMES, 2)(pyramid, [torch.tensor([[8.0, 4.0, 40.0, 36.0]])], [SIZE_HW])
    # columns 2..10 of the map: samples at 3, 5, 7 and 9
    torch.testing.assert_close(pooled[0, 0], torch.tensor([[4.0, 8.0], [4.0, 8.0]]))


corner = st.floats(-20, 120, width=32)
side = st.floats(0, 130, width=32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=6))
def test_equals_torchvision_for_any_boxes(rows: list[tuple[float, float, float, float]]) -> None:
    boxes = torch.tensor([[x, y, x + w, y + h] for x, y, w, h in rows])
    ours, reference = both([boxes, boxes.flip(0)])
    torch.testing.assert_close(ours, reference, atol=1e-4, rtol=1e-4)


def test_gradients_equal_torchvisions() -> None:
    boxes = [torch.tensor([[3.0, 5.0, 40.0, 60.0], [0.0, 0.0, 96.0, 64.0]]), torch.tensor([[90.0, 10.0, 99.0, 12.0]])]
    gradients = []
    for pool in (PyramidPool(STRIDES, NAMES, 7), MultiScaleRoIAlign(list(NAMES), output_size=7, sampling_ratio=2)):
        pyramid = OrderedDict((name, one.requires_grad_()) for name, one in maps().items())
        (pool(pyramid, boxes, [SIZE_HW] * 2) ** 2).sum().backward()
        gradients.append([one.grad for one in pyramid.values()])
    for ours, reference in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("seen_hw", [(40, 96), (64, 45), (1, 1), SIZE_HW])
def test_torchvisions_kernel_takes_the_strides_of_narrow_images_too(seen_hw: tuple[int, int]) -> None:
    boxes = [torch.tensor([[3.0, 5.0, 40.0, 38.0], [0.0, 0.0, 9.0, 4.0]])] * 2
    pool = PyramidPool(STRIDES, NAMES, 7)
    elsewhere = MultiScaleRoIAlign.forward(pool, maps(), boxes, [seen_hw] * 2)  # as on a GPU
    torch.testing.assert_close(pool(maps(), boxes, [seen_hw] * 2), elsewhere, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("counts", [(0, 0), (0, 2)])
def test_images_without_boxes(counts: tuple[int, int]) -> None:
    box = torch.tensor([[3.0, 5.0, 40.0, 60.0]])
    boxes = [box.repeat(count, 1) for count in counts]
    ours, reference = both(boxes)
    assert ours.shape == (sum(counts), 3, 7, 7)
    torch.testing.assert_close(ours, reference, atol=1e-5, rtol=1e-5)


def test_half_precision_maps_are_pooled_in_full() -> None:
    half = OrderedDict((name, one.bfloat16()) for name, one in maps().items())
    boxes = [torch.tensor([[3.0, 5.0, 40.0, 60.0]])] * 2
    assert PyramidPool(STRIDES, NAMES, 7)(half, boxes, [SIZE_HW] * 2).dtype == torch.float32
