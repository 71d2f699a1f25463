"""Textures of flawless gray surfaces: each function gives (h, w) of mean 0 and deviation about 1."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from tests.benchmarks.pretraining.drawing import (
    Floats,
    Mask,
    Size,
    between,
    noise,
    octaves,
    outline,
    room_to_turn,
    standardised,
    turned,
)

Texture = Callable[[np.random.Generator, Size], Floats]


def plain(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Hardly any texture."""
    return octaves(rng, size_hw, between(rng, 1, 20), 90, 1.2) * np.float32(rng.uniform(0.05, 0.3))


def cast(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Rough at all scales, as cast metal, stone or paint."""
    return octaves(rng, size_hw, between(rng, 1, 2.5), between(rng, 4, 90), rng.uniform(0.5, 1.6))


def molded(rng: np.random.Generator, size_hw: Size) -> Floats:
    """A fine grain of fillers: bright or dark specks in a dull ground."""
    fine = noise(rng, size_hw, (between(rng, 1, 3),) * 2)
    specks = np.maximum(fine - rng.uniform(0.8, 2), 0) * rng.choice([-1, 1])
    return standardised(specks.astype(np.float32) + np.float32(0.15) * cast(rng, size_hw))


def brushed(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Fine lines along one direction, as ground or rolled metal."""
    large = room_to_turn(size_hw)
    lines = noise(rng, large, (between(rng, 1, 3), between(rng, 12, 150)))
    lines = lines + np.float32(rng.uniform(0, 1)) * noise(rng, large, (between(rng, 3, 12), between(rng, 40, 400)))
    return standardised(turned(lines, _angle(rng), size_hw))


def grains(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Cells, each with a gray of its own, or with dark or bright seams: crystals, ceramics, leather."""
    points = rng.random(size_hw, dtype=np.float32) < between(rng, 0.0008, 0.02)
    points[0, 0] = True
    if rng.random() < 0.5:
        away = ndimage.distance_transform_edt(~points)
        return standardised(np.sqrt(away).astype(np.float32) * np.float32(rng.choice([-1, 1])))
    rows, columns = ndimage.distance_transform_edt(~points, return_distances=False, return_indices=True)
    grays = rng.standard_normal(size_hw, dtype=np.float32)
    return standardised(ndimage.uniform_filter(grays[rows, columns], 2))


def fabric(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Woven threads, somewhat uneven."""
    large = room_to_turn(size_hw)
    pitch_y, pitch_x = between(rng, 3, 14), between(rng, 3, 14)
    uneven = np.float32(rng.uniform(0, 0.6)) * noise(rng, large, (30, 30))
    y = np.arange(large[0], dtype=np.float32)[:, None] * np.float32(2 * np.pi / pitch_y) + uneven
    x = np.arange(large[1], dtype=np.float32)[None] * np.float32(2 * np.pi / pitch_x) + uneven
    over = np.sin(x / 2) * np.sin(y / 2) > 0
    threads = np.where(over, np.abs(np.sin(x)), np.abs(np.sin(y)) * np.float32(rng.uniform(0.5, 1)))
    return standardised(turned(threads.astype(np.float32), _angle(rng), size_hw))


def stripes(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Straight stripes, regular or as they come, soft or sharp."""
    large = room_to_turn(size_hw)
    if rng.random() < 0.5:
        across = np.sin(np.arange(large[0]) * 2 * np.pi / between(rng, 4, 60))
        across = np.tanh(across * between(rng, 1, 8))
    else:
        steps = rng.random(large[0]) < 1 / between(rng, 5, 50)
        across = rng.standard_normal(large[0])[np.cumsum(steps)]
    rows = np.repeat(across.astype(np.float32)[:, None], large[1], axis=1)
    return standardised(turned(rows, _angle(rng), size_hw))


def lattice(rng: np.random.Generator, size_hw: Size) -> Floats:
    """One small drawing again and again: a wafer's structures, a grid, perforations, knurling."""
    large = room_to_turn(size_hw)
    height, width = (int(between(rng, 9, 56)) for _ in range(2))
    if rng.random() < 0.5:
        width = height
    cell = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        mask = Mask((height, width))
        middle = rng.uniform(0.2, 0.8, 2) * (width, height)
        if rng.random() < 0.4:
            mask.ellipse([float(v) for v in middle], (rng.uniform(0.1, 0.5) * width, rng.uniform(0.1, 0.5) * height))
        else:
            half = rng.uniform(0.05, 0.6, 2) * (width, height)
            corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half + middle
            mask.polygon(corners)
        cell += np.float32(rng.normal()) * mask.coverage()
    repeats = large[0] // height + 1, large[1] // width + 1
    pattern = np.tile(cell, repeats)[: large[0], : large[1]]
    return standardised(turned(pattern, _angle(rng), size_hw))


def dimples(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Bumps lit from one side, as hammered, orange-peeled or etched surfaces."""
    grain = between(rng, 2, 14)
    bumps = noise(rng, size_hw, (grain, grain))
    dy, dx = np.gradient(bumps)
    angle = rng.uniform(0, 2 * np.pi)
    return standardised((np.cos(angle) * dx + np.sin(angle) * dy).astype(np.float32))


def patches(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Blotches with clear borders, as galvanised or stained surfaces that are meant so."""
    values = octaves(rng, size_hw, between(rng, 4, 20), 60, 1.0)
    levels = int(rng.integers(2, 6))
    return standardised(np.round(values * levels / 2).astype(np.float32))


def shapes(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Rounded pieces strewn about, as granulate or chopped fibres."""
    mask = Mask(size_hw)
    for _ in range(int(rng.integers(30, 120))):
        middle = rng.uniform(0, 1, 2) * (size_hw[1], size_hw[0])
        mask.draw.polygon(
            [(float(x), float(y)) for x, y in 3 * outline(rng, middle, (between(rng, 2, 8), between(rng, 2, 14)), 0.3)],
            fill=int(rng.integers(60, 256)),
        )
    return standardised(mask.coverage())


TEXTURES: dict[Texture, float] = {
    plain: 3,
    cast: 4,
    molded: 2,
    brushed: 3,
    grains: 1,
    fabric: 1,
    stripes: 1,
    lattice: 2,
    dimples: 1.5,
    patches: 0.7,
    shapes: 0.4,
}


def texture(rng: np.random.Generator, size_hw: Size) -> Floats:
    """Any of them, sometimes with a little of another over it."""
    kinds, odds = list(TEXTURES), np.array(list(TEXTURES.values()))
    first, second = rng.choice(len(kinds), 2, p=odds / odds.sum())
    values = kinds[first](rng, size_hw)
    if rng.random() < 0.3:
        values = values + np.float32(rng.uniform(0.2, 0.6)) * kinds[second](rng, size_hw)
    return values


def _angle(rng: np.random.Generator) -> float:
    """Mostly upright or lying, as parts in a jig are; else any."""
    return float(rng.choice([0, 90]) + rng.normal(0, 2) if rng.random() < 0.6 else rng.uniform(0, 180))
