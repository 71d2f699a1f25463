"""Drawn flaws have boxes inside their image, and a seed draws the same again."""

import numpy as np
import pytest

from tests.benchmarks.pretraining.corpus import draw_pair


@pytest.mark.parametrize("index", range(6))
def test_a_pair_has_flaws_with_boxes_inside_the_image(index: int) -> None:
    pair = draw_pair(7, index, (96, 128))
    assert pair.flawed.size == pair.good.size == (128, 96)
    boxes = pair.boxes_xyxy
    assert len(boxes) == len(pair.kinds) >= 1
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, 2:] <= (128, 96)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_the_same_seed_and_place_give_the_same_pair() -> None:
    one, again, other = draw_pair(3, 5, (64, 64)), draw_pair(3, 5, (64, 64)), draw_pair(4, 5, (64, 64))
    assert np.array_equal(np.asarray(one.flawed), np.asarray(again.flawed))
    assert np.array_equal(one.boxes_xyxy, again.boxes_xyxy)
    assert not np.array_equal(np.asarray(one.flawed), np.asarray(other.flawed))
