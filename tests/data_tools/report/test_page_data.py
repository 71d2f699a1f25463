import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.records import BOXED, Prediction, Sample
from data_tools.metrics.peak_distance import peak_distance
from data_tools.report.outcomes import ImageOutcome, Threshold
from data_tools.report.page_columns import wholes
from data_tools.report.page_data import LARGEST_MAP, page_data, safe_json
from tests.data_tools.report.page_images import images_of, numbers

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def data_of(sample: Sample, prediction: Prediction) -> dict:
    distances = {"a": peak_distance(sample, prediction.peak_xy)} if sample.status == BOXED else {}
    data = page_data(
        [ImageOutcome(sample, {"a": prediction}, distances, {})], {"a": Threshold(0.5, "")}, ["JPEG"], "test"
    )
    return json.loads(safe_json(data))


def run_of(sample: Sample, prediction: Prediction) -> dict:
    return images_of(data_of(sample, prediction))[0]["runs"][0]


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
    (image,) = images_of(data)
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
    run = run_of(make_sample(boxes=[(1, 1, 10, 10)]), make_prediction(peak=(10.000001, 5)))
    assert 0 < run["px"] < 1e-5


def test_an_abstention_has_no_distance(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    run = run_of(make_sample(boxes=[(1, 1, 10, 10)]), make_prediction())
    assert (run["px"], run["peak"]) == (None, None)


def test_the_best_boxes_are_kept(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    scores = [number / 100 for number in range(30)]
    run = run_of(make_sample(), make_prediction(boxes=[(0, 0, 9, 9)] * 30, scores=scores))
    assert run["scores"] == pytest.approx(sorted(scores, reverse=True)[:5])


def test_maps_are_bytes_on_their_own_grid(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    heatmap = np.array([[0, 1, 2], [-5, 0, 4]], dtype=np.float32)
    cells = run_of(make_sample(), make_prediction(heatmap=heatmap))["map"]
    assert cells.tolist() == [[0, 64, 128], [0, 0, 255]]


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_flat_map_has_no_cells(make_sample: MakeSample, make_prediction: MakePrediction, value: float) -> None:
    heatmap = np.full((4, 4), value, dtype=np.float32)
    assert run_of(make_sample(), make_prediction(heatmap=heatmap))["map"].shape == (0, 0)


def test_a_fine_map_is_averaged_down_in_place(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    heatmap = np.zeros((100, 36), dtype=np.float32)
    heatmap[50:, 18:] = 1.0
    small = run_of(make_sample(), make_prediction(heatmap=heatmap))["map"]
    assert small.shape == (LARGEST_MAP, LARGEST_MAP)
    half = LARGEST_MAP // 2
    assert (small[half:, half:] == 255).all()
    assert small.astype(int).sum() == 255 * half * half


def test_columns_of_many_images(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    """Two classes; images of none, one and two boxes; the largest numbers that columns of few bytes do not hold."""
    samples = [
        replace(make_sample(70_000), path="1.png"),
        replace(make_sample(2, [(0, 0, 9.5, 99.96)]), path="lot/a/2.png"),
        replace(make_sample(3, [(0, 0, 1, 1), (2, 2, 3, 3)]), path="lot/a/3.png", labels=np.array([2, 1])),
    ]
    predictions = [
        make_prediction(70_000, 0.1, heatmap=np.eye(3, dtype=np.float32)),
        make_prediction(2, 2.0, [(1, 1, 2, 2)], [0.25], (1.5, 1.5)),
        make_prediction(3, -1e-300, heatmap=np.ones((2, 5), dtype=np.float32)),
    ]
    outcomes = [ImageOutcome(s, {"a": p}, {}, {}) for s, p in zip(samples, predictions, strict=True)]
    images = images_of(json.loads(safe_json(page_data(outcomes, {}, None, "test", ("x", "y")))))
    assert [image["id"] for image in images] == [70_000, 2, 3]
    assert [image["file"] for image in images] == ["1.png", "lot/a/2.png", "lot/a/3.png"]
    assert [image["boxes"] for image in images] == [[], [[0, 0, 9.5, 100]], [[0, 0, 1, 1], [2, 2, 3, 3]]]
    assert [image["classes"] for image in images] == [[], [1], [2, 1]]
    runs = [image["runs"][0] for image in images]
    assert [run["score"] for run in runs] == [0.1, 2.0, -1e-300]
    assert [run["boxes"] for run in runs] == [[], [[1, 1, 2, 2]], []]
    assert [run["peak"] for run in runs] == [None, [1.5, 1.5], None]
    assert [None if run["map"] is None else run["map"].shape for run in runs] == [(3, 3), None, (0, 0)]
    assert images_of(json.loads(safe_json(page_data([], {}, None, "test")))) == []


@given(st.lists(st.integers(0, 2**40)))
def test_whole_numbers_come_back(values: list[int]) -> None:
    assert numbers(wholes(values)).tolist() == values
