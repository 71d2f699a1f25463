"""A gray picture in 0..1 that shapes are painted on with soft edges."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
_FINE = 2  # masks are drawn this much finer and averaged


class Canvas:
    """Float pixels and the frame that maps device coordinates (origin in the middle of the package) to pixels.

    Args:
        pixels: (h, w) float32; painted on in place.
        centre_xy: where the origin of the device lies, in pixels.
        angle: turn of the device in radians, clockwise on the screen.
    """

    def __init__(self, pixels: Floats, centre_xy: tuple[float, float] = (0.0, 0.0), angle: float = 0.0) -> None:
        self.pixels = pixels
        self.centre = np.array(centre_xy)
        c, s = np.cos(angle), np.sin(angle)
        self.angle, self._turn = angle, np.array([[c, s], [-s, c]])

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def copy(self) -> "Canvas":
        """The same picture, to be painted on independently."""
        return Canvas(self.pixels.copy(), (float(self.centre[0]), float(self.centre[1])), self.angle)

    def place(self, points_xy: Points | Sequence[tuple[float, float]]) -> Points:
        """(n, 2) device coordinates -> pixel coordinates."""
        placed: Points = np.asarray(points_xy, dtype=np.float64) @ self._turn + self.centre
        return placed

    def polygon(self, points_xy: Points | Sequence[tuple[float, float]]) -> Floats:
        """(h, w) coverage 0..1 of a polygon in device coordinates."""
        image, draw = self._sheet()
        draw.polygon([tuple(p) for p in self.place(points_xy) * _FINE], fill=255)
        return self._coverage(image)

    def line(self, points_xy: Points | Sequence[tuple[float, float]], width: float) -> Floats:
        """(h, w) coverage 0..1 of a polyline in device coordinates; widths below half a pixel fade instead."""
        image, draw = self._sheet()
        fine = max(round(width * _FINE), 1)
        draw.line([tuple(p) for p in self.place(points_xy) * _FINE], fill=255, width=fine, joint="curve")
        return self._coverage(image) * np.float32(min(width * _FINE / fine, 1.0))

    def text(self, text: str, middle_xy: tuple[float, float], font: ImageFont.FreeTypeFont) -> Floats:
        """(h, w) coverage 0..1 of letters around a point in device coordinates, turned with the device."""
        left, top, right, bottom = font.getbbox(text, anchor="ls")
        word = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
        ImageDraw.Draw(word).text((2 - left, 2 - top), text, font=font, fill=255, anchor="ls")
        turned = word.rotate(-np.degrees(self.angle), Image.Resampling.BILINEAR, expand=True)
        image, _ = self._sheet()
        x, y = self.place([middle_xy])[0] * _FINE
        image.paste(turned, (round(x - turned.width / 2), round(y - turned.height / 2)))
        return self._coverage(image)

    def paint(self, coverage: Floats, value: float | Floats, opacity: float = 1.0) -> None:
        """Lay a gray value, or a picture, over the pixels where the coverage is."""
        share = coverage * np.float32(opacity)
        self.pixels += share * (np.asarray(value, dtype=np.float32) - self.pixels)

    def lighten(self, coverage: Floats, amount: float) -> None:
        """Add to the pixels where the coverage is."""
        self.pixels += coverage * np.float32(amount)

    def _sheet(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        image = Image.new("L", (self.size_hw[1] * _FINE, self.size_hw[0] * _FINE))
        return image, ImageDraw.Draw(image)

    @staticmethod
    def _coverage(image: Image.Image) -> Floats:
        return np.asarray(image.reduce(_FINE), dtype=np.float32) / np.float32(255)


def rectangle(x1: float, y1: float, x2: float, y2: float, cut: float = 0.0) -> Points:
    """(n, 2) corners of a rectangle, each corner cut off by `cut`."""
    if cut <= 0:
        return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
    return np.array(
        [
            (x1 + cut, y1),
            (x2 - cut, y1),
            (x2, y1 + cut),
            (x2, y2 - cut),
            (x2 - cut, y2),
            (x1 + cut, y2),
            (x1, y2 - cut),
            (x1, y1 + cut),
        ]
    )


def blob(rng: np.random.Generator, middle_xy: tuple[float, float], radii: tuple[float, float], corners: int) -> Points:
    """(corners, 2) of an irregular closed outline around a point."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(0.6, 1.0, corners)
    return np.stack([np.cos(angles) * radii[0] * reach, np.sin(angles) * radii[1] * reach], axis=1) + middle_xy


def cloud(rng: np.random.Generator, size_hw: tuple[int, int], grain: int) -> Floats:
    """(h, w) smooth noise of mean near 0 and deviation near 1, with features of about `grain` pixels."""
    rows, columns = size_hw[0] // grain + 2, size_hw[1] // grain + 2
    coarse = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
    big = coarse.resize((columns * grain, rows * grain), Image.Resampling.BICUBIC)
    return np.asarray(big, dtype=np.float32)[: size_hw[0], : size_hw[1]] * np.float32(1.3)
