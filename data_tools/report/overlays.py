"""Pictures of single images: true boxes, predicted boxes, heat map, peak and its distance to the truth.

Colours are from Okabe & Ito's palette, which colour-blind readers can tell apart, each with a dark halo so that it
stands out from bright and dark pixels alike; shape repeats what colour says (solid, dashed, cross). All colours are
RGB. An edge at image coordinate x lies at x * scale in the picture, for boxes, peaks and maps alike.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from data_tools import heatmaps
from data_tools.geometry import point_to_box_distance
from data_tools.records import BOXED, GOOD, Prediction, Sample

Rgb = tuple[int, int, int]
Span = tuple[float, float]
TRUTH: Rgb = (86, 180, 233)  # sky blue
PREDICTED: Rgb = (240, 228, 66)  # yellow
PEAK: Rgb = (255, 255, 255)
HALO: Rgb = (16, 16, 16)
PAPER, INK, FAINT = (255, 255, 255), (20, 24, 28), (92, 98, 104)
LINE = 2  # pixels of the picture, for boxes
MOST_OPAQUE = 0.62
TOP_BOXES, MOST_BOXES = 3, 10
_FINE = 2  # annotations are drawn this much finer and then averaged, which smooths slanted lines
_NARROWEST = 230
_GAP, _BAND = 12, 21


def draw_panel(
    image: NDArray[np.uint8], sample: Sample, prediction: Prediction | None, threshold: float | None = None,
    long_side: int = 560,
) -> Image.Image:  # fmt: skip
    """One approach's view of one image, without any title; without a prediction the bare image.

    Args:
        image: (h, w) uint8 gray, of the sample's size.
        sample: the truth; its boxes are drawn solid.
        prediction: its boxes are drawn dashed with their scores, its heat map the more opaque the higher, its peak as
            a cross, joined to the nearest point of a true box.
        threshold: only boxes that score at least that are drawn, 10 at most; without it the three best.
        long_side: pixels of the picture's longer side.

    Raises:
        ValueError: the image is not a gray one of the sample's size.
    """
    if image.dtype != np.uint8 or image.shape != sample.size_hw:
        raise ValueError(f"image {sample.image_id}: pixels {image.shape} {image.dtype}, sample {sample.size_hw}")
    scale = long_side / max(sample.size_hw)
    size = (max(1, round(sample.size_hw[1] * scale)), max(1, round(sample.size_hw[0] * scale)))
    picture = Image.fromarray(image).resize(size, Image.Resampling.LANCZOS).convert("RGB")
    if prediction is None:
        return picture
    if prediction.heatmap is not None:
        picture = _lay_over(picture, prediction.heatmap)
    layer = Image.new("RGBA", (size[0] * _FINE, size[1] * _FINE))
    pen = _Pen(ImageDraw.Draw(layer), size, (size[0] / sample.size_hw[1], size[1] / sample.size_hw[0]))
    for box in sample.boxes_xyxy:
        pen.box(box, TRUTH)
    shown = shown_boxes(prediction, threshold)
    for i in shown:
        pen.box(prediction.boxes_xyxy[i], PREDICTED, dashed=True)
    if prediction.peak_xy is not None:
        if sample.status == BOXED:
            pen.join(prediction.peak_xy, nearest_true_point(prediction.peak_xy, sample.boxes_xyxy))
        pen.cross(prediction.peak_xy)
    for i in shown:
        pen.tag(prediction.boxes_xyxy[i], f"{prediction.box_scores[i]:.2f}")
    flat = layer.reduce(_FINE)
    picture.paste(flat, (0, 0), flat)
    return picture


def draw_overlay(
    image: NDArray[np.uint8], sample: Sample, predictions: Mapping[str, Prediction],
    thresholds: Mapping[str, float] | None = None, long_side: int = 560, bare: bool = True, legend: bool = True,
) -> Image.Image:  # fmt: skip
    """The views of all approaches on one sheet, with titles and a legend.

    Args:
        image: (h, w) uint8 gray, of the sample's size.
        sample: the truth.
        predictions: by the approach's name.
        thresholds: by the approach's name; what a missing one means is said in `draw_panel`.
        long_side: pixels of the longer side of each panel.
        bare: whether a first panel shows the image as it is, so that nothing covers a faint defect.
        legend: whether a line at the bottom explains the marks.

    Returns:
        an RGB picture; wide images stand below each other, all others side by side.
    """
    panels: list[tuple[Image.Image, str, str]] = []
    if bare:
        panels.append((draw_panel(image, sample, None, long_side=long_side), "image", describe_truth(sample)))
    for label, prediction in predictions.items():
        threshold = None if thresholds is None else thresholds.get(label)
        panel = draw_panel(image, sample, prediction, threshold, long_side)
        panels.append((panel, label, describe_prediction(sample, prediction, threshold)))
    return _sheet(panels, f"{sample.image_id}  {sample.path}", sample.size_hw[1] > 1.7 * sample.size_hw[0], legend)


def describe_truth(sample: Sample) -> str:
    """The type, and whether the area is annotated: "scratch, 2 boxes"."""
    if sample.status == GOOD:
        return "good"
    if sample.status != BOXED:
        return f"{sample.type}, area not annotated"
    n = len(sample.boxes_xyxy)
    return f"{sample.type}, {n} box" + ("es" if n > 1 else "")


def describe_prediction(sample: Sample, prediction: Prediction, threshold: float | None = None) -> str:
    """Score, what it leads to at the threshold, and the distance: "score 0.913 flagged, 12.3 px"."""
    parts = [f"score {prediction.score:.3f}"]
    if threshold is not None:
        parts[0] += " flagged" if prediction.score >= threshold else " passed"
    if sample.status == BOXED:
        parts.append(describe_distance(peak_distance(sample, prediction)))
    elif prediction.peak_xy is None:
        parts.append("no peak")
    if prediction.heatmap is not None and heatmaps.normalise(prediction.heatmap) is None:
        parts.append("flat map")
    return ", ".join(parts)


def describe_distance(distance_px: float | None) -> str:
    """ "12.3 px", "hit" for 0, "no peak" for an infinite distance (an abstention), "" where there is none."""
    if distance_px is None:
        return ""
    if np.isinf(distance_px):
        return "no peak"
    return f"{distance_px:.1f} px" if distance_px > 0 else "hit"


def peak_distance(sample: Sample, prediction: Prediction) -> float:
    """Pixels from the peak to the nearest box of a boxed sample; infinite for an abstention."""
    if prediction.peak_xy is None:
        return float("inf")
    return float(point_to_box_distance(np.array([prediction.peak_xy]), sample.boxes_xyxy).min())


def nearest_true_point(peak_xy: Span, boxes_xyxy: NDArray[np.float64]) -> Span:
    """The point of the nearest of the (n, 4) boxes that is nearest to the peak; the peak itself inside a box."""
    box = boxes_xyxy[int(point_to_box_distance(np.array([peak_xy]), boxes_xyxy)[0].argmin())]
    return float(np.clip(peak_xy[0], box[0], box[2])), float(np.clip(peak_xy[1], box[1], box[3]))


def shown_boxes(prediction: Prediction, threshold: float | None) -> list[int]:
    """Indices of the boxes to draw, best first: at most 10 from the threshold up, or without one the best three."""
    order = [int(i) for i in np.argsort(-prediction.box_scores, kind="stable")]
    if threshold is None:
        return order[:TOP_BOXES]
    return [i for i in order if prediction.box_scores[i] >= threshold][:MOST_BOXES]


def _lay_over(picture: Image.Image, heatmap: NDArray[np.float32]) -> Image.Image:
    """The picture under the heat map, whose opacity grows with its value; unchanged by a map without a peak."""
    values = heatmaps.normalise(heatmap)
    if values is None:
        return picture
    fine = np.clip(heatmaps.upsample(values, (picture.height, picture.width)), 0.0, 1.0)
    alpha = MOST_OPAQUE * fine[..., None]
    colours = _heat_colours()[np.round(fine * 255).astype(np.int64)]
    return Image.fromarray(np.round((1 - alpha) * np.asarray(picture) + alpha * colours).astype(np.uint8))


@cache
def _heat_colours() -> NDArray[np.float64]:
    """(256, 3) RGB of matplotlib's inferno in 0..255."""
    from matplotlib import colormaps

    colours: NDArray[np.float64] = 255.0 * colormaps["inferno"](np.linspace(0.0, 1.0, 256))[:, :3]
    return colours


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it: the same letters on every machine."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


class _Pen:
    """Draws marks, given in image coordinates, on a layer `_FINE` times finer than the picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, size: tuple[int, int], scale_xy: Span) -> None:
        self._draw, self._size, self._scale = draw, size, scale_xy
        self._taken: list[tuple[float, float, float, float]] = []

    def box(self, box_xyxy: NDArray[np.float64], colour: Rgb, dashed: bool = False) -> None:
        """A frame around the box's pixels, or along the border where the picture ends."""
        x1, y1, x2, y2 = self._frame(box_xyxy)
        self._rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), LINE + 2, HALO)
        if not dashed:
            self._rectangle((x1, y1, x2, y2), LINE, colour)
            return
        for low, high in _dashes(x1, x2):
            self._fill((low, y1, high, y1 + LINE), colour)
            self._fill((low, y2 - LINE, high, y2), colour)
        for low, high in _dashes(y1, y2):
            self._fill((x1, low, x1 + LINE, high), colour)
            self._fill((x2 - LINE, low, x2, high), colour)

    def cross(self, point_xy: Span, arm: int = 9) -> None:
        """An upright cross whose open middle lets the peak's own pixel show."""
        x, y = self._place(point_xy)
        spokes = [(dx * r, dy * r) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)) for r in (3, arm)]
        for width, colour in ((5, HALO), (2, PEAK)):
            grow = 1 if colour == HALO else 0
            for (x1, y1), (x2, y2) in zip(spokes[::2], spokes[1::2], strict=True):
                ends = (x + x1, y + y1, x + x2 * (arm + grow) / arm, y + y2 * (arm + grow) / arm)
                self._draw.line([v * _FINE for v in ends], fill=colour, width=width * _FINE)

    def join(self, start_xy: Span, end_xy: Span) -> None:
        """A thin line with a dot at its end; nothing where both points are the same."""
        if start_xy == end_xy:
            return
        ends = [v * _FINE for v in (*self._place(start_xy), *self._place(end_xy))]
        self._draw.line(ends, fill=HALO, width=3 * _FINE)
        self._draw.line(ends, fill=PEAK, width=_FINE)
        for radius, colour in ((4 * _FINE, HALO), (2.5 * _FINE, PEAK)):
            self._draw.ellipse((ends[2] - radius, ends[3] - radius, ends[2] + radius, ends[3] + radius), fill=colour)

    def tag(self, box_xyxy: NDArray[np.float64], text: str) -> None:
        """A score beside the box, where it covers no other score; left out where there is no such place."""
        font = _font(12 * _FINE)
        width, height = font.getlength(text) / _FINE + 6, 16.0
        x1, y1, x2, y2 = self._frame(box_xyxy)
        above, below = y1 - height - 1, y2 + 1
        for x, y in ((x1, above), (x1, below), (x2 - width, above), (x2 - width, below), (x1 + 3, y1 + 3)):
            spot = (x, y, x + width, y + height)
            inside = x >= 0 and y >= 0 and spot[2] <= self._size[0] and spot[3] <= self._size[1]
            if inside and not any(_overlap(spot, other) for other in self._taken):
                self._taken.append(spot)
                self._fill(spot, HALO)
                middle = ((x + width / 2) * _FINE, (y + height / 2) * _FINE)
                self._draw.text(middle, text, font=font, fill=PREDICTED, anchor="mm")
                return

    def _place(self, point_xy: Span) -> Span:
        return point_xy[0] * self._scale[0], point_xy[1] * self._scale[1]

    def _frame(self, box_xyxy: NDArray[np.float64]) -> tuple[int, int, int, int]:
        """Outer edges of the frame in whole pixels of the picture, at least a line wide and within the picture."""
        x1, x2 = np.round(box_xyxy[[0, 2]] * self._scale[0]).astype(int)
        y1, y2 = np.round(box_xyxy[[1, 3]] * self._scale[1]).astype(int)
        (left, right), (top, bottom) = (max(x1 - LINE, 0), x2 + LINE), (max(y1 - LINE, 0), y2 + LINE)
        return left, top, min(right, self._size[0]), min(bottom, self._size[1])

    def _rectangle(self, edges: Sequence[int], width: int, colour: Rgb) -> None:
        x1, y1, x2, y2 = edges
        for part in ((x1, y1, x2, y1 + width), (x1, y2 - width, x2, y2), (x1, y1, x1 + width, y2),
                     (x2 - width, y1, x2, y2)):  # fmt: skip
            self._fill(part, colour)

    def _fill(self, edges: Sequence[float], colour: Rgb) -> None:
        """Fill a half-open rectangle; Pillow counts the last row and column as inside."""
        x1, y1, x2, y2 = (round(v * _FINE) for v in edges)
        if x2 > x1 and y2 > y1:
            self._draw.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)


def _dashes(low: int, high: int, dash: int = 7, gap: int = 5) -> list[tuple[int, int]]:
    """Dashes from `low` to `high`, the last one cut off there."""
    return [(start, min(start + dash, high)) for start in range(low, high, dash + gap)]


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _sheet(
    panels: Sequence[tuple[Image.Image, str, str]], title: str, stacked: bool, legend: bool
) -> Image.Image:  # fmt: skip
    """Panels with a bold and a plain line above each, a title over all and the legend below."""
    cells = [(max(panel.width, _NARROWEST), panel.height + 2 * _BAND) for panel, _, _ in panels]
    widths, heights = [w for w, _ in cells], [h for _, h in cells]
    gaps = _GAP * (len(cells) - 1)
    width = (max(widths) if stacked else sum(widths) + gaps) + 2 * _GAP
    height = (sum(heights) + gaps if stacked else max(heights)) + _BAND + 2 * _GAP + (_BAND + _GAP if legend else 0)
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_GAP, _GAP // 2), _fit(title, _font(13), width - 2 * _GAP), font=_font(13), fill=FAINT)
    x, y = _GAP, _GAP + _BAND
    for (panel, head, line), (cell_width, cell_height) in zip(panels, cells, strict=True):
        draw.text((x, y), _fit(head, _font(14, True), cell_width), font=_font(14, True), fill=INK)
        draw.text((x, y + _BAND - 1), _fit(line, _font(13), cell_width), font=_font(13), fill=INK)
        sheet.paste(panel, (x, y + 2 * _BAND))
        x, y = (x, y + cell_height + _GAP) if stacked else (x + cell_width + _GAP, y)
    if legend:
        _draw_legend(draw, height - _BAND - _GAP // 2, width)
    return sheet


def _draw_legend(draw: ImageDraw.ImageDraw, y: int, width: int) -> None:
    font, x = _font(12), _GAP
    texts = ("true box", "predicted box, score", "peak, to the nearest true point", "heat map")
    for kind, text in enumerate(texts):
        if x + 34 + font.getlength(text) > width:
            return
        draw.rectangle((x, y, x + 26, y + 15), fill=(120, 120, 120))
        if kind == 0:
            draw.rectangle((x + 4, y + 3, x + 22, y + 12), outline=TRUTH, width=LINE)
        elif kind == 1:
            for low, high in _dashes(x + 3, x + 24, 5, 3):
                draw.rectangle((low, y + 7, high - 1, y + 8), fill=PREDICTED)
        elif kind == 2:
            draw.line((x + 5, y + 7, x + 21, y + 7), fill=PEAK, width=1)
            draw.line((x + 6, y + 2, x + 6, y + 12), fill=PEAK, width=2)
            draw.ellipse((x + 19, y + 5, x + 23, y + 9), fill=PEAK)
        else:
            for i in range(26):
                colour = tuple(round(v) for v in _heat_colours()[40 + 8 * i])
                draw.line((x + i, y, x + i, y + 15), fill=colour)
        draw.text((x + 33, y + 1), text, font=font, fill=FAINT)
        x += round(33 + font.getlength(text)) + 22


def _fit(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The text, cut with an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
