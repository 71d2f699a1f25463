import pytest

from data_tools.dataset import InputConfig
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
    ],
)
def test_the_size_at_which_an_image_is_seen(
    config: InputConfig, size_hw: tuple[int, int], seen_hw: tuple[int, int]
) -> None:
    assert config.target_hw(size_hw) == seen_hw
