"""Trays of tiles: what lies on them, and the same tiles apart."""

from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.core.records import BOXED, GOOD, SPLIT_NAMES, Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset, write_dataset
from tests.benchmarks import large_images

SIDE = 120
CLEAN, BOXED_SHOT, SAID_GOOD = 100, 150, 200
TILE = (CLEAN, BOXED_SHOT, BOXED_SHOT, BOXED_SHOT, SAID_GOOD)


def tiles(folder: Path) -> Path:
    """In each part of the split a clean tile, and four shots of one with a defect, one of which is said to be good."""
    (folder / "images").mkdir(parents=True)
    samples = []
    for number in range(3 * len(TILE)):
        gray, part = TILE[number % len(TILE)], number // len(TILE)
        group = f"{'clean' if gray == CLEAN else 'faulty'}{part}"
        Image.fromarray(np.full((SIDE, SIDE), gray, dtype=np.uint8)).save(folder / "images" / f"{number}.png")
        boxes = np.array([[10.0, 20.0, 30.0, 50.0]] if gray == BOXED_SHOT else np.zeros((0, 4)))
        labels, status = np.ones(len(boxes), dtype=np.int64), BOXED if len(boxes) else GOOD
        samples.append(Sample(number + 1, f"{number}.png", (SIDE, SIDE), boxes, labels, status, group, status))
    splits = Splits(0, "tile", *(tuple(range(start, start + len(TILE))) for start in (1, 6, 11)))
    write_dataset(folder, Dataset(tuple(samples), ("defect",), folder / "images", splits))
    return folder


def test_a_tile_with_a_defect_in_another_shot_is_never_a_good_one(tmp_path: Path) -> None:
    out, apart = tmp_path / "large", tmp_path / "apart"
    large_images.make(tiles(tmp_path / "tiles"), out, 0, (2, 1, 2), 1100, apart)
    made, pieces = read_dataset(out), read_dataset(apart)
    assert [one.status for one in made.samples] == [BOXED, GOOD, BOXED, GOOD, BOXED]
    for one in made.samples:
        pixels = np.asarray(Image.open(out / "images" / one.path))
        expected = {large_images.DARK, CLEAN, BOXED_SHOT} if one.status == BOXED else {large_images.DARK, CLEAN}
        assert set(np.unique(pixels)) == expected
        assert all(pixels[int(top), int(left)] == BOXED_SHOT for left, top, *_ in one.boxes_xyxy)
    for split in SPLIT_NAMES:
        trays, tiles_of = made.split(split), pieces.split(split)
        assert sum(len(one.boxes_xyxy) for one in tiles_of) == sum(len(one.boxes_xyxy) for one in trays)
        assert {one.group for one in tiles_of} == {one.group for one in trays}
        assert len(tiles_of) > 50 * len(trays)
    assert {one.size_hw for one in pieces.samples} == {(SIDE, SIDE)}
    assert {(one.status, one.type) for one in pieces.samples} == {(GOOD, GOOD), (BOXED, BOXED)}  # each its own tile's
