import base64
import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.records import BOXED, Prediction, Sample
from data_tools.metrics.peak_distance import peak_distance
from data_tools.report.outcomes import ImageOutcome, Threshold
from data_tools.report.page_data import LARGEST_MAP, page_data, safe_json

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def data_of(sample: Sample, prediction: Prediction) -> dict:
    distances = {"a": peak_distance(sample, prediction.peak_xy)} if sample.status == BOXED else {}
    return page_data(
        [ImageOutcome(sample, {"a": prediction}, distances, {})], {"a": Threshold(0.5, "")}, ["JPEG"], "test"
    )


def cells(entry: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(entry["cells"]), dtype=np.uint8).reshape(entry["rows"], entry["columns"])


@given(st.text())
def test_no_text_can_end_the_script_element(text: str) -> None:
    safe = str(safe_json({"name": text + "</script><!--"}))
    assert not any(character in safe for character in "<>&\u2028\u2029")
    assert json.loads(safe)["name"] == text + "</script><!--"


def test_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError):
        safe_json({"x": float("nan")})


def test_what_the_page_gets_of_an_image(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    prediction = make_prediction(score=1 / 3, boxes=[(1, 2, 3, 4.26)], scores=[0.5], peak=(13, 4))
    data = data_of(make_sample(boxes=[(1, 1, 10, 10)]), prediction)
    assert (data["labels"], data["thresholds"], data["near_px"]) == (["a"], [0.5], 15)
    (image,) = data["images"]
    assert (image["id"], image["w"], image["h"], image["jpeg"], image["boxes"]) == (
        1,
        100,
        100,
        "JPEG",
        [[1, 1, 10, 10]],
    )
    (run,) = image["runs"]
    assert run["score"] == 1 / 3  # exact, so that it compares with the threshold as in Python
    assert (run["px"], run["peak"], run["boxes"], run["scores"], run["map"]) == (
        3,
        [13, 4],
        [[1, 2, 3, 4.3]],
        [0.5],
        None,
    )


def test_a_tiny_distance_is_not_rounded_to_a_hit(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    data = data_of(make_sample(boxes=[(1, 1, 10, 10)]), make_prediction(peak=(10.000001, 5)))
    assert 0 < data["images"][0]["runs"][0]["px"] < 1e-5


def test_an_abstention_has_no_distance(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    run = data_of(make_sample(boxes=[(1, 1, 10, 10)]), make_prediction())["images"][0]["runs"][0]
    assert (run["px"], run["peak"]) == (None, None)


def test_the_best_boxes_are_kept(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    scores = [number / 100 for number in range(30)]
    run = data_of(make_sample(), make_prediction(boxes=[(0, 0, 9, 9)] * 30, scores=scores))["images"][0]["runs"][0]
    assert run["scores"] == sorted(scores, reverse=True)[:5]


def test_maps_are_bytes_on_their_own_grid(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    heatmap = np.array([[0, 1, 2], [-5, 0, 4]], dtype=np.float32)
    entry = data_of(make_sample(), make_prediction(heatmap=heatmap))["images"][0]["runs"][0]["map"]
    assert cells(entry).tolist() == [[0, 64, 128], [0, 0, 255]]


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_flat_map_has_no_cells(make_sample: MakeSample, make_prediction: MakePrediction, value: float) -> None:
    heatmap = np.full((4, 4), value, dtype=np.float32)
    entry = data_of(make_sample(), make_prediction(heatmap=heatmap))["images"][0]["runs"][0]["map"]
    assert entry == {"rows": 0, "columns": 0, "cells": ""}


def test_a_fine_map_is_averaged_down_in_place(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    heatmap = np.zeros((100, 36), dtype=np.float32)
    heatmap[50:, 18:] = 1.0
    small = cells(data_of(make_sample(), make_prediction(heatmap=heatmap))["images"][0]["runs"][0]["map"])
    assert small.shape == (LARGEST_MAP, LARGEST_MAP)
    half = LARGEST_MAP // 2
    assert (small[half:, half:] == 255).all()
    assert small.astype(int).sum() == 255 * half * half
