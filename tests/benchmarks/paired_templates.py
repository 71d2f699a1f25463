"""Does it pay to show the networks how far each image is from a template of its own? Pairs of runs with it and without.

python -m tests.benchmarks.paired_templates --out runs/paired --steps 150

Draws surfaces of which no two are alike, so that a median of good images says nothing: half of the images with flaws,
half without, and for each another shot of the flawless surface, with noise of its own and up to four pixels aside.
Trains both approaches with these templates and without, from the same first weights, and prints what the templates add
on the same test images. The weights are ImageNet's, because those trained on drawn defects have seen such flaws.
"""

import argparse
import logging
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from data_tools.core.records import BOXED, GOOD, Dataset, Sample, Splits, empty_boxes, empty_labels
from data_tools.files.atomic import atomic_folder
from data_tools.files.dataset_folder import read_dataset, write_dataset
from data_tools.files.worker_pool import worker_pool
from tests.benchmarks.pretraining.corpus import draw_pair
from tests.benchmarks.reference_channel import APPROACHES, compared, train_once

SIDE, ASIDE = 192, 4
TEMPLATES = "templates"
TRAIN, VAL = 0.5, 0.15


def draw(folder: Path, seed: int, index: int) -> Sample:
    """Write an image and its template; every second image has flaws, cut off at the edge in part."""
    pair, rng = draw_pair(seed, index, (SIDE + 2 * ASIDE,) * 2), np.random.default_rng((seed, index))
    name, middle = f"{index:05}.png", (ASIDE, ASIDE, ASIDE + SIDE, ASIDE + SIDE)
    left, top = rng.integers(0, 2 * ASIDE + 1, 2).tolist()
    pair.again.crop((left, top, left + SIDE, top + SIDE)).save(folder / TEMPLATES / name)
    boxes = np.clip(pair.boxes_xyxy - ASIDE, 0, SIDE)
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2] + 2).all(axis=1)]
    is_flawed = index % 2 == 0 and len(boxes) > 0
    shown: Image.Image = pair.flawed if is_flawed else pair.good
    shown.crop(middle).save(folder / "images" / name)
    if is_flawed:
        labels = np.ones(len(boxes), np.int64)
        return Sample(index + 1, name, (SIDE, SIDE), boxes, labels, BOXED, f"surface_{index}", pair.kinds[0])
    return Sample(index + 1, name, (SIDE, SIDE), empty_boxes(), empty_labels(), GOOD, f"surface_{index}")


def dataset_of(out: Path, seed: int, count: int) -> Dataset:
    """Drawn once; an interruption leaves nothing there."""
    place = out / f"data_{seed}"
    if not place.exists():
        with atomic_folder(place) as folder:
            (folder / "images").mkdir()
            (folder / TEMPLATES).mkdir()
            with worker_pool(1) as pool:
                samples = tuple(pool.map(partial(draw, folder, seed), range(count), chunksize=16))
            first, second = round(TRAIN * count), round((TRAIN + VAL) * count)
            ids = tuple(sample.image_id for sample in samples)
            splits = Splits(seed, "surface", ids[:first], ids[first:second], ids[second:])
            write_dataset(folder, Dataset(samples, ("defect",), folder / "images", splits))
    return read_dataset(place)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--steps", type=int, default=150, help="optimizer steps")
    parser.add_argument("--seed", type=int, default=1000, help="of data and training")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--approaches", default=",".join(APPROACHES), help="of classify,detect")
    words = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING)
    data = dataset_of(words.out, words.seed, words.images)
    assert data.folder is not None
    for approach in words.approaches.split(","):
        folder = words.out / f"{approach}_{words.steps}_steps_seed_{words.seed}"
        pair = (folder / "off", folder / "paired")
        for run, templates in zip(pair, (None, data.folder / TEMPLATES), strict=True):
            changes = {"input.reference": run.name, "model.weights": "package"}
            train_once(data, run, approach, words.steps, words.seed, changes, templates)
        compared(folder, data, pair)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
