import numpy as np
import pytest

from data_tools.dataset import InputConfig, resize
from data_tools.errors import InputError
from data_tools.transforms import PreprocessConfig


@pytest.mark.parametrize(
    ("config", "size_hw", "seen_hw"),
    [
        (InputConfig(), (267, 275), (267, 275)),
        (InputConfig(size_hw=(64, 32)), (267, 275), (64, 32)),
        (InputConfig(max_pixels=10_000), (100, 100), (100, 100)),
        (InputConfig(max_pixels=51_000), (267, 275), (224, 224)),
        (InputConfig(max_pixels=51_000), (227, 616), (128, 384)),
        (InputConfig(max_pixels=10_000, preprocess=PreprocessConfig(crop_px=50)), (200, 500), (64, 192)),
        (InputConfig(max_pixels=1_000), (5_000, 20), (512, 32)),
        (InputConfig(preprocess=PreprocessConfig(crop_px=20)), (100, 90), (60, 50)),
        (InputConfig(size_hw=(224, 224), scale=1.3), (267, 275), (288, 288)),
        (InputConfig(max_pixels=51_000, scale=0.5), (227, 616), (64, 192)),
        (InputConfig(scale=2.0), (100, 20), (192, 32)),
    ],
)
def test_the_size_at_which_an_image_is_seen(
    config: InputConfig, size_hw: tuple[int, int], seen_hw: tuple[int, int]
) -> None:
    assert config.target_hw(size_hw) == seen_hw


def test_a_scale_that_leaves_nothing_is_refused() -> None:
    for scale in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"input\.scale"):
            InputConfig(scale=scale)


def test_boxes_move_with_the_image() -> None:
    image = np.zeros((20, 40), dtype=np.uint8)
    image[4:8, 10:20] = 200
    made, boxes = resize(image, np.array([[10.0, 4, 20, 8]]), (40, 40))
    assert made.shape == (40, 40)
    assert boxes.tolist() == [[10, 8, 20, 16]]
    assert (made[9:15, 11:19] > 150).all()
    assert made[:6].max() == 0


def test_the_same_size_is_the_same_image() -> None:
    image, boxes = np.zeros((5, 6), dtype=np.uint8), np.zeros((0, 4))
    assert resize(image, boxes, (5, 6)) == (image, boxes)


def test_a_thin_line_survives_shrinking() -> None:
    image = np.zeros((64, 64), dtype=np.uint8)
    image[:, 33] = 200
    made, _ = resize(image, np.zeros((0, 4)), (16, 16))
    assert made.sum(axis=1).min() >= 48  # a quarter of its gray, wherever it falls
