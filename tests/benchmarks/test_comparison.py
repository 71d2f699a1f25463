"""The comparison's arithmetic: schedules, figures with their intervals, and the table."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.judging.judged import Entry, Judged, judge
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.box_map import box_map
from data_tools.metrics.coco_engines import PYCOCOTOOLS
from data_tools.metrics.fpr_at_tpr import fpr_at_tpr
from data_tools.metrics.matching import FIRST, match_arrays
from detect.compare_detectors.intervals import COCO_IOUS, box_ap_of, fpr_at_tpr_of
from detect.compare_detectors.schedule import linear_rule, step_decay, warmed_up_cosine
from detect.compare_detectors.table import Run, compare, require_disjoint, to_markdown

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def test_step_decay_warms_up_and_falls_at_16_and_22_of_26_epochs() -> None:
    assert step_decay(0.0, 0, 100) == pytest.approx(0.001)
    assert step_decay(0.0, 50, 100) == pytest.approx(0.5005)
    assert step_decay(1 / 26, 1, 1000) == pytest.approx(1.0)  # never beyond the first of the 26 epochs
    assert [step_decay(at / 26, 5000, 1000) for at in (15, 16, 22, 26)] == pytest.approx([1, 0.1, 0.01, 0.01])


def test_cosine_starts_low_and_ends_low() -> None:
    assert warmed_up_cosine(0.0, 0.1, 0.001, 1e-5) == pytest.approx(0.001)
    assert warmed_up_cosine(0.5, 0.1, 0.001, 1e-5) == pytest.approx((0.1 + 1e-5) / 2)
    assert warmed_up_cosine(1.0, 0.1, 0.001, 1e-5) == pytest.approx(1e-5)


def test_linear_rule() -> None:
    assert linear_rule(0.02, 16, 2) == pytest.approx(0.0025)


def test_matching_gives_each_true_box_to_the_best_box() -> None:
    truth = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 6], [50, 50, 60, 60]])
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    hits = np.stack([match_arrays(boxes, scores, truth, iou) == FIRST for iou in (0.5, 0.75)], axis=1)
    assert hits.tolist() == [[True, True], [False, False], [True, False], [False, False]]
    assert match_arrays(np.zeros((0, 4)), np.zeros(0), truth, 0.5).shape == (0,)


def _scene(
    make_sample: MakeSample, make_prediction: MakePrediction, seed: int, images: int = 24
) -> tuple[list[Sample], list[Prediction]]:
    """Images with 0 to 3 boxes of two classes, and boxes near them and elsewhere."""
    rng = np.random.default_rng(seed)
    samples, predictions = [], []
    for number in range(1, images + 1):
        corners = rng.uniform(0, 60, (rng.integers(0, 4), 2))
        truth = np.concatenate([corners, corners + rng.uniform(10, 40, corners.shape)], axis=1)
        near = np.clip(truth + rng.normal(0, 3, truth.shape), 0, 100)
        near[:, 2:] = np.maximum(near[:, :2], near[:, 2:])
        elsewhere = rng.uniform(0, 50, (3, 2))
        boxes = np.concatenate([near, near, np.concatenate([elsewhere, elsewhere + 20], axis=1)])
        sample = make_sample(number, truth.tolist(), group=f"g{number // 2}")
        samples.append(replace(sample, labels=rng.integers(1, 3, len(truth))))
        prediction = make_prediction(number, float(rng.random()), boxes.tolist(), rng.random(len(boxes)).tolist())
        predictions.append(replace(prediction, box_labels=rng.integers(1, 3, len(boxes))))
    return samples, predictions


@pytest.mark.parametrize("seed", range(3))
def test_box_ap_agrees_with_pycocotools_also_on_a_resample(
    make_sample: MakeSample, make_prediction: MakePrediction, seed: int
) -> None:
    samples, predictions = _scene(make_sample, make_prediction, seed)
    clusters = Clusters.of([sample.group for sample in samples])
    counts = np.ones((2, clusters.total))
    counts[1] = np.random.default_rng(seed).integers(0, 3, clusters.total)
    keep = np.ones(len(samples), dtype=bool)
    for ious, name in ((COCO_IOUS, "ap"), ((0.5,), "ap50")):
        values = box_ap_of(samples, predictions, clusters, 2, ious, keep)(counts)
        for row, value in zip(counts, values, strict=True):
            drawn = [i for i, code in enumerate(clusters.codes) for _ in range(int(row[code]))]
            again = [replace(samples[i], image_id=n) for n, i in enumerate(drawn, start=1)]
            drawn_predictions = [replace(predictions[i], image_id=n) for n, i in enumerate(drawn, start=1)]
            assert value == pytest.approx(box_map(again, drawn_predictions, 2)[name], abs=1e-6)


def test_box_ap_without_a_true_box_is_undefined(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    samples, predictions = [make_sample(1)], [make_prediction(1, boxes=[[0, 0, 9, 9]], scores=[0.5])]
    statistic = box_ap_of(samples, predictions, Clusters.of(["a"]), 1, (0.5,), np.array([True]))
    assert np.isnan(statistic(np.ones((1, 1)))).all()


def test_fpr_agrees_with_the_evaluators() -> None:
    rng = np.random.default_rng(1)
    scores, positive = rng.random(60).round(1), rng.random(60) < 0.4
    clusters = Clusters.of([str(i) for i in range(60)])
    point = fpr_at_tpr(scores, positive, 0.75)
    assert point is not None
    assert fpr_at_tpr_of(scores, positive, clusters, 0.75)(np.ones((1, 60)))[0] == pytest.approx(point.fpr)


def _judged(samples: list[Sample], predictions: list[Prediction], label: str) -> Judged:
    entry = Entry(label, PredictionSet(PredictionHeader(label), tuple(predictions)))
    return judge(tuple(samples), (), (), entry, ("defect",), 0, PYCOCOTOOLS)


def test_the_table_has_hand_made_values_and_na(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    stain = make_sample(2, [[40, 40, 60, 60]], defect_type="stain")
    samples = [make_sample(1, [[10, 10, 20, 20]]), stain, make_sample(3)]
    first, good = make_prediction(1, 0.9, [[10, 10, 20, 20]], [0.9], (15, 15)), make_prediction(3, 0.1)
    right = [first, make_prediction(2, 0.8, [[40, 40, 60, 60]], [0.8], (50, 50)), good]
    half = [first, make_prediction(2, 0.05), good]
    ours = [Run("tiles", 0, _judged(samples, right, "a")), Run("tiles", 1, _judged(samples, half, "b"))]
    comparison = compare({"ours": ours, "torchvision": [Run("tiles", 0, _judged(samples, half, "c"))]}, resamples=200)
    of_ours, theirs = comparison["approaches"]["ours"], comparison["approaches"]["torchvision"]
    assert of_ours["hit_rate"]["values"] == [1.0, 0.5]
    assert of_ours["hit_rate"]["mean"] == 0.75
    assert of_ours["auc"]["values"] == [1.0, 0.5]
    assert theirs["coverage"]["mean"] == 0.5
    assert theirs["peak_px"]["mean"] == 0.0  # over the image with a peak alone
    assert theirs["hit_rate/stain"]["mean"] == 0.0
    assert theirs["ap50/scratch"]["mean"] == pytest.approx(1.0)
    assert theirs["fpr_at_tpr_98"]["mean"] == 1.0
    assert comparison["against_ours"]["torchvision"]["hit_rate"]["difference"] == 0.25
    # 51 of 101 recalls are reached by the one box of two
    ratio = comparison["against_ours"]["torchvision"]["ap50_ratio"]
    assert ratio["value"] == pytest.approx((1 + 51 / 101) / 2 / (51 / 101))
    assert ratio["ci95"] is None  # of a resample with the second image's box alone
    json.dumps(comparison, allow_nan=False)
    table = to_markdown(comparison, {"ours": [{"megapixels": 3.0, "minutes": 1.0, "steps": 5.0}]})
    assert "| ours | 2 | 3 | 5 | 1.0 |" in table
    assert "| torchvision | 1 | n/a | n/a | n/a |" in table
    assert "| ours minus | AUC |" in table
    assert "| torchvision | 0.250 (0.000..0.500) |" in table
    assert "stain, 1 images" in table


def test_one_group_gives_no_interval(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    samples = [make_sample(1, [[10, 10, 20, 20]], group="g"), make_sample(2, group="g")]
    predictions = [make_prediction(1, 0.9, [[10, 10, 20, 20]], [0.9], (15, 15)), make_prediction(2, 0.1)]
    comparison = compare({"ours": [Run("tiles", 0, _judged(samples, predictions, "a"))]}, resamples=100)
    assert comparison["approaches"]["ours"]["ap50"] == {"mean": 1.0, "sd": None, "ci95": None, "values": [1.0]}


def test_folds_are_averaged_and_compared_where_both_were_tested(
    make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    def fold(number: int, hits: tuple[bool, bool], label: str) -> Run:
        """Two boxed and two good images of four groups."""
        first = 4 * number + 1
        samples = [make_sample(first + i, [[10, 10, 20, 20]]) for i in (0, 1)] + [
            make_sample(first + i) for i in (2, 3)
        ]
        boxed_predictions = [
            make_prediction(
                first + i, 0.9, [[10, 10, 20, 20]] if hit else [[60, 60, 70, 70]], [0.9], (15, 15) if hit else (65, 65)
            )
            for i, hit in enumerate(hits)
        ]
        good = [make_prediction(first + i, 0.1) for i in (2, 3)]
        return Run(f"fold_{number}", 0, _judged(samples, boxed_predictions + good, label))

    ours = [fold(1, (True, True), "a"), fold(2, (True, False), "b")]
    comparison = compare({"ours": ours, "peer": [fold(2, (False, False), "c")]}, resamples=400)
    hit_rate = comparison["approaches"]["ours"]["hit_rate"]
    assert (hit_rate["values"], hit_rate["mean"]) == ([1.0, 0.5], 0.75)
    # fold 1 always gives 1; fold 2, of two boxed groups, gives 0, 0.5 or 1
    assert hit_rate["ci95"] == [0.5, 1.0]
    against = comparison["against_ours"]["peer"]["hit_rate"]
    assert against["folds"] == ["fold_2"]
    assert against["difference"] == 0.5
    assert (comparison["n_images"], comparison["n_boxed"], comparison["n_groups"]) == (8, 4, 8)
    table = to_markdown(comparison, {})
    assert "in 2 folds. peer is judged on fold_2 alone, so its row is of fewer images than others." in table
    assert "ours is judged" not in table
    assert [run["fold"] for run in comparison["runs"]["ours"]] == ["fold_1", "fold_2"]
    json.dumps(comparison, allow_nan=False)
    # a second seed on the easier fold, while that of the other is not finished, moves nothing
    peer = [fold(1, (True, True), "c"), fold(2, (True, False), "d")]
    comparison = compare({"ours": [*ours, replace(ours[0], seed=1)], "peer": peer}, resamples=400)
    assert comparison["approaches"]["ours"]["hit_rate"]["mean"] == 0.75
    assert comparison["approaches"]["ours"]["hit_rate"]["ci95"] == [0.5, 1.0]
    assert comparison["against_ours"]["peer"]["hit_rate"]["difference"] == 0.0
    assert comparison["against_ours"]["peer"]["hit_rate"]["ci95"] == [0.0, 0.0]


def test_a_difference_is_over_folds_on_which_both_are_defined(
    make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    def fold(number: int, peak: tuple[float, float] | None) -> Run:
        samples = [make_sample(3 * number + i, [[10, 10, 20, 20]]) for i in (0, 1)] + [make_sample(3 * number + 2)]
        predictions = [make_prediction(sample.image_id, peak=peak) for sample in samples]
        return Run(f"fold_{number}", 0, _judged(samples, predictions, "a"))

    near, far = (25.0, 15.0), (50.0, 15.0)  # 5 and 30 px from the box
    comparison = compare({"ours": [fold(1, near), fold(2, far)], "peer": [fold(1, near), fold(2, None)]}, 100)
    assert comparison["approaches"]["ours"]["peak_px"]["mean"] == 17.5
    against = comparison["against_ours"]["peer"]["peak_px"]
    assert (against["difference"], against["folds"]) == (0.0, ["fold_1"])


def test_a_type_that_one_fold_tests_is_judged_there(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    def fold(number: int, types: tuple[str, ...]) -> Run:
        boxed = [make_sample(9 * number + i, [[10, 10, 20, 20]], defect_type=kind) for i, kind in enumerate(types)]
        found = [make_prediction(s.image_id, 0.9, [[10, 10, 20, 20]], [0.9], (15, 15)) for s in boxed]
        good, nothing = make_sample(9 * number + 8), make_prediction(9 * number + 8, 0.1)
        return Run(f"fold_{number}", 0, _judged([*boxed, good], [*found, nothing], "a"))

    comparison = compare({"ours": [fold(1, ("chip",)), fold(2, ("chip", "a/b"))]}, resamples=100)
    figures = comparison["approaches"]["ours"]
    assert figures["hit_rate/chip"]["values"] == [1.0, 1.0]
    assert figures["hit_rate/a/b"]["values"] == [1.0]
    assert figures["ap50/a/b"]["mean"] == 1.0
    assert "| ours, hit rate | 1.000 (1.000..1.000) | 1.000 (1.000..1.000) |" in to_markdown(comparison, {})


def test_folds_are_drawn_independently(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    """The mean of k folds of the same figures varies by 1 / sqrt(k) of what one varies by."""

    def fold(number: int) -> Run:
        first = 100 * number
        samples = [make_sample(first + i, [[10, 10, 20, 20]]) for i in range(40)] + [make_sample(first + 40)]
        boxed_predictions = [make_prediction(first + i, 0.9, peak=(15, 15) if i % 2 else (65, 65)) for i in range(40)]
        return Run(f"fold_{number}", 0, _judged(samples, [*boxed_predictions, make_prediction(first + 40, 0.1)], "a"))

    def width(folds: int) -> float:
        runs = [fold(number) for number in range(1, folds + 1)]
        low, high = compare({"ours": runs}, resamples=1000)["approaches"]["ours"]["hit_rate"]["ci95"]
        return float(high - low)

    assert width(4) == pytest.approx(width(1) / 2, rel=0.15)


def test_folds_that_test_the_same_group_are_refused(make_sample: MakeSample) -> None:
    tests = {"fold_1": [make_sample(1), make_sample(2)], "fold_2": [make_sample(3)]}
    require_disjoint(tests)
    with pytest.raises(InputError, match="fold_1 and fold_3 both test images of group g2"):
        require_disjoint(tests | {"fold_3": [make_sample(2)]})
