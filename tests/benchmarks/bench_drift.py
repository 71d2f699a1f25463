"""How often drift is claimed where nothing has changed, and where images became brighter, blurred or noisier.

python -m tests.benchmarks.bench_drift                    # 400 simulations of each null, 40 of each change
python -m tests.benchmarks.bench_drift --simulations 100

Nulls: seven properties, normal or long-tailed, of which images of a lot share a part (the correlation), lots of 2 to 40
images on one side and 2 to 8 on the other. Changes: textured images of 48 pixels whose lots differ in brightness,
contrast and noise; the new lots 10 % brighter, blurred over half a pixel, or with noise of 4 gray values added.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_tools.auditing.drift import Measured, find_drift
from data_tools.files.image_quality import noise, sharpness

LOTS = ((20, 1), (20, 8), (60, 1), (60, 6), (8, 4))
CORRELATIONS = (0.0, 0.3, 0.7)
MOST_FALSE = 0.07
PROPERTIES = tuple("abcdefg")
CHANGES = ("none", "brighter", "blurred", "noisier")
SIDE = 48


@dataclass(frozen=True)
class Case:
    """Shares of simulations in which anything is claimed, any shift, and any lot."""

    name: str
    lots: tuple[int, int]
    claimed: float
    shift: float
    lot: float


def measured(rng: np.random.Generator, name: str, lots: int, largest: int, correlation: float, tail: bool) -> Measured:
    """One side of a null: its lots have 2 to `largest` images."""
    codes = np.repeat(np.arange(lots), rng.integers(2, largest + 1, lots))
    common, own = (rng.normal(size=(n, len(PROPERTIES))) for n in (lots, len(codes)))
    values = np.sqrt(correlation) * common[codes] + np.sqrt(1 - correlation) * own
    return Measured(name, PROPERTIES, np.exp(values) if tail else values, tuple(f"{name} {code}" for code in codes))


def null(lots: tuple[int, int], correlation: float, tail: bool, simulations: int) -> Case:
    """Nothing has changed, but lots of the reference are larger."""
    found = []
    for seed in range(simulations):
        rng = np.random.default_rng((seed, *lots, int(10 * correlation), tail))
        sides = [measured(rng, *side, correlation, tail) for side in (("reference", lots[0], 40), ("new", lots[1], 8))]
        drift = find_drift(sides[0], sides[1], seed=seed)
        found.append((bool(drift.shifted), bool(drift.lots_apart)))
    return _case(f"null, correlation {correlation:g}{', long-tailed' if tail else ''}", lots, found)


def pictures(rng: np.random.Generator, name: str, lots: int, change: str) -> Measured:
    """Eight images of each lot."""
    rows, names = [], []
    y, x = np.mgrid[:SIDE, :SIDE]
    for lot in range(lots):
        level, contrast, grain = rng.normal(110, 3), rng.normal(25, 1.5), rng.normal(3, 0.2)
        for _ in range(8):
            shift = rng.uniform(0, 9, 2)
            image = level + rng.normal(0, 2) + contrast * np.sin((x + shift[0]) / 2) * np.sin((y + shift[1]) / 3)
            image = image + rng.normal(0, grain, image.shape)
            pixels = changed(np.clip(image, 0, 255), change, rng)
            rows.append([pixels.mean(), pixels.std(), sharpness(pixels), noise(pixels)])
            names.append(f"{name} {lot}")
    return Measured(name, ("mean", "spread", "sharpness", "noise"), np.array(rows), tuple(names))


def changed(image: np.ndarray, change: str, rng: np.random.Generator) -> np.ndarray:
    """The image as (h, w) uint8, changed."""
    if change == "brighter":
        image = image * 1.1
    elif change == "blurred":
        from scipy.ndimage import gaussian_filter

        image = gaussian_filter(image, 0.5)
    elif change == "noisier":
        image = image + rng.normal(0, 4, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def power(change: str, lots: tuple[int, int], simulations: int) -> Case:
    """The new lots are changed."""
    found = []
    for seed in range(simulations):
        rng = np.random.default_rng((seed, *lots))
        drift = find_drift(
            pictures(rng, "reference", lots[0], "none"), pictures(rng, "new", lots[1], change), seed=seed
        )
        found.append((bool(drift.shifted), bool(drift.lots_apart)))
    return _case(change, lots, found)


def _case(name: str, lots: tuple[int, int], found: list[tuple[bool, bool]]) -> Case:
    claims = np.array(found)
    return Case(name, lots, float(claims.any(axis=1).mean()), *claims.mean(axis=0).tolist())


def cases(simulations: int) -> Iterator[Case]:
    """Every null, then every change."""
    for lots in LOTS:
        for correlation in CORRELATIONS:
            for tail in (False, True):
                yield null(lots, correlation, tail, simulations)
    for change in CHANGES:
        for lots in LOTS:
            yield power(change, lots, max(simulations // 10, 1))


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=400, help="of each null; of each change a tenth")
    print("| case | reference, new lots | anything claimed | a shift | a lot |\n| --- | --- | --- | --- | --- |")
    for case in cases(parser.parse_args().simulations):
        shares = " | ".join(f"{share:.3f}" for share in (case.claimed, case.shift, case.lot))
        print(f"| {case.name} | {case.lots[0]}, {case.lots[1]} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
