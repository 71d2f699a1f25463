"""What goes wrong with a device: each function paints one defect on a finished device."""

from collections.abc import Callable

import numpy as np

from data_tools.synthetic.canvas import Canvas, Floats, Points, blob, cloud, rectangle
from data_tools.synthetic.device import (
    BODY_HW,
    LEAD_LENGTH,
    LEAD_WIDTH,
    LEADS,
    MARKING_HALF,
    SIZE_HW,
    Look,
    lead_outline,
)

Paint = Callable[[np.random.Generator, Canvas, Look], None]
_HALF_H, _HALF_W = BODY_HW[0] / 2, BODY_HW[1] / 2


def scratch(rng: np.random.Generator, canvas: Canvas, _look: Look) -> None:
    """A straight line over the body: thin, long and faint."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(45, 130)
    direction = np.array([np.cos(angle), np.sin(angle)])
    reach = np.array([_HALF_W - 8, _HALF_H - 8]) - np.abs(direction) * length / 2
    length *= float(
        min(
            1.0,
            2 * (_HALF_W - 8) / (length * abs(direction[0]) + 1e-9),
            2 * (_HALF_H - 8) / (length * abs(direction[1]) + 1e-9),
        )
    )
    middle = rng.uniform(-1, 1, 2) * np.maximum(reach, 0.0)
    ends = middle - direction * length / 2, middle + direction * length / 2
    sign = 1.0 if rng.random() < 0.75 else -0.6
    canvas.lighten(canvas.line([tuple(ends[0]), tuple(ends[1])], rng.uniform(0.9, 1.8)), sign * rng.uniform(0.15, 0.30))


def chipping(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """A corner of the body is broken off, with a bright rough face."""
    sx, sy = rng.choice([-1, 1], 2)
    a, b = rng.uniform(12, 32), rng.uniform(10, 28)
    corner = np.array([sx * _HALF_W, sy * _HALF_H])
    edge = [corner - (sx * a, 0)]
    for share in (0.25, 0.5, 0.75):
        along = corner - (sx * a * (1 - share), sy * b * share)
        edge.append(along - np.array([sx * a, sy * b]) * rng.uniform(0.02, 0.25))
    edge.append(corner - (0, sy * b))
    around = corner + np.array([(sx * 2, sy * 2), (-sx * a, sy * 2), (sx * 2, -sy * b)])
    outline = np.array([around[0], around[1], *edge, around[2]])
    whole = canvas.polygon(outline)
    canvas.paint(whole, look.floor * 0.8 + 0.02 * cloud(rng, SIZE_HW, 3))
    face = canvas.line([tuple(p) for p in edge], rng.uniform(4, 8))
    canvas.paint(face * _rough(rng), look.body + rng.uniform(0.18, 0.32))


def conductor_damage(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """A whole lead is crushed and stained: rough, blotched, scored across."""
    lead = int(rng.integers(len(LEADS)))
    outline = canvas.polygon(lead_outline(lead))
    stain = look.metal * rng.uniform(0.45, 0.65) + 0.13 * cloud(rng, SIZE_HW, 7)
    canvas.paint(outline, np.clip(stain, 0.05, 0.95), 0.9)
    x, side = LEADS[lead]
    for _ in range(int(rng.integers(3, 6))):
        y = side * (_HALF_H + rng.uniform(4, LEAD_LENGTH - 4))
        ends = [(x - LEAD_WIDTH / 2 + 2, y), (x + LEAD_WIDTH / 2 - 2, y + rng.normal(0, 5))]
        canvas.lighten(canvas.line(ends, rng.uniform(1, 2.5)), rng.choice([-0.25, 0.25]))


def foreign_material(rng: np.random.Generator, canvas: Canvas, _look: Look) -> None:
    """A metal flake or splinter lies on the body or beside it."""
    x, y = rng.uniform(-_HALF_W + 10, _HALF_W - 10), rng.uniform(-_HALF_H + 10, _HALF_H - 10)
    bright = rng.uniform(0.45, 0.8)
    if rng.random() < 0.35:  # a curled splinter
        angle, turn = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.35)
        points = [np.array([x, y])]
        for _ in range(6):
            points.append(points[-1] + rng.uniform(3, 6) * np.array([np.cos(angle), np.sin(angle)]))
            angle += turn
        inside = np.clip(points, (-_HALF_W + 3, -_HALF_H + 3), (_HALF_W - 3, _HALF_H - 3))
        canvas.paint(canvas.line(inside, rng.uniform(1.8, 3.2)), bright)
        return
    outline = blob(rng, (x, y), (rng.uniform(4, 13), rng.uniform(4, 11)), int(rng.integers(7, 12)))
    canvas.paint(canvas.polygon(outline + np.array([2.0, 2.5])), 0.04, 0.6)
    canvas.paint(canvas.polygon(outline), bright + 0.10 * cloud(rng, SIZE_HW, 3))


def lead_defect(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """A lead's tip is broken off, or the lead is bent sideways."""
    lead = int(rng.integers(len(LEADS)))
    x, side = LEADS[lead]
    start = rng.uniform(0.45, 0.7)
    canvas.paint(canvas.polygon(_grown(lead_outline(lead, start, 1.0), 1.0)), look.floor)
    if rng.random() < 0.5:
        shift = rng.choice([-1, 1]) * rng.uniform(8, 15)
        y1, y2 = (side * (_HALF_H + share * LEAD_LENGTH) for share in (start, 1.0))
        half = LEAD_WIDTH / 2
        bent = [(x - half, y1), (x + half, y1), (x + half + shift, y2), (x - half + shift, y2)]
        canvas.paint(canvas.polygon(bent), look.metal * rng.uniform(0.8, 1.1) + 0.04 * cloud(rng, SIZE_HW, 5))
    else:
        y = side * (_HALF_H + start * LEAD_LENGTH)
        jagged = [(x + dx, y + rng.normal(0, 1.5)) for dx in np.linspace(-LEAD_WIDTH / 2, LEAD_WIDTH / 2, 6)]
        canvas.lighten(canvas.line(jagged, 2.0), 0.2)


def lead_glue(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """Mold compound has flowed over a part of a lead."""
    lead = int(rng.integers(len(LEADS)))
    x, side = LEADS[lead]
    middle = (x + rng.uniform(-9, 9), side * (_HALF_H + rng.uniform(6, 24)))
    outline = blob(rng, middle, (rng.uniform(9, 16), rng.uniform(8, 14)), 12)
    where = canvas.polygon(outline) * canvas.polygon(_grown(lead_outline(lead), 2.0))
    canvas.paint(where, look.body * rng.uniform(0.9, 1.25) + 0.015 * cloud(rng, SIZE_HW, 3))
    canvas.lighten(where * canvas.line(np.concatenate([outline, outline[:1]]), 1.4), 0.12)


def marking_defect(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """A part of the marking is wiped away or smeared."""
    half_w, half_h = MARKING_HALF
    # the upper line is wider than the lower one; both are hit near their middle, so that letters are
    reach, y = ((20.0, -14.0), (10.0, 15.0))[int(rng.integers(2))]
    x = rng.uniform(-reach, reach)
    w, h = rng.uniform(16, 26), rng.uniform(12, 17)
    window = canvas.polygon(rectangle(x - w, y - h, x + w, y + h, 6))
    if rng.random() < 0.5:
        canvas.paint(window * _rough(rng), look.body, 0.95)
        return
    smeared = canvas.pixels.copy()
    for shift in range(1, int(rng.integers(8, 14))):
        np.maximum(smeared, np.roll(canvas.pixels, shift, axis=1) * np.float32(0.9), out=smeared)
    canvas.paint(window * (canvas.polygon(rectangle(-half_w, -half_h, half_w, half_h)) > 0.5), smeared, 0.9)


BOXED_DEFECTS: dict[str, Paint] = {
    "scratch": scratch,
    "chipping": chipping,
    "conductor_damage": conductor_damage,
    "foreign_material": foreign_material,
    "lead_defect": lead_defect,
    "lead_glue": lead_glue,
    "marking_defect": marking_defect,
}
UNBOXED_DEFECTS = ("empty_pocket", "device_flip")


def _rough(rng: np.random.Generator) -> Floats:
    """(h, w) patchy opacity in 0.55..1."""
    rough: Floats = np.clip(0.85 + 0.2 * cloud(rng, SIZE_HW, 3), 0.55, 1.0).astype(np.float32)
    return rough


def _grown(outline: Points, by: float) -> Points:
    (x1, y1), (x2, y2) = outline.min(axis=0), outline.max(axis=0)
    return rectangle(x1 - by, y1 - by, x2 + by, y2 + by)
