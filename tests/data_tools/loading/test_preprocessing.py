from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.loading.dataset import DefectDataset
from data_tools.loading.input_config import InputConfig
from data_tools.loading.transforms import PreprocessConfig, Preprocessing


def gray(height: int = 60, width: int = 80) -> np.ndarray:
    return (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width)


def test_off_by_default() -> None:
    image, boxes = gray(), np.array([[1.0, 2, 3, 4]])
    changed, moved, kept = Preprocessing(PreprocessConfig())(image, boxes)
    assert changed is image
    assert moved is boxes
    assert kept.tolist() == [0]


def test_a_crop_moves_cuts_and_loses_boxes() -> None:
    boxes = np.array([[0.0, 0, 9, 9], [5, 5, 15, 25], [20, 20, 30, 31]])
    changed, moved, kept = Preprocessing(PreprocessConfig(crop_px=10))(gray(), boxes)
    assert np.array_equal(changed, gray()[10:-10, 10:-10])
    assert kept.tolist() == [1, 2]
    assert moved == pytest.approx(np.array([[0.0, 0, 5, 15], [10, 10, 20, 21]]), abs=1e-4)


def test_dark_becomes_black_and_binary_is_black_and_white() -> None:
    image = np.array([[0, 29, 30, 200]], dtype=np.uint8).repeat(16, axis=0).repeat(4, axis=1)
    dark, _, _ = Preprocessing(PreprocessConfig(black_below=30))(image, np.zeros((0, 4)))
    assert dark[0, ::4].tolist() == [0, 0, 30, 200]
    binary, _, _ = Preprocessing(PreprocessConfig(white_from=30))(image, np.zeros((0, 4)))
    assert binary[0, ::4].tolist() == [0, 0, 255, 255]
    assert image[0, ::4].tolist() == [0, 29, 30, 200]


@given(st.integers(0, 20), st.integers(0, 40), st.integers(0, 40), st.integers(1, 19), st.integers(1, 19))
def test_a_moved_box_holds_the_same_pixels(crop: int, x: int, y: int, width: int, height: int) -> None:
    """Of what is left of a box: its place in the window, moved back, is where it was in the image."""
    config = PreprocessConfig(crop_px=crop)
    box = np.array([[x, y, x + width, y + height]], dtype=float)
    _, moved, kept = Preprocessing(config)(gray(), box)
    x1, y1, x2, y2 = config.window((60, 80))
    left = np.clip(box, (x1, y1, x1, y1), (x2, y2, x2, y2))
    if ((left[:, 2:] - left[:, :2]) > 0).all():
        assert moved + np.array([x1, y1, x1, y1]) == pytest.approx(left, abs=1e-3)
    else:
        assert not len(kept)


def test_a_box_that_only_touches_the_edge_of_a_crop_is_lost() -> None:
    """Whatever rounding makes of its place as a share of the width."""
    crop = Preprocessing(PreprocessConfig(crop_px=30))
    for width in range(120, 400):
        edge = width - 30.0
        boxes = np.array([[edge, 35, width, 50], [edge - 1, 35, width, 50]])
        _, moved, kept = crop(gray(100, width), boxes)
        assert kept.tolist() == [1]
        assert moved == pytest.approx(np.array([[edge - 31, 5, edge - 30, 20]]), abs=1e-3)


@pytest.mark.parametrize("crop", [-1, 23])
def test_a_crop_that_leaves_nothing_is_refused(crop: int) -> None:
    with pytest.raises(InputError, match="crop_px"):
        Preprocessing(PreprocessConfig(crop_px=crop))(gray(), np.zeros((0, 4)))


def test_a_defect_that_was_cropped_away_is_unboxed_not_good(tmp_path: Path, make_sample) -> None:
    Image.fromarray(gray()).save(tmp_path / "1.png")
    sample = make_sample(1, [(0, 0, 5, 5)], (60, 80))
    item = DefectDataset([sample], tmp_path, InputConfig(preprocess=PreprocessConfig(crop_px=10)))[(0, 0)]
    assert (item.defect, item.unboxed, item.boxes_lost) == (1.0, True, 1)
    assert item.image.shape == (1, 40, 60)
