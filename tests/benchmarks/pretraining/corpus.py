"""Gray surfaces with drawn flaws, exact boxes and good twins: a dataset folder to pretrain a detector on.

python -m tests.benchmarks.pretraining.corpus --out datasets/corpus --pairs 5000
python -m tests.benchmarks.pretraining.corpus --sheet sheet.png

Each pair is one scene, once with one to three flaws and once without. An image depends on the seed and its pair alone.
"""

import argparse
import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from data_tools.core.records import BOXED, GOOD, Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import write_dataset
from data_tools.files.worker_pool import worker_pool
from tests.benchmarks.pretraining.drawing import Floats, Size
from tests.benchmarks.pretraining.flaws import FLAWS
from tests.benchmarks.pretraining.scenes import Scene, draw_scene, lit, photographed

_SCENE, _FLAWS, _SHOT = range(3)
_COVERED, _LEAST_SEEN, _TRIES, _STRONGER = 0.25, 3.6, 4, 1.7
_VALIDATION = 0.01


@dataclass(frozen=True)
class Pair:
    """A scene with flaws and without.

    Attributes:
        flawed, good, again: 8-bit gray images, the last another shot of the good scene, with noise of its own.
        boxes_xyxy: (n, 4), half-open; kinds: (n,) of flaws.
    """

    flawed: Image.Image
    good: Image.Image
    again: Image.Image
    boxes_xyxy: NDArray[np.float64]
    kinds: tuple[str, ...]


def draw_pair(seed: int, index: int, size_hw: Size = (224, 224)) -> Pair:
    """One pair; it always has a flaw."""
    rng = np.random.default_rng((seed, index, _SCENE))
    scene, light = draw_scene(rng, size_hw), lit(rng, size_hw)
    blur = float(rng.choice([0, 0, rng.uniform(0.3, 1.3)]))
    flawed, boxes, kinds = scene.copy(), [], []
    rng = np.random.default_rng((seed, index, _FLAWS))
    wanted = int(rng.choice([1, 2, 3], p=[0.65, 0.22, 0.13]))
    while len(boxes) < wanted:
        added = _add_flaw(rng, flawed, light[0], boxes)
        if added is not None:
            boxes.append(added[0])
            kinds.append(added[1])
        elif boxes:
            break
    rng = np.random.default_rng((seed, index, _SHOT))
    shots = [photographed(rng, one, light, blur) for one in (flawed, scene, scene)]
    return Pair(*shots, np.array(boxes, np.float64), tuple(kinds))


def _add_flaw(
    rng: np.random.Generator, scene: Scene, light: Floats, boxes: list[tuple[int, int, int, int]]
) -> tuple[tuple[int, int, int, int], str] | None:
    """Paint one on the scene; its box and kind, or None where it cannot be seen or lies on another."""
    kinds, odds = list(FLAWS), np.array(list(FLAWS.values()))
    kind = kinds[int(rng.choice(len(kinds), p=odds / odds.sum()))]
    seed, strength = int(rng.integers(2**32)), 1.0
    for _ in range(_TRIES):
        painted = scene.copy()
        coverage = kind(np.random.default_rng(seed), painted, strength)
        where = coverage > _COVERED * max(float(coverage.max()), 0.3)
        if where.any():
            rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
            box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
            if any(_overlap(box, other) for other in boxes):
                return None
            if _seen(scene, painted, light, where, box) > _LEAST_SEEN:
                scene.pixels = painted.pixels
                return box, kind.__name__
        strength *= _STRONGER
    return None


def _seen(
    before: Scene, after: Scene, light: Floats, where: NDArray[np.bool_], box: tuple[int, int, int, int]
) -> float:
    """How well a flaw stands out from texture and noise; a large one needs less of it."""
    x1, y1, x2, y2 = box
    around = before.pixels[max(y1 - 8, 0) : y2 + 8, max(x1 - 8, 0) : x2 + 8]
    change = (np.clip(after.pixels, 0, 1) - np.clip(before.pixels, 0, 1)) * light
    size = float(np.sqrt((change[where] ** 2).mean()))
    area = min(float(where.sum()), 2000.0)
    return size / (0.6 * float(around.std()) + before.sensor + 0.01) * area**0.25


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    areas = ((one[2] - one[0]) * (one[3] - one[1]), (other[2] - other[0]) * (other[3] - other[1]))
    return width > 0 and height > 0 and width * height > 0.15 * min(areas)


def make_corpus(out: Path, pairs: int, seed: int, size_hw: Size) -> Dataset:
    """Write a dataset folder; one pair in a hundred is for validation, as many again for a test."""
    with atomic_folder(out) as folder:
        (folder / "images").mkdir()
        work = partial(write_pair, folder / "images", seed, size_hw)
        with worker_pool(1) as pool:
            written = list(pool.map(work, range(pairs), chunksize=64))
        samples = tuple(sample for both in written for sample in both)
        held = max(int(pairs * _VALIDATION), 1)
        bounds = (0, held, 2 * held, pairs)
        test, val, train = (tuple(range(2 * a + 1, 2 * b + 1)) for a, b in itertools.pairwise(bounds))
        splits = Splits(seed, "scene", train=train, val=val, test=test)
        dataset = Dataset(samples, ("defect",), folder / "images", splits)
        write_dataset(folder, dataset)
    return dataset


def write_pair(folder: Path, seed: int, size_hw: Size, index: int) -> tuple[Sample, Sample]:
    """Draw a pair into a folder, and say what it shows."""
    pair, group = draw_pair(seed, index, size_hw), f"scene_{index}"
    pair.flawed.save(folder / f"{index:06}_flawed.png", compress_level=1)
    pair.good.save(folder / f"{index:06}_good.png", compress_level=1)
    labels = np.ones(len(pair.boxes_xyxy), np.int64)
    flawed = Sample(
        2 * index + 1,
        f"{index:06}_flawed.png",
        size_hw,
        pair.boxes_xyxy,
        labels,
        BOXED,
        group,
        pair.kinds[0],
        pair.kinds,
    )
    good = Sample(2 * index + 2, f"{index:06}_good.png", size_hw, empty_boxes(), empty_labels(), GOOD, group)
    return flawed, good


def sheet(seed: int, first: int, columns: int, rows: int, size_hw: Size) -> Image.Image:
    """Pairs side by side, flaws framed in the first of each."""
    height, width = size_hw
    picture = Image.new("RGB", (columns * 2 * (width + 2), rows * (height + 2)), "white")
    for place in range(columns * rows):
        pair = draw_pair(seed, first + place, size_hw)
        flawed = pair.flawed.convert("RGB")
        draw = ImageDraw.Draw(flawed)
        for (x1, y1, x2, y2), kind in zip(pair.boxes_xyxy, pair.kinds, strict=True):
            draw.rectangle([x1 - 2, y1 - 2, x2 + 1, y2 + 1], outline=(255, 60, 60))
            draw.text((x1, max(y1 - 13, 0)), kind, fill=(255, 60, 60))
        x, y = place % columns * 2 * (width + 2), place // columns * (height + 2)
        picture.paste(flawed, (x, y))
        picture.paste(pair.good.convert("RGB"), (x + width + 2, y))
    return picture


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="dataset folder to write")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--side", type=int, default=224, help="of the square images, in pixels")
    parser.add_argument("--sheet", type=Path, help="write a picture of some pairs instead")
    parser.add_argument("--first", type=int, default=0, help="the sheet's first pair")
    words = parser.parse_args(argv)
    size_hw = (words.side, words.side)
    if words.sheet is not None:
        sheet(words.seed, words.first, 3, 5, size_hw).save(words.sheet)
    if words.out is not None:
        make_corpus(words.out, words.pairs, words.seed, size_hw)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
