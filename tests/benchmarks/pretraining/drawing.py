"""Noise and soft-edged masks, the two things that surfaces and flaws are drawn with."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Size = tuple[int, int]
_FINE = 3  # masks are drawn so much finer and averaged


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def noise(rng: np.random.Generator, size_hw: Size, grain_hw: tuple[float, float]) -> Floats:
    """(h, w) of mean near 0 and deviation 1, with features of about so many pixels down and across."""
    (height, width), (down, across) = size_hw, grain_hw
    rows, columns = int(height / down) + 3, int(width / across) + 3
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32))
    left, top = rng.uniform(0, 1, 2)
    box = (left, top, left + width / across, top + height / down)
    values = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC, box=box))
    return values / np.float32(values.std() + 1e-6)


def octaves(rng: np.random.Generator, size_hw: Size, finest: float, coarsest: float, slope: float) -> Floats:
    """Sum of noises from fine to coarse, each twice as coarse, `slope` times as strong as the one before."""
    total, strength, grain = np.zeros(size_hw, np.float32), 1.0, finest
    while grain <= coarsest:
        total += np.float32(strength) * noise(rng, size_hw, (grain, grain))
        strength, grain = strength * slope, grain * 2
    return standardised(total)


def standardised(values: Floats) -> Floats:
    """Mean 0 and deviation 1; a flat picture becomes 0."""
    return (values - values.mean()) / np.float32(values.std() + 1e-4)


def turned(values: Floats, degrees: float, size_hw: Size) -> Floats:
    """The middle (h, w) of a larger picture after a turn."""
    image = Image.fromarray(values).rotate(degrees, Image.Resampling.BILINEAR)
    top, left = (values.shape[0] - size_hw[0]) // 2, (values.shape[1] - size_hw[1]) // 2
    return np.asarray(image)[top : top + size_hw[0], left : left + size_hw[1]]


def room_to_turn(size_hw: Size) -> Size:
    """A size from which `turned` can cut the middle at any angle."""
    side = int(np.hypot(*size_hw)) + 3
    return side, side


class Mask:
    """(h, w) coverage 0..1, drawn finer than it is."""

    def __init__(self, size_hw: Size) -> None:
        self.image = Image.new("L", (size_hw[1] * _FINE, size_hw[0] * _FINE))
        self.draw = ImageDraw.Draw(self.image)

    def polygon(self, points_xy: Points) -> "Mask":
        """A filled one."""
        self.draw.polygon([(float(x), float(y)) for x, y in points_xy * _FINE], fill=255)
        return self

    def ellipse(self, middle_xy: Sequence[float], radii: tuple[float, float]) -> "Mask":
        """A filled, upright one."""
        (x, y), (a, b) = middle_xy, radii
        self.draw.ellipse([(x - a) * _FINE, (y - b) * _FINE, (x + a) * _FINE, (y + b) * _FINE], fill=255)
        return self

    def line(self, points_xy: Points, widths: Sequence[float], levels: Sequence[float] | None = None) -> "Mask":
        """A polyline with a width, and an opacity 0..1, at each of its points."""
        fine = points_xy * _FINE
        for i in range(len(fine) - 1):
            width = max(round(widths[i] * _FINE), 1)
            level = 255 if levels is None else max(int(255 * levels[i]), 0)
            (x1, y1), (x2, y2) = fine[i], fine[i + 1]
            self.draw.line([float(x1), float(y1), float(x2), float(y2)], fill=level, width=width)
            if width > 3:
                half = width / 2
                self.draw.ellipse([x2 - half, y2 - half, x2 + half, y2 + half], fill=level)
        return self

    def coverage(self) -> Floats:
        """What was drawn."""
        return np.asarray(self.image.reduce(_FINE), dtype=np.float32) / np.float32(255)


def outline(rng: np.random.Generator, middle_xy: Points, radii: tuple[float, float], rough: float) -> Points:
    """(n, 2) an irregular closed outline around a point, turned at random; `rough` 0 is an ellipse, 1 is jagged."""
    corners = int(np.clip(max(radii) * 1.5, 9, 40))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = np.ones(corners)
    for wave in (2, 3, 5, 8):
        reach += rough * 0.3 / wave**0.5 * rng.uniform(-1, 1) * np.sin(wave * angles + rng.uniform(0, 6.3))
    reach *= 1 + 0.15 * rough * rng.standard_normal(corners)
    x, y = np.cos(angles) * reach * radii[0], np.sin(angles) * reach * radii[1]
    turn = rng.uniform(0, np.pi)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([c * x - s * y, s * x + c * y], axis=1) + middle_xy


def walk(rng: np.random.Generator, start_xy: Points, angle: float, length: float, bend: float, jitter: float) -> Points:
    """(n, 2) a path: `bend` radians over its length, and each step's direction off by about `jitter` radians."""
    steps = int(np.clip(length / 3, 4, 120))
    along = angle + bend * np.linspace(0, 1, steps) + jitter * rng.standard_normal(steps)
    moves = np.stack([np.cos(along), np.sin(along)], axis=1) * (length / steps)
    return np.concatenate([start_xy[None], start_xy + np.cumsum(moves, axis=0)])
