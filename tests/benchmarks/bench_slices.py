"""How long it takes to join the boxes of a large image's slices.

python -m tests.benchmarks.bench_slices
"""

import time

import numpy as np

from data_tools.core.slices import Seen, Window, join_slices, slices_of

SIZES = ((2000, 1500), (4000, 4000), (12000, 9000))
SIDES = (252, 504, 1008, 2016, 4032)
BOXES, MOST = 50, 100


def looks_at(width: int, height: int, seed: int = 0) -> list[Seen]:
    """Windows of all levels, each with random boxes of every size."""
    rng, looks = np.random.default_rng(seed), []
    for side in SIDES:
        for window in slices_of((0, 0, width, height), side, 0.25):
            looks.append(_look(window, side, rng))
    return looks


def _look(window: Window, side: int, rng: np.random.Generator) -> Seen:
    low, high = np.array(window[:2]), np.array(window[2:])
    centres, sides = rng.uniform(low, high, (BOXES, 2)), np.exp(rng.uniform(np.log(5), np.log(side / 2), (BOXES, 2)))
    boxes = np.concatenate([np.maximum(centres - sides / 2, low), np.minimum(centres + sides / 2, high)], axis=1)
    return Seen(window, boxes, rng.random(BOXES) ** 4, np.ones(BOXES, dtype=np.int64))


if __name__ == "__main__":
    for width, height in SIZES:
        looks = looks_at(width, height)
        start = time.perf_counter()
        join_slices(looks, (0, 0, width, height), MOST)
        print(f"{width} x {height} px, {len(looks):,} slices: {time.perf_counter() - start:.2f} s")
