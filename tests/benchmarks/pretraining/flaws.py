"""What is wrong: each function paints one flaw on a scene and gives its coverage, from which the box is read.

`strength` scales how much it stands out; 1 is what it draws by itself.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from tests.benchmarks.pretraining.drawing import Floats, Mask, Points, between, noise, octaves, outline, walk
from tests.benchmarks.pretraining.scenes import Scene
from tests.benchmarks.pretraining.surfaces import texture

Flaw = Callable[[np.random.Generator, Scene, float], Floats]


def scratch(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A line or curve of any length, down to a pixel wide, often fading; sometimes several side by side."""
    length, width = between(rng, 12, 1.1 * max(scene.size_hw)), between(rng, 0.7, 5)
    width = min(width, length / 5)
    path = walk(rng, _inside(rng, scene), rng.uniform(0, 2 * np.pi), length, rng.normal(0, 0.6), rng.uniform(0, 0.08))
    path += _inside(rng, scene) - path.mean(axis=0)
    levels = _fading(rng, len(path))
    mask = Mask(scene.size_hw).line(path, [width] * len(path), levels)
    if rng.random() < 0.15:
        across = np.array([-(path[-1] - path[0])[1], (path[-1] - path[0])[0]])
        across = across / (np.hypot(*across) + 1e-6)
        for _ in range(int(rng.integers(1, 5))):
            first, last = np.sort(rng.integers(0, len(path), 2))
            if last - first > 2:
                mask.line(path[first:last] + across * rng.uniform(-12, 12), [width] * len(path), levels)
    coverage = mask.coverage()
    amount = _amount(rng, 0.07, 0.5, strength)
    scene.add(coverage, amount)
    if rng.random() < 0.3:  # a furrow: one side is lit
        scene.add(np.roll(coverage, (1, 1), (0, 1)), -0.7 * amount)
    return coverage


def crack(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A jagged, mostly dark, thin line with branches, up to longer than the image."""
    length, width = between(rng, 20, 1.3 * max(scene.size_hw)), between(rng, 0.7, 3)
    angle, jitter = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.8)
    path = walk(rng, np.zeros(2), angle, length, rng.normal(0, 0.4), jitter)
    path += _inside(rng, scene) - path.mean(axis=0)
    taper = np.interp(np.linspace(0, 1, len(path)), [0, 0.15, 0.8, 1], [0.5, 1, 1, 0.3])
    widths = width * taper * np.exp(0.3 * rng.standard_normal(len(path)))
    mask = Mask(scene.size_hw).line(path, list(widths))
    for _ in range(int(rng.choice([0, 0, 1, 2, 4]))):
        at = int(rng.integers(1, len(path)))
        turn = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.3)
        branch = walk(rng, path[at], turn, length * rng.uniform(0.1, 0.4), 0, jitter)
        mask.line(branch, list(np.linspace(0.7 * width, 0.4, len(branch))))
    coverage = mask.coverage()
    scene.add(coverage, -abs(_amount(rng, 0.1, 0.5, strength)) * rng.choice([1, -1], p=[0.85, 0.15]))
    return coverage


def chip(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A bite out of a part's edge, or out of the image's, which shows what lies below, or a rough face."""
    below: float | Floats = float(rng.choice([0.03, 0.2, 0.9])) + 0.03 * noise(rng, scene.size_hw, (3, 3))
    inside = np.ones(scene.size_hw, np.float32)
    height, width = scene.size_hw
    middle = rng.uniform(0, 1, 2) * (width, height)
    middle[int(rng.integers(2))] = rng.choice([0, 1]) * 1.0
    middle = np.where(middle == 1.0, (width, height), middle)
    if scene.parts and rng.random() < 0.85:
        inside, under = scene.parts[int(rng.integers(len(scene.parts)))]
        rows, columns = np.nonzero((inside > 0.2) & (inside < 0.8))
        if len(rows):
            one = int(rng.integers(len(rows)))
            middle = np.array([columns[one] + 0.5, rows[one] + 0.5])
            below = under if rng.random() < 0.7 else below
    radii = between(rng, 4, 35), between(rng, 3, 18)
    coverage = Mask(scene.size_hw).polygon(outline(rng, middle, radii, 0.9)).coverage() * inside
    scene.paint(coverage, below)
    if rng.random() < 0.6:  # its broken face
        face = np.clip(ndimage.uniform_filter(coverage, int(rng.integers(3, 8))) - coverage, 0, 1) * inside * 2
        scene.add(face, _amount(rng, 0.1, 0.3, strength))
    return coverage


def blob(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A spot of any size, soft or sharp, plain or textured."""
    radius = between(rng, 1.5, 40)
    radii = radius, radius * between(rng, 0.3, 1)
    sheet = Mask(scene.size_hw).polygon(outline(rng, _inside(rng, scene), radii, rng.uniform(0, 1)))
    coverage = _softened(rng, sheet.coverage(), radius)
    amount = _amount(rng, 0.08, 0.5, strength)
    if radius > 6 and rng.random() < 0.3:
        rough = np.clip(0.7 + 0.3 * noise(rng, scene.size_hw, (between(rng, 1, 5),) * 2), 0, 1.5)
        scene.pixels += coverage * rough.astype(np.float32) * np.float32(amount)
    else:
        scene.add(coverage, amount)
    return coverage


def pit(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A small hole or bump: dark on one side and lit on the other."""
    middle, radius = _inside(rng, scene), between(rng, 1.2, 12)
    coverage = Mask(scene.size_hw).polygon(outline(rng, middle, (radius, radius * rng.uniform(0.6, 1)), 0.3)).coverage()
    scene.add(coverage, -abs(_amount(rng, 0.1, 0.5, strength)) * rng.choice([1, -1], p=[0.8, 0.2]))
    shift = np.round(rng.normal(0, max(radius / 3, 1), 2)).astype(int)
    crescent = np.clip(np.roll(coverage, tuple(shift), (0, 1)) - coverage, 0, 1)
    scene.add(crescent, _amount(rng, 0.05, 0.35, strength))
    return coverage


def porosity(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """Many small holes close together, under one box."""
    middle, spread = _inside(rng, scene), between(rng, 5, 30)
    mask = Mask(scene.size_hw)
    for _ in range(int(rng.integers(4, 25))):
        radius = between(rng, 0.8, 3.5)
        place = middle + np.clip(rng.standard_normal(2), -1.6, 1.6) * spread * 0.6
        mask.ellipse([float(v) for v in place], (radius, radius * rng.uniform(0.7, 1)))
    coverage = mask.coverage()
    scene.add(coverage, _amount(rng, 0.1, 0.45, strength))
    return coverage


def stain(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A large faint spot with a ragged border, sometimes with a rim where it dried."""
    radius = between(rng, 10, 0.45 * min(scene.size_hw))
    middle = _inside(rng, scene)
    near = _hill(scene, middle, (radius, radius * between(rng, 0.25, 1)), rng.uniform(0, np.pi))
    ragged = near + np.float32(0.25) * octaves(rng, scene.size_hw, 4, 30, 1.4) * (near > 0.15)
    soft = between(rng, 0.03, 0.3)
    coverage = np.clip((ragged - 0.45) / np.float32(soft), 0, 1).astype(np.float32)
    amount = _amount(rng, 0.04, 0.25, strength)
    scene.add(coverage, amount)
    if rng.random() < 0.35:
        rim = coverage - ndimage.minimum_filter(coverage, 3)
        scene.add(rim, amount * rng.uniform(0.5, 1.5))
    return coverage


def missing(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """The surface's texture, or what was on it, is not there."""
    radius = between(rng, 5, 40)
    coverage = _softened(rng, _area(rng, scene, radius), radius)
    flat = ndimage.uniform_filter(scene.pixels, int(rng.integers(15, 41)))
    flat = flat + np.float32(0.3 * scene.sensor) * noise(rng, scene.size_hw, (2, 2))
    scene.paint(coverage, flat + np.float32(_amount(rng, 0.01, 0.1, strength)))
    return coverage


def displaced(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A piece of the pattern sits elsewhere or upside down."""
    radius = between(rng, 7, 40)
    coverage = _area(rng, scene, radius)
    shift = tuple(int(v) for v in rng.integers(5, 60, 2) * rng.choice([-1, 1], 2))
    other = np.roll(scene.pixels, shift, (0, 1)) if rng.random() < 0.7 else scene.pixels[::-1, ::-1]
    scene.paint(coverage, other + np.float32(_amount(rng, 0.01, 0.08, strength)))
    return coverage


def foreign(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A flake, with its shadow, of another material."""
    radius = between(rng, 3, 35)
    points = outline(rng, _inside(rng, scene), (radius, radius * between(rng, 0.3, 1)), rng.uniform(0.2, 1))
    coverage = Mask(scene.size_hw).polygon(points).coverage()
    if rng.random() < 0.6:
        scene.add(Mask(scene.size_hw).polygon(points + rng.normal(0, 2.5, 2)).coverage(), -rng.uniform(0.05, 0.3))
    here = float((scene.pixels * coverage).sum() / (coverage.sum() + 1e-6))
    level = np.clip(here + _amount(rng, 0.1, 0.5, strength), 0, 1)
    scene.paint(coverage, np.float32(level) + np.float32(between(rng, 0.005, 0.1)) * texture(rng, scene.size_hw))
    return coverage


def fibre(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A hair, thread or wire's end that lies about, curled."""
    length, width = between(rng, 20, 200), between(rng, 0.8, 4)
    path = walk(rng, np.zeros(2), rng.uniform(0, 6.3), length, rng.normal(0, 2.5), 0.05)
    path += _inside(rng, scene) - path.mean(axis=0)
    widths = [width] * len(path)
    if rng.random() < 0.4:
        scene.add(Mask(scene.size_hw).line(path + rng.normal(0, 2, 2), widths).coverage(), -rng.uniform(0.03, 0.2))
    coverage = Mask(scene.size_hw).line(path, widths).coverage()
    scene.add(coverage, _amount(rng, 0.1, 0.5, strength))
    return coverage


def worn(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A large area or band, lighter or darker, or with another contrast; its border is soft or sharp."""
    radius = between(rng, 15, 0.5 * max(scene.size_hw))
    radii = radius, max(radius * between(rng, 0.12, 1), 4.0)
    near = _hill(scene, _inside(rng, scene), radii, rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]))
    coverage = np.clip((near - 0.4) / np.float32(between(rng, 0.05, 0.5)), 0, 1).astype(np.float32)
    flat = ndimage.uniform_filter(scene.pixels, 21)
    contrast = np.float32(rng.choice([0.3, 1.0, 1.0, 1.8]))
    scene.paint(coverage, flat + (scene.pixels - flat) * contrast + np.float32(_amount(rng, 0.03, 0.25, strength)))
    return coverage


def frayed(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """The surface is rough where it should not be."""
    radius = between(rng, 6, 40)
    coverage = _softened(rng, _area(rng, scene, radius), radius)
    down, across = between(rng, 1, 4), between(rng, 1, 12)
    rough = noise(rng, scene.size_hw, (down, across) if rng.random() < 0.5 else (across, down))
    scene.pixels += coverage * (np.float32(abs(_amount(rng, 0.05, 0.2, strength))) * rough)
    return coverage


def scuff(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """Many short fine lines, about parallel, under one box."""
    middle, spread, angle = _inside(rng, scene), between(rng, 6, 35), rng.uniform(0, np.pi)
    mask = Mask(scene.size_hw)
    for _ in range(int(rng.integers(5, 25))):
        place = middle + np.clip(rng.standard_normal(2), -1.6, 1.6) * spread * 0.6
        path = walk(rng, place, angle + rng.normal(0, 0.1), between(rng, 5, 30), 0, 0.05)
        mask.line(path, [between(rng, 0.7, 1.5)] * len(path), [rng.uniform(0.4, 1)] * len(path))
    coverage = mask.coverage()
    scene.add(coverage, _amount(rng, 0.08, 0.35, strength))
    return coverage


def dent(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """A shallow hollow: lit on one side, in shade on the other."""
    radius = between(rng, 5, 35)
    near = _hill(scene, _inside(rng, scene), (radius, radius * between(rng, 0.3, 1)), rng.uniform(0, np.pi))
    dy, dx = np.gradient(near)
    angle = rng.uniform(0, 6.3)
    slope = (np.cos(angle) * dx + np.sin(angle) * dy).astype(np.float32)
    scene.add(slope / (np.abs(slope).max() + np.float32(1e-6)), _amount(rng, 0.07, 0.35, strength))
    return (near > 0.35).astype(np.float32)


def smear(rng: np.random.Generator, scene: Scene, strength: float) -> Floats:
    """What is there is dragged along, as a smudged print or pattern."""
    radius = between(rng, 8, 40)
    coverage = _softened(rng, _area(rng, scene, radius), radius)
    dragged = ndimage.uniform_filter1d(scene.pixels, int(rng.integers(7, 25)), axis=int(rng.integers(2)))
    scene.paint(coverage, dragged + np.float32(_amount(rng, 0.01, 0.1, strength)))
    return coverage


FLAWS: dict[Flaw, float] = {
    scratch: 4,
    crack: 3,
    chip: 2,
    blob: 2.5,
    pit: 3,
    porosity: 0.8,
    stain: 1.2,
    missing: 1,
    displaced: 0.7,
    foreign: 1.5,
    fibre: 1,
    worn: 2,
    frayed: 1,
    scuff: 0.8,
    dent: 1,
    smear: 0.6,
}


def _inside(rng: np.random.Generator, scene: Scene) -> Points:
    """A place in the image."""
    return rng.uniform(0.02, 0.98, 2) * (scene.size_hw[1], scene.size_hw[0])


def _amount(rng: np.random.Generator, low: float, high: float, strength: float) -> float:
    return float(rng.choice([-1, 1]) * min(between(rng, low, high) * strength, 0.8))


def _fading(rng: np.random.Generator, count: int) -> list[float]:
    """Opacities along a line: even, fading to an end, or with gaps."""
    kind = rng.random()
    if kind < 0.5:
        return [1.0] * count
    if kind < 0.8:
        return [float(v) for v in np.linspace(1, rng.uniform(0.2, 0.7), count)]
    return [float(v) for v in np.clip(0.7 + 0.4 * rng.standard_normal(count), 0.15, 1)]


def _softened(rng: np.random.Generator, coverage: Floats, radius: float) -> Floats:
    if rng.random() < 0.5:
        return coverage
    return np.asarray(ndimage.gaussian_filter(coverage, rng.uniform(0.1, 0.35) * radius, truncate=2.5), np.float32)


def _area(rng: np.random.Generator, scene: Scene, radius: float) -> Floats:
    """Coverage of an irregular spot or of a rectangle."""
    middle, radii = _inside(rng, scene), (radius, radius * between(rng, 0.3, 1))
    if rng.random() < 0.7:
        return Mask(scene.size_hw).polygon(outline(rng, middle, radii, rng.uniform(0.2, 0.8))).coverage()
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (radii if rng.random() < 0.5 else radii[::-1])
    return Mask(scene.size_hw).polygon(corners + middle).coverage()


def _hill(scene: Scene, middle_xy: Points, radii: tuple[float, float], turn: float) -> Floats:
    """1 at a point, falling to 0.37 at an ellipse around it and to 0 beyond."""
    y = np.arange(scene.size_hw[0], dtype=np.float32)[:, None] + np.float32(0.5 - middle_xy[1])
    x = np.arange(scene.size_hw[1], dtype=np.float32)[None] + np.float32(0.5 - middle_xy[0])
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    away = ((c * x + s * y) / np.float32(radii[0])) ** 2 + ((c * y - s * x) / np.float32(radii[1])) ** 2
    return np.exp(-away)
