from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.files.gray_levels import GrayLevels, gray_levels, range_text, used_bits


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[7, 4000]], np.uint16), GrayLevels(7, 4000, "gray")),
        (np.array([[7, 70000]], np.int32), GrayLevels(7, 70000, "wide")),
        (np.array([[-0.5, 1.5]], np.float32), GrayLevels(-0.5, 1.5, "wide")),
        (np.array([[7, 200]], np.uint8), None),
        (np.array([[0, np.inf]], np.float32), None),
    ],
)
def test_levels_by_hand(tmp_path: Path, pixels: np.ndarray, expected: GrayLevels | None) -> None:
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert gray_levels(tmp_path / "a.tif") == expected


def test_what_cannot_be_read_has_no_levels(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    assert gray_levels(tmp_path / "a.tif") is None


@pytest.mark.parametrize(("high", "bits"), [(0, 0), (1, 1), (255, 8), (256, 9), (4095, 12), (65535, 16), (-3, 0)])
def test_used_bits_are_those_of_the_brightest(high: float, bits: int) -> None:
    assert used_bits([GrayLevels(-5, -4, "gray"), GrayLevels(-4, high, "gray")]) == bits


def test_the_range_is_the_set_s() -> None:
    levels = [GrayLevels(3, 8, "gray"), GrayLevels(5, 4000.5, "gray")]
    assert range_text(levels, ",") == "3,4000.5"
    assert used_bits([]) == 16
