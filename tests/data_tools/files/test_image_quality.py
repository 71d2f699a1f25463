from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.files.image_quality import noise, read_quality, sharpness


def test_sharpness_and_noise_by_hand() -> None:
    """One bright pixel in 5 x 5: the Laplacian has 40 once, -10 four times, 0 four times; the mask's sum is 160."""
    pixels = np.zeros((5, 5), dtype=np.uint8)
    pixels[2, 2] = 10
    assert sharpness(pixels) == pytest.approx(np.std([40, -10, -10, -10, -10, 0, 0, 0, 0]))
    assert noise(pixels) == pytest.approx(160 / 9 * np.sqrt(np.pi / 2) / 6)
    assert sharpness(np.full((9, 9), 7, np.uint8)) == noise(np.full((9, 9), 7, np.uint8)) == 0
    assert sharpness(pixels[:2]) == noise(pixels[:2]) == 0


def test_noise_is_estimated_on_a_ramp() -> None:
    rng = np.random.default_rng(0)
    ramp = np.linspace(60, 180, 200)[None, :] + rng.normal(0, 5, (200, 200))
    assert noise(np.rint(ramp).astype(np.uint8)) == pytest.approx(5, rel=0.03)


def test_a_file_is_measured(tmp_path: Path) -> None:
    pixels = np.full((4, 6), 100, dtype=np.uint8)
    pixels[0, :3] = (0, 255, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = read_quality(tmp_path / "a.png")
    assert (found.height, found.width, found.kind) == (4, 6, "PNG L 8 bit")
    assert found.mean == pytest.approx(pixels.mean())
    assert found.spread == pytest.approx(pixels.std())
    assert found.saturated == 3 / 24
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"b\.png"):
        read_quality(tmp_path / "b.png")
