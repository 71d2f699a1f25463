import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.loading.patches import Patch, cut, paste, stretched

NOT_A_LINE = np.zeros(2, dtype=bool)


def one_box(source: np.ndarray, box: list[float], most_stretch: float = 1.0) -> Patch:
    return cut(source, np.array([box]), np.array([1]), NOT_A_LINE, most_stretch)


def test_a_patch_knows_where_it_was_cut() -> None:
    """Two boxes in a hull of 6 x 20 at the left edge, with a margin of 12."""
    source = np.random.default_rng(0).integers(0, 255, (100, 80), dtype=np.uint8)
    boxes = np.array([[1.0, 40, 5, 50], [3, 55, 7, 60]])
    patch = cut(source, boxes, np.array([2, 1]), NOT_A_LINE, 1.0)
    assert (patch.pixels == source[28:72, 0:19]).all()
    assert patch.hull_xyxy.tolist() == [1, 12, 7, 32]
    assert patch.boxes_xyxy.tolist() == [[1, 12, 5, 22], [3, 27, 7, 32]]
    assert patch.labels.tolist() == [2, 1]
    assert (patch.before.tolist(), patch.behind.tolist()) == ([1, 40], [73, 40])
    assert patch.at_edges.tolist() == [[True, False], [False, False]]
    patch.pixels[:] = 0
    assert source[28:72, 0:19].any()


def test_a_stretched_patch_keeps_its_boxes_on_the_same_pixels() -> None:
    source = np.zeros((100, 100), dtype=np.uint8)
    source[40:50, 40:60] = 200
    patch = stretched(one_box(source, [40, 40, 60, 50], 2.0), np.array([0.5, 2.0]))
    x1, y1, x2, y2 = patch.boxes_xyxy[0].round().astype(int)
    assert (x2 - x1, y2 - y1) == (10, 20)
    assert patch.hull_xyxy.tolist() == patch.boxes_xyxy[0].tolist()
    assert patch.pixels[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1].min() > 150
    around = patch.pixels.copy()
    around[y1 - 1 : y2 + 1, x1 - 1 : x2 + 1] = 0
    assert around.max() < 20


def test_the_patch_arrives_whole_and_its_level_is_fitted() -> None:
    source = np.full((40, 40), 100, dtype=np.uint8)
    source[10:14, 20:24] = 160  # the defect, 60 above its surroundings
    target = np.full((50, 60), 30, dtype=np.uint8)
    made = paste(target, one_box(source, [20.0, 10.0, 24.0, 14.0]), (42.0, 32.0))
    assert made is not None
    assert made.boxes_xyxy.tolist() == [[40, 30, 44, 34]]
    assert made.hull_xyxy.tolist() == [40, 30, 44, 34]
    assert (made.image[30:34, 40:44] == 90).all()
    made.image[30:34, 40:44] = 30
    assert (made.image == 30).all()
    assert (target == 30).all()


def test_a_patch_stays_inside_and_too_large_ones_are_refused() -> None:
    source, target = np.zeros((40, 40), dtype=np.uint8), np.zeros((12, 12), dtype=np.uint8)
    made = paste(target, one_box(source, [20.0, 20.0, 24.0, 24.0]), (500.0, -500.0))
    assert made is not None
    assert made.boxes_xyxy.tolist() == [[5, 3, 9, 7]]
    assert paste(target, one_box(source, [2.0, 2.0, 30.0, 30.0]), (6.0, 6.0)) is None


@given(
    st.tuples(*[st.floats(0, 30)] * 2),
    st.tuples(*[st.floats(1, 30)] * 2),
    st.tuples(*[st.floats(-99, 99)] * 2),
    st.integers(8, 50),
    st.integers(8, 50),
)
def test_a_pasted_box_keeps_its_size_and_lies_inside(
    corner: tuple[float, float], sides: tuple[float, float], centre: tuple[float, float], height: int, width: int
) -> None:
    box = np.array([*corner, *np.minimum(np.add(corner, sides), 40)])
    patch = one_box(np.ones((40, 40), np.uint8), box.tolist())
    pasted = paste(np.zeros((height, width), np.uint8), patch, centre)
    if pasted is not None:
        (new,) = pasted.boxes_xyxy
        assert new[2:] - new[:2] == pytest.approx(box[2:] - box[:2])
        assert (new >= 0).all()
        assert (new <= [width, height, width, height]).all()
