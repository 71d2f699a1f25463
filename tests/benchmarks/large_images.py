"""Large images: composed of magnetic tiles, or drawn.

python -m tests.benchmarks.large_images datasets/magnetic_tile --out datasets/large --apart datasets/apart
python -m tests.benchmarks.large_images drawn --out datasets/drawn_large --counts 60 18 22 --seed 9001

Tiles lie whole, at native scale and in rows, on a dark tray of 1,024 to 4,096 px a side (evenly in its logarithm): good
ones, and in every other image one to three with a defect among them. So a defect alone tells a defect image. Good are
tiles without a defect in any shot: some shots of a tile with a blowhole lie among the good ones, blowhole and all.
Train, validation and test images are made of the tiles of the dataset's own splits, so no tile is on two sides; each
image is a group of its own within its split. `--apart` has their tiles once more, each as an image of its tray's split.

Drawn are surfaces of 900 to 2,000 px with flaws of 10 to 1,300 px and without, in pairs, see `pretraining.corpus`.
"""

import argparse
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

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


class Tile(NamedTuple):
    """Pixels (h, w), boxes (n, 4) of defects in them, and their type, "good" without any."""

    pixels: NDArray[np.uint8]
    boxes_xyxy: NDArray[np.float64]
    kind: str


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


@dataclass(frozen=True)
class Tray:
    """Tiles that lie at `corners` (y, x) on a tray of `size_hw`."""

    size_hw: tuple[int, int]
    tiles: Sequence[Tile]
    corners: Sequence[tuple[int, int]]

    def seen(self, kind: str) -> Tile:
        """All of it, of that type."""
        image, boxes = np.full(self.size_hw, DARK, dtype=np.uint8), [np.zeros((0, 4))]
        for (pixels, own, _), (y, x) in zip(self.tiles, self.corners, strict=True):
            image[y : y + pixels.shape[0], x : x + pixels.shape[1]] = pixels
            boxes.append(own + np.array([x, y, x, y]))
        return Tile(image, np.concatenate(boxes), kind)


def lay(rng: np.random.Generator, good: Sequence[Tile], bad: Sequence[Tile], most: int = MOST) -> Tray:
    """A tray of good tiles with `bad` ones among them.

    Raises:
        ValueError: the bad ones do not fit on a tray of the size drawn.
    """
    height, width = np.exp(rng.uniform(np.log(LEAST), np.log(most), 2)).round().astype(int).tolist()
    for _ in range(_TRIES):
        tiles = [good[i] for i in rng.integers(len(good), size=height * width // SMALLEST)]
        room = len(laid_out([tile.pixels.shape for tile in tiles], (height, width)))
        places = rng.choice(room, len(bad), replace=False) if room >= len(bad) else []
        for place, tile in zip(places, bad, strict=False):
            tiles[place] = tile
        corners = laid_out([tile.pixels.shape for tile in tiles], (height, width))
        if len(places) == len(bad) and all(place < len(corners) for place in places):
            break
    else:
        raise ValueError(f"{len(bad)} tiles with defects do not fit on a tray of {width} x {height} px")
    return Tray((height, width), tiles[: len(corners)], corners)


def make(
    source: Path, out: Path, seed: int, counts: tuple[int, ...] = COUNTS, most: int = MOST, apart: Path | None = None
) -> Dataset:
    """The whole dataset folder, and that of the same tiles, each an image, where `apart` says so."""
    tiles = read_dataset(source)
    root = images_root_of(tiles, source)
    rng, samples, parts = np.random.default_rng(seed), [], {}
    pieces: dict[str, list[Sample]] = {split: [] for split in SPLIT_NAMES}
    for folder in (out, *([] if apart is None else [apart])):
        (folder / "images").mkdir(parents=True)
    for split, number_of in zip(SPLIT_NAMES, counts, strict=True):
        shots = tiles.split(split)
        faulty = {one.group for one in shots if one.status != GOOD}
        read = [(_tile(one, root), one) for one in shots if one.status in (GOOD, BOXED)]
        good = [tile for tile, one in read if one.group not in faulty]
        boxed = [tile for tile, one in read if one.status == BOXED]
        parts[split] = tuple(range(len(samples) + 1, len(samples) + 1 + number_of))
        for number in parts[split]:
            count = int(rng.integers(1, MOST_DEFECTS + 1)) if number % 2 else 0
            chosen = [boxed[i] for i in rng.choice(len(boxed), count, replace=False)]
            tray = lay(rng, good, chosen, most)
            whole = tray.seen(chosen[0].kind if chosen else GOOD)
            samples.append(_written(out, number, f"{split}_{number:04d}", whole, f"{split}{number}"))
            if apart is not None:
                for place, tile in enumerate(tray.tiles):
                    id_, name = 1 + sum(map(len, pieces.values())), f"{number:04d}_{place:02d}"
                    pieces[split].append(_written(apart, id_, name, tile, f"{split}{number}"))
    if apart is not None:
        own = (tuple(one.image_id for one in part) for part in pieces.values())
        everything = tuple(itertools.chain(*pieces.values()))
        write_dataset(apart, Dataset(everything, ("defect",), apart / "images", Splits(seed, "none", *own)))
    dataset = Dataset(tuple(samples), ("defect",), out / "images", Splits(seed, "none", *parts.values()))
    write_dataset(out, dataset)
    return dataset


def _tile(sample: Sample, root: Path) -> Tile:
    return Tile(read_gray(resolve_under(root, sample.path)), sample.boxes_xyxy, sample.type)


def _written(folder: Path, number: int, name: str, seen: Tile, group: str) -> Sample:
    """The sample of an image that now lies in `folder`."""
    image, boxes, kind = seen
    Image.fromarray(image).save(folder / "images" / f"{name}.png", compress_level=1)
    labels, status = np.ones(len(boxes), dtype=np.int64), BOXED if len(boxes) else GOOD
    height, width = image.shape
    return Sample(number, f"{name}.png", (height, width), boxes, labels, status, group, kind)


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
    parser.add_argument("--apart", type=Path, help="dataset folder of the same tiles, each an image")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--counts", type=int, nargs=3, default=COUNTS, help="train, validation and test images")
    parser.add_argument("--most", type=int, default=MOST, help="longest side in pixels")
    words = parser.parse_args()
    if words.source == Path("drawn"):
        made = draw(words.out, words.seed, tuple(words.counts))
    else:
        made = make(words.source, words.out, words.seed, tuple(words.counts), words.most, words.apart)
    print(f"{words.out}: {len(made.samples)} images, {sum(len(s.boxes_xyxy) for s in made.samples)} boxes")
