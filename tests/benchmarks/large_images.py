"""Large images: composed of magnetic tiles, or drawn.

python -m tests.benchmarks.large_images datasets/magnetic_tile --out datasets/large
python -m tests.benchmarks.large_images drawn --out datasets/drawn_large --counts 60 18 22 --seed 9001

Tiles lie whole, at native scale and in rows, on a dark tray of 1,024 to 4,096 px a side (evenly in its logarithm): good
ones, and in every other image one to three with a defect among them. So a defect alone tells a defect image. Train,
validation and test images are made of the tiles of the dataset's own splits, so no tile is on two sides; each image is
a group of its own within its split.

Drawn are surfaces of 900 to 2,000 px with flaws of 10 to 1,300 px and without, in pairs, see `pretraining.corpus`.
"""

import argparse
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from data_tools.core.records import BOXED, GOOD, SPLIT_NAMES, Dataset, Sample, Splits
from data_tools.files.dataset_folder import images_root_of, read_dataset, write_dataset
from data_tools.files.images import read_gray, resolve_under
from tests.benchmarks.pretraining.corpus import write_pair

COUNTS = (120, 20, 40)
LEAST, MOST = 1024, 4096
MOST_DEFECTS = 3
GAP = 8
DARK = 20
SMALLEST = 100 * 100
DRAWN = (900, 2000)
_SIDES = 77
_TRIES = 1000
Tile = tuple[NDArray[np.uint8], NDArray[np.float64]]


def laid_out(sizes: Sequence[tuple[int, int]], tray_hw: tuple[int, int]) -> list[tuple[int, int]]:
    """Top left corners (y, x) of as many tiles (h, w), in order, as fit on a tray in rows as high as their highest."""
    corners: list[tuple[int, int]] = []
    top = left = GAP
    bottom = top
    for h, w in sizes:
        if left + w + GAP > tray_hw[1]:
            top, left = bottom + GAP, GAP
        if left + w + GAP > tray_hw[1] or top + h + GAP > tray_hw[0]:
            break
        corners.append((top, left))
        left, bottom = left + w + GAP, max(bottom, top + h)
    return corners


def compose(rng: np.random.Generator, good: Sequence[Tile], bad: Sequence[Tile], most: int = MOST) -> Tile:
    """A tray (h, w) of good tiles with `bad` ones among them, and its (n, 4) boxes.

    Raises:
        ValueError: the bad ones do not fit on a tray of the size drawn.
    """
    height, width = np.exp(rng.uniform(np.log(LEAST), np.log(most), 2)).round().astype(int).tolist()
    for _ in range(_TRIES):
        tiles = [good[i] for i in rng.integers(len(good), size=height * width // SMALLEST)]
        room = len(laid_out([pixels.shape for pixels, _ in tiles], (height, width)))
        places = rng.choice(room, len(bad), replace=False) if room >= len(bad) else []
        for place, tile in zip(places, bad, strict=False):
            tiles[place] = tile
        corners = laid_out([pixels.shape for pixels, _ in tiles], (height, width))
        if len(places) == len(bad) and all(place < len(corners) for place in places):
            break
    else:
        raise ValueError(f"{len(bad)} tiles with defects do not fit on a tray of {width} x {height} px")
    image, boxes = np.full((height, width), DARK, dtype=np.uint8), [np.zeros((0, 4))]
    for (pixels, own), (y, x) in zip(tiles, corners, strict=False):
        image[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
        boxes.append(own + np.array([x, y, x, y]))
    return image, np.concatenate(boxes)


def make(source: Path, out: Path, seed: int, counts: tuple[int, ...] = COUNTS, most: int = MOST) -> Dataset:
    """The whole dataset folder."""
    tiles = read_dataset(source)
    root = images_root_of(tiles, source)
    rng, samples, parts = np.random.default_rng(seed), [], {}
    (out / "images").mkdir(parents=True)
    for split, number_of in zip(SPLIT_NAMES, counts, strict=True):
        own = tiles.split(split)
        read = [(read_gray(resolve_under(root, one.path)), one) for one in own if one.status in (GOOD, BOXED)]
        good = [(pixels, one.boxes_xyxy) for pixels, one in read if one.status == GOOD]
        boxed = [(pixels, one) for pixels, one in read if one.status == BOXED]
        parts[split] = tuple(range(len(samples) + 1, len(samples) + 1 + number_of))
        for number in parts[split]:
            count = int(rng.integers(1, MOST_DEFECTS + 1)) if number % 2 else 0
            chosen = [boxed[i] for i in rng.choice(len(boxed), count, replace=False)]
            image, boxes = compose(rng, good, [(pixels, one.boxes_xyxy) for pixels, one in chosen], most)
            name = f"{split}_{number:04d}.png"
            Image.fromarray(image).save(out / "images" / name, compress_level=1)
            kind = chosen[0][1].type if chosen else GOOD
            labels = np.ones(len(boxes), dtype=np.int64)
            status = BOXED if chosen else GOOD
            samples.append(Sample(number, name, image.shape, boxes, labels, status, f"{split}{number}", kind))  # type: ignore[arg-type]
    splits = Splits(seed, "none", parts["train"], parts["val"], parts["test"])
    dataset = Dataset(tuple(samples), ("defect",), out / "images", splits)
    write_dataset(out, dataset)
    return dataset


def draw(out: Path, seed: int, counts: tuple[int, ...]) -> Dataset:
    """The dataset folder of drawn pairs, `counts` of them to train, validate and test."""
    (out / "images").mkdir(parents=True)
    samples: list[Sample] = []
    for index in range(sum(counts)):
        sides = np.exp(np.random.default_rng((_SIDES, index)).uniform(*np.log(DRAWN), 2)).astype(int)
        samples += write_pair(out / "images", seed, (int(sides[0]), int(sides[1])), index)
    ends = np.cumsum((0, *counts)) * 2
    ids = (tuple(range(start + 1, end + 1)) for start, end in itertools.pairwise(ends.tolist()))
    dataset = Dataset(tuple(samples), ("defect",), out / "images", Splits(seed, "scene", *ids))
    write_dataset(out, dataset)
    return dataset


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="dataset folder of tiles; the word drawn draws surfaces")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counts", type=int, nargs=3, default=COUNTS, help="train, validation and test images")
    parser.add_argument("--most", type=int, default=MOST, help="longest side in pixels")
    words = parser.parse_args()
    if words.source == Path("drawn"):
        made = draw(words.out, words.seed, tuple(words.counts))
    else:
        made = make(words.source, words.out, words.seed, tuple(words.counts), words.most)
    print(f"{words.out}: {len(made.samples)} images, {sum(len(s.boxes_xyxy) for s in made.samples)} boxes")
