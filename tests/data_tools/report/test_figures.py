import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from data_tools.core.records import Prediction, Sample
from data_tools.judging.curves import Dot
from data_tools.metrics.auc import roc_curve
from data_tools.metrics.average_precision import precision_recall_curve
from data_tools.metrics.froc import Froc, froc_by_rule
from data_tools.metrics.peak_distance import DistanceRecall, distance_recall_curve
from data_tools.report import figures

SCORES = {"a": [0.9, 0.8, 0.3, 0.7, 0.2, 0.1], "b": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}
POSITIVE = [True, True, True, False, False, False]


def recall_of(distances_px: list[float]) -> DistanceRecall:
    curve = distance_recall_curve(distances_px)
    assert curve is not None
    return curve


def texts(svg: bytes | None) -> str:
    assert svg is not None
    return " ".join("".join(one.itertext()) for one in ElementTree.fromstring(svg).iter())


CURVES = {label: roc_curve(scores, POSITIVE) for label, scores in SCORES.items()}
PRECISIONS = {label: precision_recall_curve(scores, POSITIVE) for label, scores in SCORES.items()}
DOTS = {"a": Dot(1 / 3, 1.0, 0.75)}


def test_curves_are_drawn_the_same_each_time() -> None:
    assert figures.roc(CURVES, DOTS) == figures.roc(CURVES, DOTS)


def test_labels_are_literal_text(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    hostile = "</text><script>1</script> $\\fr{"
    rocs = {hostile: CURVES["a"], "_b": CURVES["b"]}
    precisions, dots = {hostile: PRECISIONS["a"], "_b": PRECISIONS["b"]}, {hostile: DOTS["a"]}
    recalls = {hostile: distance_recall_curve([0.0, 4.0]), "_b": distance_recall_curve([np.inf, np.inf])}
    boxes = [(10, 10, 30, 30), (60, 60, 70, 70)]
    curve = froc_by_rule([make_sample(boxes=boxes[:1])], [make_prediction(boxes=boxes, scores=[0.9, 0.8])])["iou_0.5"]
    assert curve is not None
    for svg in (
        figures.roc(rocs, dots),
        figures.precision_recall(precisions, dots, 0.5),
        figures.distance_recall(recalls, {"centre": recall_of([3.0, 9.0])}),
        figures.froc({"IoU": {hostile: curve, "_b": curve}}),
    ):
        shown = texts(svg)
        assert hostile in shown
        assert "_b" in shown
        assert svg is not None
        assert b"<script" not in svg


def test_baselines_stand_beside_the_distances() -> None:
    assert "image centre (baseline)" in texts(
        figures.distance_recall({"a": recall_of([0.0, 5.0])}, {"image centre": recall_of([3.0, 3.0])})
    )


def test_seeds_of_an_approach_are_named_once(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    approaches = {"a": "detector", "b": "detector"}
    recalls = {"a": recall_of([0.0, 5.0]), "b": recall_of([1.0, 2.0])}
    curve = froc_by_rule(
        [make_sample(boxes=[(10, 10, 30, 30)])], [make_prediction(boxes=[(10, 10, 30, 30)], scores=[0.9])]
    )["iou_0.5"]
    assert curve is not None
    for svg in (
        figures.roc(CURVES, DOTS, approaches),
        figures.precision_recall(PRECISIONS, DOTS, 0.5, approaches),
        figures.distance_recall(recalls, {"centre": recall_of([3.0, 9.0])}, approaches),
        figures.froc({"IoU": {"a": curve, "b": curve}}, approaches),
    ):
        assert svg is not None
        assert [one.text for one in ElementTree.fromstring(svg).iter()].count("detector, 2 seeds") == 1


@pytest.mark.parametrize("name", ["r{}", "a_run_with_a_rather_long_name_{}"])
@pytest.mark.parametrize("count", [2, 20])
def test_a_legend_hides_no_curve_however_many_there_are(name: str, count: int) -> None:
    figure = Figure(figsize=(4, 3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for i in range(count):
        axes.plot([0, 1], [i, i], label=name.format(i))
    figures.legend_below(figure, [axes], 2)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    beneath, plot = legend.get_window_extent(), axes.get_tightbbox()
    assert plot is not None
    assert 0 <= beneath.y0 < beneath.y1 <= plot.y0
    assert 0 <= beneath.x0 < beneath.x1 <= figure.bbox.width
    assert plot.height / figure.dpi == pytest.approx(3, abs=0.25)


def test_what_is_undefined_is_not_drawn() -> None:
    assert figures.roc({}, {}) is None
    assert figures.roc({"a": CURVES["a"], "b": None}, {}) is None
    assert figures.precision_recall({"a": None}, {}, 0.0) is None
    assert figures.precision_recall(PRECISIONS, {}, 1.0) is None
    assert figures.distance_recall({"a": None}, {}) is None
    assert figures.froc({"IoU": {}}) is None
    assert figures.froc({}) is None


def test_a_curve_without_any_box_is_drawn_along_the_floor(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    curve = froc_by_rule([make_sample(boxes=[(10, 10, 30, 30)])], [make_prediction()])["iou_0.5"]
    assert curve is not None
    assert figures.froc({"IoU": {"a": curve}}) is not None


def test_a_corner_that_stands_twice_is_drawn(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    """A second box on a defect is neither found nor false, and so a point at the place of the one before it."""
    box, far = (10, 10, 30, 30), (60, 60, 70, 70)
    found = make_prediction(boxes=[box, box, far], scores=[0.9, 0.8, 0.7])
    curve = froc_by_rule([make_sample(boxes=[box])], [found])["iou_0.5"]
    assert curve is not None
    once = Froc(curve.false_per_image[[0, 2]], curve.lesion_fraction[[0, 2]], curve.thresholds[[0, 2]])
    assert figures.froc({"IoU": {"a": curve}}) == figures.froc({"IoU": {"a": once}})


def test_a_long_curve_is_thinned_but_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.random(20_000), rng.random(20_000) < 0.5
    svg = figures.roc({"a": roc_curve(scores, positive)}, {})
    assert svg is not None
    assert len(svg) < 150_000
