"""A three-lead molded package in its tape pocket, as a camera above the line sees it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ImageFont

from data_tools.synthetic.canvas import Canvas, Points, cloud, rectangle

SIZE_HW = (267, 275)
BODY_HW = (104.0, 148.0)
LEAD_LENGTH, LEAD_WIDTH = 42.0, 32.0
LEADS = ((-46.0, 1), (46.0, 1), (0.0, -1))  # x of the middle, and the side: +1 below the body, -1 above
POCKET_HALF = (103.0, 108.0)
MARKING_HALF = (52.0, 34.0)  # the letters stay within so many pixels of the middle, in x and y
_LETTERS = "ABCDEFHJKLMNPRTUVWXZ0123456789"


@dataclass(frozen=True)
class Look:
    """What the devices of one lot share: gray values in 0..1, lengths in pixels, angles in radians."""

    tape: float
    floor: float
    body: float
    metal: float
    letters: float
    texture: float
    gradient_xy: tuple[float, float]
    blur: float
    angle: float
    offset_xy: tuple[float, float]
    code: str
    edge_wear: float


@dataclass(frozen=True)
class Pose:
    """Where one device lies and which way it is turned, beside its lot."""

    centre_xy: tuple[float, float]
    angle: float
    second_line: str


def draw_look(rng: np.random.Generator) -> Look:
    """A lot's appearance."""
    return Look(
        tape=rng.uniform(0.13, 0.20),
        floor=rng.uniform(0.11, 0.17),
        body=rng.uniform(0.18, 0.26),
        metal=rng.uniform(0.60, 0.76),
        letters=rng.uniform(0.24, 0.34),
        texture=rng.uniform(0.006, 0.014),
        gradient_xy=(rng.uniform(-0.25, 0.25), rng.uniform(-0.25, 0.25)),
        blur=rng.uniform(0.55, 0.9),
        angle=rng.normal(0, 0.012),
        offset_xy=(rng.normal(0, 2.5), rng.normal(0, 2.5)),
        code="".join(rng.choice(list(_LETTERS), 3)),
        edge_wear=rng.uniform(0.25, 0.6),
    )


def draw_pose(rng: np.random.Generator, look: Look) -> Pose:
    """One device's place and its own letters."""
    x = SIZE_HW[1] / 2 + look.offset_xy[0] + rng.normal(0, 1.5)
    y = SIZE_HW[0] / 2 + look.offset_xy[1] + rng.normal(0, 1.5)
    return Pose((float(x), float(y)), float(look.angle + rng.normal(0, 0.012)), "".join(rng.choice(list(_LETTERS), 2)))


def draw_pocket(rng: np.random.Generator, look: Look, pose: Pose) -> Canvas:
    """Tape and empty pocket; the canvas carries the device's frame."""
    pixels = np.full(SIZE_HW, look.tape, dtype=np.float32) + look.texture * cloud(rng, SIZE_HW, 5)
    tape = Canvas(pixels, (SIZE_HW[1] / 2 + look.offset_xy[0] / 2, SIZE_HW[0] / 2 + look.offset_xy[1] / 2))
    half_w, half_h = POCKET_HALF
    rim = rectangle(-half_w - 9, -half_h - 9, half_w + 9, half_h + 9, 22)
    floor = rectangle(-half_w, -half_h, half_w, half_h, 16)
    tape.paint(tape.polygon(rim), look.tape * 1.35)
    tape.paint(tape.polygon(floor), look.floor)
    _wear_edge(rng, tape, floor, look.edge_wear, 0.44)
    _wear_edge(rng, tape, rim, look.edge_wear * 0.7, 0.24)
    return Canvas(tape.pixels, pose.centre_xy, pose.angle)


def draw_device(rng: np.random.Generator, canvas: Canvas, look: Look, pose: Pose) -> None:
    """Leads, body, marking, and the bright worn edges that every device has."""
    half_h, half_w = BODY_HW[0] / 2, BODY_HW[1] / 2
    shadow = canvas.polygon(rectangle(-half_w + 3, -half_h + 5, half_w + 7, half_h + 8, 6))
    canvas.paint(shadow, look.floor * 0.45, 0.7)
    for lead in range(len(LEADS)):
        _draw_lead(rng, canvas, look, lead)
    body = rectangle(-half_w, -half_h, half_w, half_h, 5)
    inside = canvas.polygon(body)
    canvas.paint(inside, look.body)
    # the bevel: lit on two sides, dark on the others
    for side, change in ((0, 0.07), (3, 0.05), (1, -0.05), (2, -0.06)):
        canvas.lighten(canvas.polygon(_bevel(side, half_w, half_h)), change)
    canvas.lighten(inside * cloud(rng, SIZE_HW, 3), look.texture)
    _wear_edge(rng, canvas, body, look.edge_wear, 0.58)
    for text, y in ((look.code, -14.0), (pose.second_line, 15.0)):
        canvas.lighten(canvas.text(text, (0.0, y), _font()), look.letters)
    canvas.lighten(canvas.polygon(_disc((-half_w + 20, half_h - 20), 6.0)), -0.06)


def draw_back(rng: np.random.Generator, canvas: Canvas, look: Look) -> None:
    """The device upside down: leads, a body without marking, and mold flash."""
    half_h, half_w = BODY_HW[0] / 2, BODY_HW[1] / 2
    for lead in range(len(LEADS)):
        _draw_lead(rng, canvas, look, lead)
    body = rectangle(-half_w, -half_h, half_w, half_h, 5)
    inside = canvas.polygon(body)
    canvas.paint(inside, look.body * 0.85)
    canvas.lighten(inside * cloud(rng, SIZE_HW, 4), look.texture * 1.6)
    canvas.lighten(canvas.polygon(_disc((0.0, 0.0), 15.0)), -0.07)
    canvas.lighten(canvas.polygon(_disc((0.0, 0.0), 12.0)), 0.05)
    _wear_edge(rng, canvas, body, look.edge_wear, 0.5)


def lead_outline(lead: int, start: float = 0.0, end: float = 1.0) -> Points:
    """(4, 2) of a lead from a share of its length to another, 0 at the body and 1 at the tip."""
    x, side = LEADS[lead]
    y1, y2 = (side * (BODY_HW[0] / 2 + share * LEAD_LENGTH) for share in (start, end))
    return rectangle(x - LEAD_WIDTH / 2, min(y1, y2), x + LEAD_WIDTH / 2, max(y1, y2))


def _draw_lead(rng: np.random.Generator, canvas: Canvas, look: Look, lead: int) -> None:
    outline = canvas.polygon(lead_outline(lead))
    brushed = rng.standard_normal(SIZE_HW[1]).astype(np.float32) * np.float32(0.035)
    canvas.paint(outline, look.metal + brushed[None, :] + 0.02 * cloud(rng, SIZE_HW, 8))
    bend = lead_outline(lead, 0.42, 0.58)
    canvas.lighten(canvas.polygon(bend), 0.16)
    foot = lead_outline(lead, 0.9, 1.0)
    canvas.lighten(canvas.polygon(foot), -0.18)


def _wear_edge(rng: np.random.Generator, canvas: Canvas, outline: Points, wear: float, bright: float) -> None:
    """Bright edges: a thin line all around and brighter broken scratches along it."""
    closed = np.concatenate([outline, outline[:1]])
    canvas.lighten(canvas.line(closed, 1.2), bright * 0.45)
    steps = closed[1:] - closed[:-1]
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    for _ in range(int(rng.integers(5, 9) + 10 * wear)):
        side = int(rng.choice(len(lengths), p=lengths / lengths.sum()))
        start, length = rng.uniform(0, 1), rng.uniform(6, 34) / lengths[side]
        a, b = closed[side] + steps[side] * start, closed[side] + steps[side] * min(start + length, 1.0)
        shift = rng.normal(0, 1.4, 2)
        canvas.lighten(
            canvas.line([tuple(a + shift), tuple(b + shift + rng.normal(0, 0.8, 2))], rng.uniform(0.8, 2.2)),
            bright * rng.uniform(0.4, 1.1),
        )


def _bevel(side: int, half_w: float, half_h: float) -> Points:
    outer, inner = (rectangle(-half_w + by, -half_h + by, half_w - by, half_h - by) for by in (0.0, 7.0))
    after = (side + 1) % 4
    return np.array([outer[side], outer[after], inner[after], inner[side]])


def _disc(middle_xy: tuple[float, float], radius: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius + middle_xy


@cache
def _font() -> ImageFont.FreeTypeFont:
    """The marking's letters, at the canvas's fine scale; the font comes with matplotlib, the same everywhere."""
    from matplotlib import get_data_path

    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono-Bold.ttf"), 52)
