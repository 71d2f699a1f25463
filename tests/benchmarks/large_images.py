"""Large images: composed of magnetic tiles, or drawn.

python -m tests.benchmarks.large_images datasets/magnetic_tile --out datasets/large
python -m tests.benchmarks.large_images drawn --out datasets/drawn_large --counts 60 18 22 --seed 9001

Good tiles lie side by side, and over them each image has six whole tiles at random places: in good images good ones, in
the others one to three with a defect, at native scale. So the edges of what lies on top tell nothing. Sides are drawn
from 1,024 to 4,096 px, evenly in their logarithm. Train, validation and test images are made of the tiles of the
dataset's own splits, so no tile is on two sides; each image is a group of its own within its split.

Drawn are surfaces of 900 to 2,000 px with flaws of 10 to 1,300 px and without, in pairs, see `pretraining.corpus`.
"""

import argparse
import itertools
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
CELL = 256
MOST_DEFECTS = 3
ON_TOP = 6
DRAWN = (900, 2000)
_SIDES = 77


def compose(
    rng: np.random.Generator,
    good: list[NDArray[np.uint8]],
    on_top: list[tuple[NDArray[np.uint8], NDArray[np.float64]]],
    most: int = MOST,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """An image (h, w) of tiles laid row by row, and its (n, 4) boxes; tiles on top come whole, at random places."""
    height, width = np.exp(rng.uniform(np.log(LEAST), np.log(most), 2)).round().astype(int)
    image = np.zeros((height, width), dtype=np.uint8)
    for y in range(0, height, CELL):
        for x in range(0, width, CELL):
            tile = good[rng.integers(len(good))]
            tile = np.tile(tile, (-(-CELL // tile.shape[0]), -(-CELL // tile.shape[1])))
            part = image[y : y + CELL, x : x + CELL]
            part[:] = tile[: part.shape[0], : part.shape[1]]
    boxes, taken = [], np.zeros((height, width), dtype=bool)
    for tile, own in on_top:
        h, w = tile.shape
        for _ in range(50):
            y, x = (int(rng.integers(0, most + 1)) for most in (height - h, width - w))
            if not taken[y : y + h, x : x + w].any():
                image[y : y + h, x : x + w], taken[y : y + h, x : x + w] = tile, True
                boxes.append(own + np.array([x, y, x, y]))
                break
    return image, np.concatenate([np.zeros((0, 4)), *boxes])


def make(source: Path, out: Path, seed: int, counts: tuple[int, ...] = COUNTS, most: int = MOST) -> Dataset:
    """The whole dataset folder."""
    tiles = read_dataset(source)
    root = images_root_of(tiles, source)
    rng, samples, parts = np.random.default_rng(seed), [], {}
    (out / "images").mkdir(parents=True)
    for split, number_of in zip(SPLIT_NAMES, counts, strict=True):
        own = tiles.split(split)
        good = [read_gray(resolve_under(root, one.path)) for one in own if one.status == GOOD]
        boxed = [one for one in own if one.status == BOXED]
        parts[split] = tuple(range(len(samples) + 1, len(samples) + 1 + number_of))
        for number in parts[split]:
            count = int(rng.integers(1, MOST_DEFECTS + 1)) if number % 2 else 0
            chosen = [boxed[i] for i in rng.choice(len(boxed), count, replace=False)]
            on_top = [(read_gray(resolve_under(root, one.path)), one.boxes_xyxy) for one in chosen]
            on_top += [(good[i], np.zeros((0, 4))) for i in rng.choice(len(good), ON_TOP - count, replace=False)]
            image, boxes = compose(rng, good, on_top, most)
            name = f"{split}_{number:04d}.png"
            Image.fromarray(image).save(out / "images" / name, compress_level=1)
            kind = chosen[0].type if chosen else GOOD
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
