import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.errors import InputError
from data_tools.transforms import Augmentation, AugmentConfig, zoom_in


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 80), dtype=np.uint8)


@given(
    st.integers(0, 10_000), st.floats(0, 0.9), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 50)), max_size=3)
)
def test_boxes_stay_whole_and_inside_when_zooming(seed: int, most: float, corners: list[tuple[int, int]]) -> None:
    boxes = np.array([(x, y, x + 10, y + 10) for x, y in corners], dtype=float).reshape(-1, 4)
    image, zoomed = zoom_in(picture(), boxes, most, np.random.default_rng(seed))
    assert image.shape == (60, 80)
    assert (zoomed >= -1e-9).all()
    assert (zoomed <= np.array([80, 60, 80, 60]) + 1e-9).all()
    assert ((zoomed[:, 2:] - zoomed[:, :2]) >= 10 - 1e-9).all()


def test_a_box_that_sticks_out_by_a_rounding_error_is_no_reason_to_fail() -> None:
    for seed in range(20):
        zoom_in(picture(), np.array([[-1e-7, 0, 80 + 1e-7, 60 + 1e-7]]), 0.5, np.random.default_rng(seed))


def test_the_pixels_go_with_their_box() -> None:
    image = np.zeros((60, 80), dtype=np.uint8)
    image[20:40, 30:50] = 200
    for seed in range(5):
        made, ((x1, y1, x2, y2),) = zoom_in(image, np.array([[30.0, 20, 50, 40]]), 0.5, np.random.default_rng(seed))
        assert made[round(y1) + 2 : round(y2) - 2, round(x1) + 2 : round(x2) - 2].min() > 150
        assert made.sum() / 200 == pytest.approx((x2 - x1) * (y2 - y1), rel=0.1)


def test_a_defect_at_an_unknown_place_stays_in_view() -> None:
    config = AugmentConfig(geometry="none", photometry=0.0, zoom=0.5)
    same, _, _ = Augmentation(config)(picture(), np.zeros((0, 4)), 3, whole=True)
    other, _, _ = Augmentation(config)(picture(), np.zeros((0, 4)), 3)
    assert (same == picture()).all()
    assert (other != picture()).any()


def test_the_same_seed_gives_the_same_image() -> None:
    augment = Augmentation(AugmentConfig(geometry="d4", photometry=1.0, zoom=0.3))
    boxes = np.array([[5.0, 5, 20, 20]])
    (a, b, lost), (c, d, _), (e, _, _) = (augment(picture(), boxes, seed) for seed in (1, 1, 2))
    assert (a == c).all()
    assert (b == d).all()
    assert lost == 0
    assert a.shape != e.shape or (a != e).any()


def test_a_zoom_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="zoom"):
        AugmentConfig(zoom=1.0)
