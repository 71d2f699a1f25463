from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Sample
from data_tools.loading.layout import Layout, layout_of, layout_of_samples

NOISE = np.random.default_rng(0)


def noise() -> np.ndarray:
    return NOISE.integers(0, 255, (64, 64)).astype(np.uint8)


def upright(step: int = 40) -> np.ndarray:
    """The same left-right symmetric part in each image, with a little noise."""
    image = np.full((80, 100), 20.0)
    image[10:40, 30:70] = 200
    image[40:75, 48:52] = 150
    return (image + NOISE.integers(0, step, image.shape)).astype(np.uint8)


def test_unrelated_images_share_nothing_and_may_be_turned() -> None:
    layout = layout_of(noise() for _ in range(50))
    assert layout.shared == pytest.approx(0, abs=0.02)
    assert layout.geometry == "d4"
    assert not layout.is_aligned


def test_a_part_that_lies_upright_keeps_its_one_symmetry() -> None:
    layout = layout_of(upright() for _ in range(20))
    assert layout.shared > 0.9
    assert layout.geometry == "hflip"
    assert layout.is_aligned
    lying = layout_of(np.ascontiguousarray(upright().T) for _ in range(20))
    assert lying.geometry == "vflip"


def test_copies_of_a_lopsided_image_may_not_be_changed() -> None:
    image = np.zeros((64, 64), dtype=np.uint8)
    image[:20, :10] = 255
    layout = layout_of([image, image])
    assert layout.shared == pytest.approx(1)
    assert layout.geometry == "none"


def test_by_hand() -> None:
    """Halves of opposite sign: a left-right mirror misplaces twice the variance, an upside-down one nothing."""
    image = np.zeros((64, 64), dtype=np.uint8)
    image[:, 32:] = 255
    assert layout_of([image, image]).misplaced == pytest.approx({"hflip": 2, "vflip": 0, "transpose": 1})


def test_a_symmetric_part_may_be_mirrored_but_not_turned() -> None:
    assert Layout(0.3, {"hflip": 0.05, "vflip": 0.1, "transpose": 0.29}).geometry == "flips"


def test_of_flat_images_nothing_is_known() -> None:
    layout = layout_of([np.zeros((8, 8), dtype=np.uint8)] * 3)
    assert layout.geometry == "none"
    assert layout.is_aligned


def test_training_images_that_show_nothing_are_warned_of(
    tmp_path: Path, make_sample: Callable[..., Sample], caplog: pytest.LogCaptureFixture
) -> None:
    """Gray values 1,990 to 2,010 of 65,535 are all 8 of 255."""
    rng, samples = np.random.default_rng(0), [make_sample(i, [], (16, 16)) for i in range(1, 5)]
    for sample in samples:
        Image.fromarray(rng.integers(1990, 2011, (16, 16), dtype=np.uint16)).save(tmp_path / sample.path)
    layout_of_samples(samples, tmp_path)
    assert "4 of 4 training images that were looked at have one gray level alone" in caplog.text
    caplog.clear()
    for sample in samples[:2]:
        Image.fromarray(rng.integers(0, 256, (16, 16), dtype=np.uint8)).save(tmp_path / sample.path)
    layout_of_samples(samples, tmp_path)
    assert caplog.text == ""
