import tracemalloc

import numpy as np
import pytest

from data_tools.core.gray_moments import gray_moments


def test_by_hand() -> None:
    """0, 2, 4, 6: mean 3, squares of the deviations 9, 1, 1, 9, so a variance of 5."""
    assert gray_moments(np.array([[0, 2], [4, 6]], dtype=np.uint8)) == (3.0, 5**0.5)
    assert gray_moments(np.full((3, 5), 255, dtype=np.uint8)) == (255.0, 0.0)


@pytest.mark.parametrize("size_hw", [(1, 1), (40, 4000), (1200, 1100)])
def test_the_same_as_numpy(size_hw: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, size_hw, dtype=np.uint8)
    assert gray_moments(image) == pytest.approx((image.mean(), image.std()), abs=1e-9)


def test_it_makes_no_copy_of_the_whole() -> None:
    image = np.zeros((4000, 5000), dtype=np.uint8)
    tracemalloc.start()
    try:
        gray_moments(image)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < image.size
