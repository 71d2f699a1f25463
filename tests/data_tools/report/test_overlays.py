"""Golden tests: colours and places are worked out by hand, so no picture needs to be stored."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

from data_tools.core.records import UNBOXED, Prediction, Sample, unlabelled
from data_tools.metrics.peak_distance import nearest_true_point
from data_tools.report.overlays import (
    HALO,
    MOST_OPAQUE,
    PREDICTED,
    TRUTH,
    View,
    as_svg,
    blend,
    describe_distance,
    describe_prediction,
    describe_truth,
    draw_contact_sheet,
    draw_overlay,
    save_figure,
    scale_bar_px,
    shown_boxes,
)

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]
SIZE_HW = (60, 96)
SCALE = 12  # pixels of the picture for one of the image: a panel of 2.4 inches at 480 dpi is 1152 wide
DPI = 480
LINE = 10  # 1.5 points at 480 dpi
GRAY = 100


def rgb(colour: str) -> list[int]:
    return [round(255 * part) for part in to_rgb(colour)]


def rendered(view: View, path: Path) -> np.ndarray:
    save_figure(draw_overlay(view, legend=False), path, DPI)
    return np.asarray(Image.open(path).convert("RGB"))


def panel(picture: np.ndarray, number: int) -> np.ndarray:
    """One picture of a sheet: margins are .1 inch, a title and two lines .15 inch each, panels side by side."""
    x, y = 48 + number * (96 * SCALE + 48), 48 + 3 * 72
    return picture[y : y + 60 * SCALE, x : x + 96 * SCALE]


@pytest.fixture
def view(make_sample: MakeSample, make_prediction: MakePrediction) -> Callable[..., View]:
    def build(boxes: Any = (), **prediction: Any) -> View:
        image = np.full(SIZE_HW, GRAY, dtype=np.uint8)
        found = make_prediction(size_hw=SIZE_HW, **prediction)
        return View(image, make_sample(boxes=boxes, size_hw=SIZE_HW), {"a": found}, {})

    return build


def test_the_heat_map_blends_red_green_blue_in_this_order() -> None:
    image = np.full((2, 2), 100, dtype=np.uint8)
    mixed = blend(image, np.array([[1, 0], [0, 0.5]], dtype=np.float32))
    hot = 255 * np.array(colormaps["inferno"](1.0)[:3])
    assert mixed[0, 0].tolist() == np.round((1 - MOST_OPAQUE) * 100 + MOST_OPAQUE * hot).astype(int).tolist()
    assert mixed[0, 0].tolist() == [194, 196, 140]  # pale yellow over gray: red and green high, blue low
    assert mixed[0, 1].tolist() == [100, 100, 100]  # nothing covers the image where the map is zero
    middle = 255 * np.array(colormaps["inferno"](128)[:3])
    assert mixed[1, 1].tolist() == np.round(0.69 * 100 + 0.31 * middle).astype(int).tolist()


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_a_flat_map_leaves_the_image_bare(value: float) -> None:
    assert (blend(np.full((3, 3), 7, dtype=np.uint8), np.full((2, 2), value, dtype=np.float32)) == 7).all()


def test_the_bare_panel_shows_the_image_and_a_scale_bar(view: Callable[..., View], tmp_path: Path) -> None:
    bare = panel(rendered(view([(20, 10, 40, 30)]), tmp_path / "o.png"), 0)
    assert (bare[: 40 * SCALE] == GRAY).all()
    unit = 96 / (72 * 2.4) * SCALE  # a point in pixels of the picture
    row = bare[round(60 * SCALE - 5 * unit)]
    white = np.flatnonzero((row == 255).all(axis=1))
    assert len(white) == pytest.approx(scale_bar_px(96) * SCALE, abs=2)
    assert white[0] == pytest.approx(5 * unit, abs=2)


def test_a_true_box_is_framed_without_covering_its_pixels(view: Callable[..., View], tmp_path: Path) -> None:
    picture = panel(rendered(view([(20, 10, 40, 30)]), tmp_path / "o.png"), 1)
    x1, y1, x2, y2 = (edge * SCALE for edge in (20, 10, 40, 30))
    assert (picture[y1:y2, x1:x2] == GRAY).all()
    for frame in (
        picture[y1:y2, x1 - LINE : x1],
        picture[y1:y2, x2 : x2 + LINE],
        picture[y1 - LINE : y1, x1:x2],
        picture[y2 : y2 + LINE, x1:x2],
    ):
        assert (frame == rgb(TRUTH)).all()
    middle = (y1 + y2) // 2
    assert picture[middle, x1 - LINE - 1].tolist() == rgb(HALO)
    assert picture[middle, x1 - 2 * LINE].tolist() == [GRAY] * 3


def test_the_frame_of_a_box_at_the_border_is_seen(view: Callable[..., View], tmp_path: Path) -> None:
    picture = rendered(view([(0, 0, 96, 60)]), tmp_path / "o.png")
    left, top = 48 + (96 * SCALE + 48), 48 + 3 * 72
    middle = top + 30 * SCALE
    assert (picture[middle, left - LINE : left] == rgb(TRUTH)).all()
    assert (picture[top - LINE : top, left + 48 * SCALE] == rgb(TRUTH)).all()
    assert (picture[top : top + 20 * SCALE, left : left + 96 * SCALE] == GRAY).all()


def test_predicted_boxes_are_dashed_yellow(
    make_sample: MakeSample, make_prediction: MakePrediction, tmp_path: Path
) -> None:
    found = make_prediction(size_hw=SIZE_HW, boxes=[(20, 20, 70, 40)], scores=[0.9])
    view = View(np.full(SIZE_HW, GRAY, dtype=np.uint8), make_sample(size_hw=SIZE_HW), {"a": found}, {})
    picture = panel(rendered(view, tmp_path / "o.png"), 1)
    edge = picture[40 * SCALE + 4, 20 * SCALE : 70 * SCALE]
    yellow = (edge == rgb(PREDICTED)).all(axis=1)
    assert 0.4 < yellow.mean() < 0.8
    assert np.count_nonzero(np.diff(yellow.astype(int)) == 1) >= 6  # dashes begin
    assert (picture[20 * SCALE : 40 * SCALE, 20 * SCALE : 70 * SCALE] == GRAY).all()


def test_the_cross_has_the_peak_in_its_open_middle(view: Callable[..., View], tmp_path: Path) -> None:
    picture = panel(rendered(view(peak=(50.5, 20.5)), tmp_path / "o.png"), 1)
    x, y = round(50.5 * SCALE), round(20.5 * SCALE)
    assert picture[y, x].tolist() == [GRAY] * 3
    arm = round(4 / 72 * DPI)  # four points from the middle lies on an arm, which spans 1.8 to 5.5 points
    for dx, dy in ((arm, 0), (-arm, 0), (0, arm), (0, -arm)):
        assert picture[y + dy, x + dx].tolist() == [255, 255, 255]
        assert picture[y + dx, x + dx].tolist() == [GRAY] * 3  # nothing on the diagonals
    white = np.argwhere((picture[: 40 * SCALE] == 255).all(axis=2))
    assert white.mean(axis=0) == pytest.approx([y, x], abs=1)


def test_the_line_runs_from_the_peak_to_the_nearest_true_point(view: Callable[..., View], tmp_path: Path) -> None:
    picture = panel(rendered(view([(10, 10, 20, 50)], peak=(80, 30)), tmp_path / "o.png"), 1)
    row = picture[30 * SCALE]
    assert (row[25 * SCALE : 75 * SCALE] == 255).all()
    assert (picture[32 * SCALE, 24 * SCALE : 76 * SCALE] == GRAY).all()
    assert nearest_true_point((80, 30), np.array([[10.0, 10, 20, 50]])) == (20, 30)


def test_the_hot_cell_lies_at_its_place(
    make_sample: MakeSample, make_prediction: MakePrediction, tmp_path: Path
) -> None:
    heatmap = np.zeros((3, 3), dtype=np.float32)
    heatmap[0, 2] = 1
    found = make_prediction(size_hw=SIZE_HW, heatmap=heatmap)
    view = View(np.full(SIZE_HW, GRAY, dtype=np.uint8), make_sample(size_hw=SIZE_HW), {"a": found}, {})
    picture = panel(rendered(view, tmp_path / "o.png"), 1)
    assert picture[4 * SCALE, 92 * SCALE].tolist() == [194, 196, 140]
    assert picture[4 * SCALE, 4 * SCALE].tolist() == [GRAY] * 3
    assert picture[40 * SCALE, 92 * SCALE].tolist() == [GRAY] * 3


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_formats_are_what_they_say_and_the_same_each_time(
    view: Callable[..., View], tmp_path: Path, ending: str, start: bytes
) -> None:
    made = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.{ending}"
        save_figure(draw_overlay(view([(10, 10, 20, 50)], peak=(80, 30))), path, 100)
        made.append(path.read_bytes())
    assert made[0].startswith(start)
    assert made[0] == made[1]


def test_svg_has_its_text_as_text(view: Callable[..., View], tmp_path: Path) -> None:
    save_figure(draw_overlay(view([(10, 10, 20, 50)], peak=(80, 30))), tmp_path / "o.svg", 100)
    text = (tmp_path / "o.svg").read_text()
    for words in ("60.0 px", "20 px", "true box", "heat map, low to high", "scratch, 1 box"):
        assert words in text


def test_dpi_scales_the_picture(view: Callable[..., View]) -> None:
    sizes = []
    for dpi in (100, 300):
        buffer = io.BytesIO()
        draw_overlay(view()).savefig(buffer, format="png", dpi=dpi)
        sizes.append(Image.open(buffer).width)
    assert sizes[1] == pytest.approx(3 * sizes[0], abs=2)


def test_the_contact_sheet_holds_every_view(view: Callable[..., View]) -> None:
    one, seven = draw_contact_sheet([view()]), draw_contact_sheet([view(), *[view()] * 6])
    assert len(one.axes) == 3  # the image, one approach, the legend
    assert len(seven.axes) == 15
    assert seven.get_figwidth() > 1.9 * one.get_figwidth()


def test_wide_images_stand_below_each_other(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    wide = View(
        np.zeros((20, 200), dtype=np.uint8),
        make_sample(size_hw=(20, 200)),
        {"a": make_prediction(size_hw=(20, 200))},
        {},
    )
    first, second = draw_overlay(wide, legend=False).axes
    assert first.get_position().x0 == second.get_position().x0
    assert first.get_position().y0 > second.get_position().y1


def test_a_long_name_is_cut_with_an_ellipsis(make_sample: MakeSample) -> None:
    view = View(
        np.zeros((100, 100), dtype=np.uint8), make_sample(1, defect_type="x" * 300, boxes=[(1, 1, 2, 2)]), {}, {}
    )
    assert any(text.get_text().endswith("…") for text in draw_overlay(view, legend=False).texts)


def test_what_became_of_an_image_is_whole_on_the_contact_sheet(
    make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    """Its small panels cut "flagged" to "fl…"."""
    sample = make_sample(1, boxes=[(1, 1, 2, 2)])
    found = make_prediction(score=0.5, peak=(63, 64))
    view = View(np.zeros((100, 100), dtype=np.uint8), sample, {"detector": found}, {"detector": 0.5})
    texts = [text.get_text() for text in draw_contact_sheet([view, view]).texts]
    assert texts.count(describe_prediction(sample, found, 0.5)) == 2


def test_descriptions(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    boxed = make_sample(boxes=[(40, 40, 60, 60), (1, 1, 2, 2)])
    assert describe_truth(boxed) == "scratch, 2 boxes"
    assert describe_truth(make_sample()) == "good"
    assert describe_truth(make_sample(status=UNBOXED)) == "scratch, area not annotated"
    assert describe_prediction(boxed, make_prediction(score=0.5, peak=(63, 64)), 0.5) == "5.0 px, score 0.500 flagged"
    assert describe_prediction(boxed, make_prediction(score=0.4), 0.5) == "no peak, score 0.400 passed"
    flat = make_prediction(score=0.4, heatmap=np.zeros((2, 2), dtype=np.float32))
    assert describe_prediction(make_sample(), flat) == "no peak, score 0.400, flat map"
    assert [describe_distance(d) for d in (None, np.inf, 0.0, 0.01, 12.34)] == [
        "",
        "no peak",
        "hit",
        "< 0.1 px",
        "12.3 px",
    ]


def test_which_boxes_are_shown(make_prediction: MakePrediction) -> None:
    scores = [0.1, 0.9, 0.5, 0.7]
    assert shown_boxes(make_prediction(boxes=[(0, 0, 5, 5)] * 4, scores=scores)) == [1, 3, 2]
    assert shown_boxes(make_prediction(boxes=[(0, 0, 5, 5)] * 9, scores=[0.5] * 9)) == [0, 1, 2, 3, 4]
    assert shown_boxes(make_prediction()) == []


@pytest.mark.parametrize(("width", "bar"), [(3, 1), (96, 20), (275, 50), (400, 100), (4000, 1000)])
def test_scale_bars_are_round(width: int, bar: int) -> None:
    assert scale_bar_px(width) == bar


@pytest.mark.parametrize("size_hw", [(40, 4000), (4000, 40), (1, 500)])
def test_a_slim_image_is_drawn_larger_and_no_text_lies_on_it(
    make_prediction: MakePrediction, size_hw: tuple[int, int]
) -> None:
    sample = unlabelled(1, "a.png", size_hw)
    prediction = make_prediction(1, 0.9, [(0, 0, 9, 1)], [0.8], (4, 0.5))
    view = View(np.zeros(size_hw, np.uint8), sample, {"a": prediction}, {}, has_truth=False)
    figure = draw_overlay(view, legend=False)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for axes in figure.axes:
        picture = axes.get_window_extent()
        assert max(picture.width, picture.height) == pytest.approx(12 * figure.dpi, abs=1)
        (text,) = axes.texts
        assert not picture.overlaps(text.get_window_extent(renderer))
        assert all(
            not text.get_window_extent(renderer).overlaps(one.get_window_extent(renderer)) for one in figure.texts
        )
        (bar,) = axes.lines[:1]
        assert bar.get_xdata()[1] - bar.get_xdata()[0] == scale_bar_px(size_hw[1])


@pytest.mark.parametrize("width", [1, 2, 3, 200])
def test_a_scale_bar_is_as_long_as_it_says(width: int) -> None:
    view = View(np.zeros((width, width), np.uint8), unlabelled(1, "a.png", (width, width)), {}, {}, has_truth=False)
    (axes,) = draw_overlay(view, legend=False).axes
    start, end = axes.lines[0].get_xdata()
    assert 0 <= start < end <= width
    assert end - start == scale_bar_px(width)


def test_another_size_is_refused(make_sample: MakeSample) -> None:
    with pytest.raises(ValueError, match="image 1"):
        View(np.zeros((3, 3), dtype=np.uint8), make_sample(), {}, {})


def test_of_a_large_image_no_more_is_kept_than_a_panel_shows(
    make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    size_hw = (3000, 5760)
    found = make_prediction(boxes=[(10, 10, 900, 800)], scores=[0.5], peak=(400, 400), size_hw=size_hw)
    pixels = np.zeros(size_hw, dtype=np.uint8)
    view = View(pixels, make_sample(boxes=[(10, 10, 900, 800)], size_hw=size_hw), {"a": found}, {})
    assert view.image.shape == (1500, 2880)
    panel = draw_overlay(view, legend=False).axes[1]
    assert (panel.get_xlim(), panel.get_ylim()) == ((0, 5760), (3000, 0))


@pytest.mark.parametrize("size_hw", [(40, 4000), (4000, 40), (1, 3000)])
def test_extreme_shapes_are_drawn(
    make_sample: MakeSample, make_prediction: MakePrediction, size_hw: tuple[int, int]
) -> None:
    heatmap = np.zeros((2, 2), dtype=np.float32)
    heatmap[0, 1] = 1.0
    found = make_prediction(peak=(0.5, 0.5), size_hw=size_hw, heatmap=heatmap)
    view = View(np.zeros(size_hw, dtype=np.uint8), make_sample(size_hw=size_hw), {"a": found}, {})
    assert len(as_svg(draw_overlay(view, legend=False), dpi=50)) > 1000
