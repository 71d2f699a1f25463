from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_tools.core.errors import InputError
from data_tools.networks.cell_features import DIMENSIONS, cell_features, shrunk_size


def save_noise(folder: Path, sizes: list[tuple[int, int]]) -> list[str]:
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    for i, size in enumerate(sizes):
        Image.fromarray(rng.integers(90, 110, size, dtype=np.uint8)).save(folder / f"{i}.png")
    return [f"{i}.png" for i in range(len(sizes))]


@pytest.mark.parametrize(
    ("size_hw", "expected"), [((100, 50), (100, 50)), ((640, 320), (320, 160)), ((3, 6400), (1, 320))]
)
def test_shrunk_sizes_keep_their_shape(size_hw: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrunk_size(size_hw, 320) == expected


def test_a_cell_that_differs_stands_out_in_its_place(tmp_path: Path) -> None:
    sizes = [(96, 128)] * 24
    names = save_noise(tmp_path / "images", sizes)
    pixels = np.array(Image.open(tmp_path / "images" / "5.png"))
    pixels[36:44, 84:92] = 250  # in the cell of row 2, column 5
    Image.fromarray(pixels).save(tmp_path / "images" / "5.png")
    cells = cell_features(names, tmp_path / "images", sizes, tmp_path)
    assert (len(cells), cells.of(5).shape, cells.grids_hw[5].tolist()) == (24, (48, DIMENSIONS), [6, 8])
    lengths = np.array([np.linalg.norm(cells.of(i), axis=1) for i in range(24)])
    image, place = np.unravel_index(lengths.argmax(), lengths.shape)
    row, column = divmod(int(place), 8)
    assert image == 5
    assert max(abs(row - 2), abs(column - 5)) <= 1


def test_images_of_several_sizes_keep_their_order(tmp_path: Path) -> None:
    sizes = [(64, 80), (50, 33), (64, 80), (700, 350), (50, 33)]
    names = save_noise(tmp_path / "images", sizes)
    cells = cell_features(names, tmp_path / "images", sizes, tmp_path)
    assert cells.grids_hw.tolist() == [[4, 5], [4, 3], [4, 5], [20, 10], [4, 3]]  # rounded up; the large one shrunk
    assert np.diff(cells.starts).tolist() == [20, 12, 20, 200, 12]
    assert all(np.isfinite(cells.of(i)).all() and np.abs(cells.of(i)).sum(axis=1).all() for i in range(5))
    alone = np.load(tmp_path / "cells.npy", mmap_mode="r")
    assert len(alone) == cells.starts[-1]


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    names = save_noise(tmp_path / "images", [(40, 40)] * 2)
    (tmp_path / "images" / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1\.png"):
        cell_features(names, tmp_path / "images", [(40, 40)] * 2, tmp_path)
