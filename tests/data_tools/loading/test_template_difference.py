import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from data_tools.loading.template_difference import template_difference

Gray = NDArray[np.uint8]


def step() -> Gray:
    """(32, 64), half 50 and half 150: mean 100, deviation 50, so that an edge of two deviations lies in the middle."""
    template = np.full((32, 64), 50, np.uint8)
    template[:, 32:] = 150
    return template


def board(seed: int = 0) -> Gray:
    """A part with bodies at places of its own, and noise."""
    rng = np.random.default_rng(seed)
    image = np.full((64, 80), 60.0)
    for top, left, height, width in rng.integers(4, 40, (6, 4)):
        image[top : top + height // 2, left : left + width // 2] = rng.integers(80, 230)
    return image


def shot(part: NDArray[np.float64], seed: int, noise: float = 3.0) -> Gray:
    return (part + np.random.default_rng(seed).normal(0, noise, part.shape)).clip(0, 255).astype(np.uint8)


def test_an_image_like_its_template_does_not_differ() -> None:
    assert not template_difference(step(), step()).any()


def test_a_spot_differs_by_its_spreads() -> None:
    """The least spread is a tenth of a deviation, 5 gray levels; spots on both sides leave the contrast as it is."""
    for spreads in (1, 3, -4, 8, 11):
        image = step()
        image[5, 10], image[20, 50] = 50 + 5 * spreads, 150 + 5 * spreads
        difference = template_difference(image, step())
        wanted = np.zeros((32, 64))
        wanted[5, 10] = wanted[20, 50] = np.clip(spreads / 8, -1, 1)
        assert np.allclose(difference, wanted, atol=1e-5)


def test_beside_an_edge_half_its_height_is_one_spread() -> None:
    """Half a pixel of misplacement moves a pixel half of the way: one deviation, 50 gray levels."""
    image = step()
    image[5, 31] += 50
    image[5, 32] -= 50
    difference = template_difference(image, step())
    assert difference[5, 31:33] == pytest.approx([1 / 8, -1 / 8], rel=0.02)
    assert np.abs(np.delete(difference, 5, axis=0)).max() < 0.02


@given(st.integers(-8, 8), st.integers(-8, 8), st.integers(0, 20))
def test_a_part_aside_is_registered(down: int, right: int, seed: int) -> None:
    part = board(seed)
    image = shot(np.roll(part, (down, right), (0, 1)), 1)
    difference = template_difference(image, shot(part, 2))
    inside = difference[9:-9, 9:-9]
    assert np.abs(inside).mean() < 0.15  # about one spread, which is what noise gives
    assert np.abs(inside).max() < 0.8


@given(st.floats(0.6, 1.6), st.floats(-40, 40))
def test_light_is_no_difference_and_a_defect_is(gain: float, offset: float) -> None:
    part = board(3) / 2 + 50
    scratched = part.copy()
    scratched[50, 20:60] += 40
    lit = shot(scratched * gain + offset, 1, noise=2 * gain)
    difference = template_difference(lit, shot(part, 2, noise=2))
    assert difference[50, 22:58].min() > 0.5
    assert np.abs(np.delete(difference, 50, axis=0)).mean() < 0.2


def test_noise_is_about_a_spread_however_strong() -> None:
    flat = np.full((64, 64), 100.0)
    for noise in (2.0, 8.0, 20.0):
        difference = template_difference(shot(flat, 1, noise), shot(flat, 2, noise))
        assert 0.4 < 8 * np.median(np.abs(difference)) < 0.7  # of normal noise 0.67; less beside what seems an edge


def test_flat_pictures_and_pictures_of_a_pixel_differ_by_nothing() -> None:
    for shape in ((1, 1), (1, 9), (16, 16)):
        template = np.full(shape, 90, np.uint8)
        assert not template_difference(template + 30, template).any()  # light alone


def test_inputs_stay_as_they_are_and_have_one_size() -> None:
    image, template = shot(board(), 1), shot(board(), 2)
    before = image.copy(), template.copy()
    template_difference(image, template)
    assert (image == before[0]).all()
    assert (template == before[1]).all()
    with pytest.raises(ValueError, match="one size"):
        template_difference(image, template[1:])
