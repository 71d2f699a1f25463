import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pytest

from data_tools.core.records import Prediction, Sample
from data_tools.metrics.froc import froc
from data_tools.report import figures

SCORES = {"a": [0.9, 0.8, 0.3, 0.7, 0.2, 0.1], "b": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}
POSITIVE = [True, True, True, False, False, False]


def texts(svg: bytes | None) -> str:
    assert svg is not None
    return " ".join("".join(one.itertext()) for one in ElementTree.fromstring(svg).iter())


def test_roc_points_by_hand() -> None:
    points = figures.roc_points(SCORES["a"], POSITIVE)
    assert points is not None
    fpr, tpr = points
    assert fpr.tolist() == [0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1]
    assert tpr.tolist() == [0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1]
    tied = figures.roc_points(SCORES["b"], POSITIVE)
    assert tied is not None
    assert [part.tolist() for part in tied] == [[0, 1], [0, 1]]


def test_precision_recall_points_by_hand() -> None:
    points = figures.precision_recall_points([0.9, 0.8, 0.7, 0.1], [True, False, True, False])
    assert points is not None
    recall, precision = points
    assert recall.tolist() == [0.5, 0.5, 1, 1]
    assert precision.tolist() == pytest.approx([1, 0.5, 2 / 3, 0.5])
    assert float((np.diff(recall, prepend=0) * precision).sum()) == pytest.approx(5 / 6)  # the average precision


def test_recall_curve_by_hand() -> None:
    curve = figures.recall_curve([0, 4, 12, 40])
    assert curve is not None
    assert curve[0].tolist() == [0, 4, 12, 40]
    assert curve[1].tolist() == [0.25, 0.5, 0.75, 1]
    without = figures.recall_curve([np.inf, 4])
    assert without is not None
    assert without[1].tolist() == [0, 0.5]  # an abstention is never reached


def test_curves_are_drawn_the_same_each_time() -> None:
    assert figures.roc(SCORES, POSITIVE, {"a": 0.3}) == figures.roc(SCORES, POSITIVE, {"a": 0.3})


def test_labels_are_literal_text(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    hostile = "</text><script>1</script> $\\frac{"
    scores, distances = {hostile: SCORES["a"], "_b": SCORES["b"]}, {hostile: [0.0, 4.0], "_b": [np.inf, np.inf]}
    boxes = [(10, 10, 30, 30), (60, 60, 70, 70)]
    curve = froc([make_sample(boxes=boxes[:1])], [make_prediction(boxes=boxes, scores=[0.9, 0.8])])
    assert curve is not None
    for svg in (
        figures.roc(scores, POSITIVE, {hostile: 0.5}),
        figures.precision_recall(scores, POSITIVE, {hostile: 0.5}),
        figures.distance_recall(distances, {"centre": [3.0, 9.0]}),
        figures.froc({"IoU": {hostile: curve, "_b": curve}}),
    ):
        shown = texts(svg)
        assert hostile in shown
        assert "_b" in shown
        assert svg is not None
        assert b"<script" not in svg


def test_baselines_stand_beside_the_distances() -> None:
    assert "image centre (baseline)" in texts(figures.distance_recall({"a": [0.0, 5.0]}, {"image centre": [3.0, 3.0]}))


def test_seeds_of_an_approach_are_named_once(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    approaches = {"a": "detector", "b": "detector"}
    distances = {"a": [0.0, 5.0], "b": [1.0, 2.0]}
    curve = froc([make_sample(boxes=[(10, 10, 30, 30)])], [make_prediction(boxes=[(10, 10, 30, 30)], scores=[0.9])])
    assert curve is not None
    for svg in (
        figures.roc(SCORES, POSITIVE, {"a": 0.3}, approaches),
        figures.precision_recall(SCORES, POSITIVE, {"a": 0.3}, approaches),
        figures.distance_recall(distances, {"centre": [3.0, 9.0]}, approaches),
        figures.froc({"IoU": {"a": curve, "b": curve}}, approaches),
    ):
        assert svg is not None
        assert [one.text for one in ElementTree.fromstring(svg).iter()].count("detector, 2 seeds") == 1


def test_what_is_undefined_is_not_drawn() -> None:
    assert figures.roc({}, []) is None
    assert figures.roc({"a": [0.1, 0.2]}, [True, True]) is None
    assert figures.precision_recall({"a": [0.1, 0.2]}, [False, False]) is None
    assert figures.precision_recall({"a": [0.1, 0.2]}, [True, True]) is None
    assert figures.distance_recall({"a": []}, {}) is None
    assert figures.froc({"IoU": {}}) is None
    assert figures.froc({}) is None


def test_a_curve_without_any_box_is_drawn_along_the_floor(
    make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]
) -> None:
    curve = froc([make_sample(boxes=[(10, 10, 30, 30)])], [make_prediction()])
    assert curve is not None
    assert figures.froc({"IoU": {"a": curve}}) is not None


def test_a_long_curve_is_thinned_but_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.random(20_000), rng.random(20_000) < 0.5
    svg = figures.roc({"a": scores}, positive)
    assert svg is not None
    assert len(svg) < 150_000
