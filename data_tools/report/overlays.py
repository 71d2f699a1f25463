"""Figures of single images, fit for a paper: true and predicted boxes, heat map, peak and its distance to the truth.

Colours are from Okabe & Ito's palette, which colour-blind readers can tell apart, each with a dark halo so that it
stands out from bright and dark pixels alike; shape repeats what colour says (solid, dashed, cross). Each panel's axes
are in pixels of the original image, so an edge at x lies at x for boxes, peaks and maps alike, in PNG, SVG and PDF.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path as Shape
from matplotlib.patheffects import Normal, Stroke
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from data_tools.core import heatmaps
from data_tools.core.printable import printable
from data_tools.core.records import BOXED, GOOD, Prediction, Sample
from data_tools.files.atomic import atomic_path
from data_tools.files.picture_places import PICTURE_MARK
from data_tools.metrics.peak_distance import Point, nearest_true_point, peak_distance
from data_tools.report.fonts import drawn_with
from data_tools.report.shown import shown_boxes
from data_tools.report.thumbnails import shrunk

TRUTH, PREDICTED, PEAK, HALO = "#56b4e9", "#f0e442", "#ffffff", "#101010"  # sky blue, yellow
LINE_PT = 1.5
MOST_OPAQUE = 0.62
_PANEL_IN, _SMALL_PANEL_IN = 2.4, 1.2
_MOST_SHOWN = 2880  # pixels of the longer side: 2.4 inches at 1,200 dots
_GAP_IN, _TEXT_IN, _LEGEND_IN = 0.1, 0.15, 0.32
_SMALLEST_TEXT = 0.75  # of its usual size, before it is cut
_HINTED = 0.97  # of the room: letters that are fitted to dots may be a little wider
_SLIM, _LONGEST = 1 / 6, 5  # of a panel's usual side: the least of the shorter side, unless the longer one is this
_LEAST_FOR_BAR_IN, _BAR_IN = 0.36, 0.22
_LEAST_LABELLED_PT = 20  # a shorter line has its distance in the panel's head alone, which would hide its end
_FAINT = "#5c6268"
_CROSS = Shape([(-9, 0), (-3, 0), (3, 0), (9, 0), (0, -9), (0, -3), (0, 3), (0, 9)], [Shape.MOVETO, Shape.LINETO] * 4)
# behind text; a halo would turn the text of SVG and PDF files into outlines
_DARK = {"facecolor": HALO, "edgecolor": "none", "alpha": 0.72, "pad": 0.8}
_RC: Any = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "svg.hashsalt": "overlay",
    "font.size": 7,
}


@dataclass(frozen=True)
class View:
    """What one figure or one row of a contact sheet shows.

    Attributes:
        image: (h, w) uint8 gray, of the sample's size; of a larger one no more is kept than a panel can show.
        sample: the truth.
        predictions: by the approach's name.
        thresholds: by the approach's name: whether the image is flagged.
        has_truth: False where nothing is known of the image, whatever the sample says.
    """

    image: NDArray[np.uint8]
    sample: Sample
    predictions: Mapping[str, Prediction]
    thresholds: Mapping[str, float]
    has_truth: bool = True

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.shape != self.sample.size_hw:
            raise ValueError(
                f"image {self.sample.image_id}: pixels {self.image.shape} {self.image.dtype}, "
                f"sample {self.sample.size_hw}"
            )
        object.__setattr__(self, "image", shrunk(self.image, _MOST_SHOWN))


def draw_overlay(view: View, legend: bool = True) -> Figure:
    """The bare image, so that nothing covers a faint defect, then one panel an approach, with titles and a legend.

    Args:
        view: what to show. Wide images stand below each other, all others side by side.
        legend: whether a strip at the bottom explains the marks.
    """
    return _figure([view], _PANEL_IN, 1, legend)


def draw_contact_sheet(views: Sequence[View], columns: int = 2, panel_in: float = _SMALL_PANEL_IN) -> Figure:
    """Many views on one sheet, row by row, under one legend."""
    return _figure(views, panel_in, columns, True)


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write the figure, atomically, in the format that the path's ending names: .png, .svg or .pdf.

    The same figure gives the same bytes, and holds `PICTURE_MARK`. In SVG and PDF marks and text are vectors, and `dpi`
    is that of the pictures.
    """
    kind = path.suffix[1:]
    dates: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    mark = {"Subject" if kind == "pdf" else "Description": PICTURE_MARK}
    with drawn_with(_RC), atomic_path(path) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi, metadata=dates | mark)


def as_svg(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a picture for a page; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with drawn_with(_RC):
        figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None})
    return buffer.getvalue()


def blend(image: NDArray[np.uint8], heatmap: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(h, w, 3) RGB of a (h, w) gray image under the heat map, the more opaque the higher; bare under a flat map."""
    bare = _in_rgb(image)
    values = heatmaps.normalise(heatmap)
    if values is None:
        return bare
    fine = np.clip(heatmaps.upsample(values, (image.shape[0], image.shape[1])), 0.0, 1.0)
    alpha = MOST_OPAQUE * fine[..., None]
    mixed: NDArray[np.uint8] = np.round((1 - alpha) * bare + alpha * heat_colours()[np.round(fine * 255).astype(int)])
    return mixed.astype(np.uint8)


def _in_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(image[..., None], 3, axis=2)


@cache
def heat_colours() -> NDArray[np.float64]:
    """(256, 3) RGB in 0..255 of matplotlib's inferno, whose lightness rises steadily from black to pale yellow."""
    colours: NDArray[np.float64] = 255.0 * colormaps["inferno"](np.linspace(0.0, 1.0, 256))[:, :3]
    return colours


def describe_truth(sample: Sample) -> str:
    """The type, and whether the area is annotated: "scratch, 2 boxes"."""
    if sample.status == GOOD:
        return "good"
    if sample.status != BOXED:
        return f"{printable(sample.type)}, area not annotated"
    n = len(sample.boxes_xyxy)
    return f"{printable(sample.type)}, {n} box" + ("es" if n > 1 else "")


def describe_prediction(sample: Sample, prediction: Prediction, threshold: float | None = None) -> str:
    """The distance, the score, and what it leads to at the threshold: "12.3 px, score 0.913 flagged"."""
    parts = [f"score {prediction.score:.3f}"]
    if threshold is not None:
        parts[0] += " flagged" if prediction.score >= threshold else " passed"
    if sample.status == BOXED:
        parts.insert(0, describe_distance(peak_distance(sample, prediction.peak_xy)))
    elif prediction.peak_xy is None:
        parts.insert(0, "no peak")
    if prediction.heatmap is not None and heatmaps.normalise(prediction.heatmap) is None:
        parts.append("flat map")
    return ", ".join(parts)


def describe_distance(distance_px: float | None) -> str:
    """ "12.3 px", "hit" for 0, "no peak" for an infinite distance (an abstention), "" where there is none."""
    if distance_px is None:
        return ""
    if np.isinf(distance_px):
        return "no peak"
    if distance_px > 0:
        return f"{distance_px:.1f} px" if distance_px >= 0.05 else "< 0.1 px"
    return "hit"


def scale_bar_px(width_px: float) -> int:
    """Length of the scale bar: the largest of 1, 2, 5, 10, 20, 50, ... pixels within a quarter of the width."""
    steps = [factor * 10**power for power in range(6) for factor in (1, 2, 5)]
    return max([step for step in steps if step <= width_px / 4], default=1)


def _figure(views: Sequence[View], panel_in: float, columns: int, legend: bool) -> Figure:
    blocks = [_block_size(view, panel_in) for view in views]
    rows = [range(i, min(i + columns, len(views))) for i in range(0, len(views), columns)]
    heights = [max(blocks[i][1] for i in row) for row in rows]
    width = max(sum(blocks[i][0] for i in row) + 2 * _GAP_IN * (len(row) - 1) for row in rows) + 2 * _GAP_IN
    height = sum(heights) + _GAP_IN * (len(rows) + 1) + (_LEGEND_IN if legend else 0)
    with drawn_with(_RC):
        sheet = _Sheet(width, height)
        y = _GAP_IN
        for row, row_height in zip(rows, heights, strict=True):
            x = _GAP_IN
            for i in row:
                _draw_block(sheet, views[i], x, y, panel_in)
                x += blocks[i][0] + 2 * _GAP_IN
            y += row_height + _GAP_IN
        if legend:
            _draw_legend(sheet, height - _LEGEND_IN)
    return sheet.figure


class _Sheet:
    """A figure on which things are placed in inches, x to the right and y down from the top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(self.figure)
        self.width, self._height = width, height

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        left, bottom = x / self.width, 1 - (y + height) / self._height
        axes = self.figure.add_axes((left, bottom, width / self.width, height / self._height))
        axes.set_axis_off()
        return axes

    def text(self, x: float, y: float, text: str, room: float, **style: Any) -> None:
        """One line whose top is at y: smaller where it is wider than its room, and then cut with an ellipsis."""
        drawn = self.figure.text(x / self.width, 1 - y / self._height, text, va="top", parse_math=False, **style)
        room *= _HINTED
        wider = _width_in(drawn) / room
        if wider > 1:
            drawn.set_fontsize(drawn.get_fontproperties().get_size_in_points() * max(0.999 / wider, _SMALLEST_TEXT))
        while _width_in(drawn) > room and len(text) > 1:
            text = text[:-1]
            drawn.set_text(text + "…")


def _width_in(drawn: Text) -> float:
    """Inches of a line of text, in whatever resolution it is drawn: without rounding to dots."""
    points: float = text_to_path.get_text_width_height_descent(drawn.get_text(), drawn.get_fontproperties(), False)[0]
    return points / 72


def _panel_size(view: View, panel_in: float) -> tuple[float, float]:
    """Inches: the longer side is `panel_in`, more where the other would be too slim to be seen."""
    height, width = view.sample.size_hw
    longer = max(height, width)
    wanted = _SLIM * panel_in * longer / min(height, width)
    scale = min(max(panel_in, wanted), _LONGEST * panel_in) / longer
    return width * scale, height * scale


def _bar_room(view: View, panel_in: float) -> float:
    """Inches below a panel: a slim one has its scale bar there, which would hide the picture."""
    return _BAR_IN if min(_panel_size(view, panel_in)) < _LEAST_FOR_BAR_IN else 0.0


def _is_stacked(view: View) -> bool:
    return view.sample.size_hw[1] > 1.7 * view.sample.size_hw[0]


def _block_size(view: View, panel_in: float) -> tuple[float, float]:
    width, height = _panel_size(view, panel_in)
    height += _bar_room(view, panel_in)
    n, cell_width = 1 + len(view.predictions), max(width, 0.9 * panel_in)
    if _is_stacked(view):
        return cell_width, _TEXT_IN + n * (height + 2 * _TEXT_IN) + (n - 1) * _GAP_IN
    return n * cell_width + (n - 1) * _GAP_IN, height + 3 * _TEXT_IN


def _draw_block(sheet: _Sheet, view: View, x: float, y: float, panel_in: float) -> None:
    """A title, then for each panel a bold line, a plain line and the picture."""
    sample, (width, height) = view.sample, _panel_size(view, panel_in)
    cell_width = max(width, 0.9 * panel_in)
    title = f"{sample.image_id}  {printable(sample.path)}"
    sheet.text(x, y, title, _block_size(view, panel_in)[0], color=_FAINT, size=6.5)
    y += _TEXT_IN
    for label in (None, *view.predictions):
        prediction = None if label is None else view.predictions[label]
        threshold = None if label is None else view.thresholds.get(label)
        head = "image" if label is None else label
        truth = describe_truth(sample) if view.has_truth else ""
        line = truth if prediction is None else describe_prediction(sample, prediction, threshold)
        sheet.text(x, y, head, cell_width, weight="bold", size=7.5)
        sheet.text(x, y + _TEXT_IN, line, cell_width)
        axes = sheet.axes(x, y + 2 * _TEXT_IN, width, height)
        room = _bar_room(view, panel_in)
        _draw_panel(axes, view, prediction, sample.size_hw[1] / (72 * width), room > 0)
        if _is_stacked(view):
            y += height + room + 2 * _TEXT_IN + _GAP_IN
        else:
            x += cell_width + _GAP_IN


def _draw_panel(axes: Axes, view: View, prediction: Prediction | None, unit: float, is_slim: bool) -> None:
    """One picture with its marks; `unit` is the length of a point in image pixels. Text would hide a slim picture."""
    height, width = view.sample.size_hw
    heatmap = None if prediction is None else prediction.heatmap
    picture = _in_rgb(view.image) if heatmap is None else blend(view.image, heatmap)
    axes.imshow(picture, extent=(0, width, height, 0), interpolation="auto", aspect="auto")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    _draw_scale_bar(axes, unit, is_slim)
    if prediction is None:
        return
    for box in view.sample.boxes_xyxy:
        _frame(axes, box, TRUTH, unit, "-")
    for i in shown_boxes(prediction):
        _frame(axes, prediction.boxes_xyxy[i], PREDICTED, unit, (0, (4, 2.5)))
        x, y = prediction.boxes_xyxy[i][:2]
        if not is_slim:
            at = (x, y if y > 9 * unit else y + 9 * unit)
            _note(axes, f"{prediction.box_scores[i]:.2f}", at, PREDICTED, unit)
    if prediction.peak_xy is None:
        return
    if view.sample.status == BOXED and peak_distance(view.sample, prediction.peak_xy) > 0:
        end = nearest_true_point(prediction.peak_xy, view.sample.boxes_xyxy)
        (x1, y1), (x2, y2) = prediction.peak_xy, end
        axes.plot([x1, x2], [y1, y2], color=PEAK, linewidth=0.8, path_effects=_halo(0.8))
        axes.plot(x2, y2, marker="o", markersize=3, color=PEAK, markeredgecolor=HALO, markeredgewidth=0.6)
        if not is_slim and np.hypot(x2 - x1, y2 - y1) > _LEAST_LABELLED_PT * unit:
            text = describe_distance(peak_distance(view.sample, prediction.peak_xy))
            _note(axes, text, ((x1 + x2) / 2, (y1 + y2) / 2), PEAK, unit)
    axes.plot(
        *prediction.peak_xy, marker=_CROSS, markersize=11, color=PEAK, markeredgewidth=1.3, path_effects=_halo(1.3)
    )


def _frame(axes: Axes, box_xyxy: NDArray[np.float64], colour: str, unit: float, dashes: Any) -> None:
    """A frame around the box's pixels that covers none of them; at the image's border it lies outside the picture."""
    x1, y1, x2, y2 = box_xyxy
    half = LINE_PT / 2 * unit
    place = ((x1 - half, y1 - half), x2 - x1 + 2 * half, y2 - y1 + 2 * half)
    style: dict[str, Any] = {"fill": False, "joinstyle": "miter", "snap": True, "clip_on": False}
    outer = ((x1 - 2.2 * half, y1 - 2.2 * half), x2 - x1 + 4.4 * half, y2 - y1 + 4.4 * half)
    axes.add_patch(Rectangle(*outer, **style, edgecolor=HALO, linewidth=0.8 * LINE_PT))
    axes.add_patch(Rectangle(*place, **style, edgecolor=colour, linewidth=LINE_PT, linestyle=dashes))


def _note(axes: Axes, text: str, at: Point, colour: str, unit: float) -> None:
    """Small text above a point, moved so that it stays within the picture."""
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    x = float(np.clip(at[0], 0, max(0.0, right - 4.2 * len(text) * unit)))
    y = float(np.clip(at[1] - 3 * unit, 7 * unit, max(7 * unit, bottom)))
    axes.text(x, y, text, color=colour, size=6.5, va="bottom", clip_on=True, bbox=_DARK)


def _draw_scale_bar(axes: Axes, unit: float, is_below: bool) -> None:
    """A bar of round length at the bottom left, or below, with its length in pixels of the original image."""
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    length = scale_bar_px(right)
    if is_below:
        y, text = bottom + 4 * unit, f"{length} px"
        axes.plot([0, length], [y, y], color=HALO, linewidth=2, solid_capstyle="butt", clip_on=False)
        axes.text(0, y + 2 * unit, text, color=HALO, size=6, va="top")
        return
    x, y = max(min(5 * unit, right - length), 0.0), bottom - 5 * unit
    axes.plot([x, x + length], [y, y], color=PEAK, linewidth=2, solid_capstyle="butt", path_effects=_halo(2))
    axes.text(x, y - 2 * unit, f"{length} px", color=PEAK, size=6, va="bottom", bbox=_DARK)


def _halo(width: float) -> list[Any]:
    return [Stroke(linewidth=width + 1.6, foreground=HALO), Normal()]


def _draw_legend(sheet: _Sheet, y: float) -> None:
    handles: list[Any] = [
        Patch(fill=False, edgecolor=TRUTH, linewidth=LINE_PT),
        Patch(fill=False, edgecolor=PREDICTED, linewidth=LINE_PT, linestyle=(0, (3, 2))),
        Line2D([], [], color=PEAK, marker=_CROSS, markersize=9, linestyle="none"),
        Line2D([], [], color=PEAK, linewidth=0.8),
        tuple(Patch(facecolor=colour / 255, linewidth=0) for colour in heat_colours()[::36]),
    ]
    names = ["true box", "predicted box, score", "peak", "distance to the nearest true point", "heat map, low to high"]
    axes = sheet.axes(_GAP_IN, y, sheet.width - 2 * _GAP_IN, _LEGEND_IN - 0.06)
    axes.legend(
        handles,
        names,
        loc="center left",
        ncols=len(names) if sheet.width > 6 else 2,
        facecolor=_FAINT,
        edgecolor="none",
        labelcolor="white",
        framealpha=1,
        fontsize=6.5,
        handlelength=2,
        borderaxespad=0,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
    )
