"""Flawless scenes: a surface, parts that lie on it, and what fools classifiers: edges, letters, wires, reflections."""

import string
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from tests.benchmarks.pretraining.drawing import Floats, Mask, Points, Size, between, noise, outline, walk
from tests.benchmarks.pretraining.surfaces import texture

_CORNERS: Points = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])


@dataclass
class Scene:
    """A picture in 0..1 before light and camera.

    Attributes:
        pixels: (h, w), painted on in place.
        parts: of each part its coverage, and the picture below it.
        sensor: deviation of the camera's noise, in gray levels of 0..1.
    """

    pixels: Floats
    parts: list[tuple[Floats, Floats]] = field(default_factory=list)
    sensor: float = 0.01

    @property
    def size_hw(self) -> Size:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def paint(self, coverage: Floats, value: float | Floats) -> None:
        """Lay a gray or a picture over the pixels."""
        self.pixels += coverage * (np.asarray(value, np.float32) - self.pixels)

    def add(self, coverage: Floats, amount: float) -> None:
        """Lighten or darken."""
        self.pixels += coverage * np.float32(amount)

    def copy(self) -> "Scene":
        """To be painted on independently; parts are shared."""
        return Scene(self.pixels.copy(), self.parts, self.sensor)


def draw_scene(rng: np.random.Generator, size_hw: Size) -> Scene:
    """One, drawn anew."""
    scene = Scene(_surface(rng, size_hw), sensor=between(rng, 0.003, 0.04))
    if rng.random() < 0.45:
        for _ in range(int(rng.choice([1, 1, 1, 2, 3, 5]))):
            _add_part(rng, scene)
    if rng.random() < 0.2:
        _add_letters(rng, scene)
    if rng.random() < 0.15:
        _add_seams(rng, scene)
    return scene


def lit(rng: np.random.Generator, size_hw: Size) -> tuple[Floats, Floats]:
    """What light does to a scene: a factor for each pixel, and an amount of reflections."""
    height, width = size_hw
    factor = np.ones(size_hw, np.float32)
    if rng.random() < 0.6:  # falls off to a side
        y, x = np.linspace(-1, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
        angle = rng.uniform(0, 2 * np.pi)
        factor += np.float32(rng.uniform(0, 0.3)) * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
        factor -= np.float32(rng.uniform(-0.05, 0.2)) * (x * x + y * y) * np.float32(0.5)
    shine = np.zeros(size_hw, np.float32)
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            shine += _reflection(rng, size_hw)
    return factor, shine


def photographed(rng: np.random.Generator, scene: Scene, light: tuple[Floats, Floats], blur: float) -> Image.Image:
    """An 8-bit image of a scene in its light, with the noise of one shot."""
    seen = scene.pixels * light[0] + light[1]
    if blur > 0.3:
        seen = ndimage.gaussian_filter(seen, blur)
    grain = rng.standard_normal(scene.size_hw, dtype=np.float32)
    kind = rng.random()
    if kind < 0.4:
        grain *= np.sqrt(0.3 + 1.4 * np.clip(seen, 0, 1))  # more in the light
    elif kind < 0.55:
        grain = (grain + noise(rng, scene.size_hw, (2, 2))) / np.float32(1.4)  # correlated, as after demosaicking
    elif kind < 0.65:
        grain += rng.standard_normal((scene.size_hw[0], 1), dtype=np.float32) * np.float32(0.6)  # by lines
    seen = seen + np.float32(scene.sensor) * grain
    if rng.random() < 0.03:  # dead pixels
        seen[rng.random(scene.size_hw) < 0.0005] = rng.choice([0.0, 1.0])
    return Image.fromarray(np.clip(seen * 255 + 0.5, 0, 255).astype(np.uint8))


def _surface(rng: np.random.Generator, size_hw: Size) -> Floats:
    level, contrast = rng.uniform(0.15, 0.85), between(rng, 0.008, 0.11)
    return np.float32(level) + np.float32(contrast) * texture(rng, size_hw)


def _add_part(rng: np.random.Generator, scene: Scene) -> None:
    """A part with a surface of its own, mostly with a shaded or shining rim."""
    coverage = _part_shape(rng, scene.size_hw)
    scene.parts.append((coverage, scene.pixels.copy()))
    if rng.random() < 0.4:  # its shadow
        shift = rng.normal(0, 3, 2)
        shade = ndimage.shift(
            ndimage.uniform_filter(coverage, int(rng.integers(3, 12))), shift, order=1, mode="nearest"
        )
        scene.add(shade, -rng.uniform(0.03, 0.2))
    scene.paint(coverage, _surface(rng, scene.size_hw))
    if rng.random() < 0.5:
        width = int(between(rng, 2, 9))
        rim = coverage - ndimage.minimum_filter(coverage, width)
        scene.add(rim * (coverage > 0.2), float(rng.normal(0, 0.2)))


def _part_shape(rng: np.random.Generator, size_hw: Size) -> Floats:
    height, width = size_hw
    mask, kind = Mask(size_hw), rng.random()
    middle = rng.uniform(0, 1, 2) * (width, height)
    if kind < 0.3:  # the image's edge shows what the part lies on
        side = rng.uniform(0.05, 0.35) * min(size_hw)
        tilt = rng.normal(0, 0.04) * max(size_hw)
        corners = [(side, -9), (width + 999, -9), (width + 999, height + 9), (side + tilt, height + 9)]
        points = np.array(corners)
        if rng.random() < 0.5:
            points[:, 0] = width - points[:, 0]
        if rng.random() < 0.5:
            points = points[:, ::-1] * (width / height, height / width)
        mask.polygon(points)
    elif kind < 0.6:
        half = np.array([between(rng, 8, 0.6 * width), between(rng, 8, 0.6 * height)])
        turn = rng.choice([0, rng.uniform(0, np.pi)], p=[0.7, 0.3])
        c, s = np.cos(turn), np.sin(turn)
        corners_xy = _CORNERS * half @ np.array([[c, s], [-s, c]])
        mask.polygon(corners_xy + middle)
    elif kind < 0.8:
        radius = between(rng, 6, 0.6 * min(size_hw))
        mask.ellipse([float(v) for v in middle], (radius, radius * rng.uniform(0.7, 1.0)))
        if rng.random() < 0.5:
            mask.draw.ellipse([float(v) * 3 for v in (*(middle - radius * 0.6), *(middle + radius * 0.6))], fill=0)
    elif kind < 0.9:  # a row of pads or leads
        pitch, half_w, half_h = between(rng, 14, 50), between(rng, 3, 12), between(rng, 5, 40)
        for x in np.arange(middle[0] % pitch - pitch, width + pitch, pitch):
            mask.polygon(_CORNERS * (half_w, half_h) + np.array([x, middle[1]]))
    else:
        mask.polygon(outline(rng, middle, (between(rng, 15, 0.5 * width), between(rng, 15, 0.5 * height)), 0.2))
    return mask.coverage()


def _add_letters(rng: np.random.Generator, scene: Scene) -> None:
    """Some lines of a marking, printed or engraved."""
    font = ImageFont.load_default(between(rng, 9, 40))
    words = ["".join(rng.choice(list(string.ascii_uppercase + string.digits + "-./"), int(rng.integers(2, 9))))]
    words += [
        "".join(rng.choice(list(string.digits + "AB"), int(rng.integers(2, 7)))) for _ in range(rng.integers(0, 3))
    ]
    sheet = Image.new("L", scene.size_hw[::-1])
    x, y = rng.uniform(-0.1, 0.6, 2) * scene.size_hw[::-1]
    ImageDraw.Draw(sheet).multiline_text((x, y), "\n".join(words), fill=255, font=font)
    turn = rng.choice([0.0, 90.0, rng.uniform(0, 360)], p=[0.7, 0.1, 0.2])
    coverage = np.asarray(sheet.rotate(turn, Image.Resampling.BILINEAR), np.float32) / np.float32(255)
    amount = rng.choice([-1, 1]) * rng.uniform(0.08, 0.45)
    scene.add(coverage, amount)
    if rng.random() < 0.3:  # engraved: the other side of each stroke is lit
        scene.add(np.roll(coverage, (1, 1), (0, 1)), -amount * 0.7)


def _add_seams(rng: np.random.Generator, scene: Scene) -> None:
    """Lines that belong there: seams and wires, from edge to edge, straight or gently curved, of one width."""
    height, width = scene.size_hw
    amount, thick = rng.choice([-1, 1]) * rng.uniform(0.08, 0.4), between(rng, 1, 7)
    angle, bend = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]), rng.normal(0, 0.3)
    reach = 1.6 * max(scene.size_hw)
    start = np.array([width / 2, height / 2]) + rng.uniform(-0.4, 0.4, 2) * (width, height)
    start = start - 0.5 * reach * np.array([np.cos(angle), np.sin(angle)])
    path: Points = walk(rng, start, float(angle), reach, float(bend), 0.0)
    step = between(rng, 12, 60) * np.array([-np.sin(angle), np.cos(angle)])
    for place in range(int(rng.choice([1, 1, 2, 4]))):
        scene.add(Mask(scene.size_hw).line(path + place * step, [thick] * len(path)).coverage(), amount)


def _reflection(rng: np.random.Generator, size_hw: Size) -> Floats:
    """A soft bright band or spot."""
    height, width = size_hw
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(rng.uniform(0, height))
    x = np.arange(width, dtype=np.float32)[None] - np.float32(rng.uniform(0, width))
    angle = rng.uniform(0, np.pi)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    across, along = c * x + s * y, c * y - s * x
    short = between(rng, 6, 60)
    long = short * between(rng, 1, 30)
    away = (across / np.float32(short)) ** 2 + (along / np.float32(long)) ** 2
    return np.float32(rng.uniform(0.05, 0.35)) * np.exp(-away)
