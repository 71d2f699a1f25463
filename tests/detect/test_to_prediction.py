import math

import numpy as np
import pytest

from data_tools.core.records import Sample, empty_boxes, empty_labels
from data_tools.loading.transforms import PreprocessConfig
from detect.detections import Detections
from detect.to_prediction import choose_rule, image_score, to_prediction

SAMPLE = Sample(3, "a.png", (100, 200), empty_boxes(), empty_labels(), "good", "g")
PLAIN = PreprocessConfig()


def raw(boxes: list[list[float]], scores: list[float], logit: float = 0.0) -> Detections:
    labels = np.ones(len(scores), dtype=np.int64)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), labels, logit)


def test_boxes_and_peak_go_to_original_pixels() -> None:
    prediction = to_prediction(SAMPLE, raw([[10, 20, 30, 40], [0, 0, 5, 5]], [0.75, 0.5]), (50, 50), "best_box", PLAIN)
    assert prediction.boxes_xyxy.tolist() == [[40, 40, 120, 80], [0, 0, 20, 10]]
    assert prediction.peak_xy == (80, 60)
    assert prediction.score == 0.75
    assert prediction.image_id == 3


def test_no_box_is_an_abstention_and_score_zero() -> None:
    prediction = to_prediction(SAMPLE, raw([], []), (50, 50), "best_box", PLAIN)
    assert prediction.peak_xy is None
    assert prediction.score == 0.0
    assert prediction.boxes_xyxy.shape == (0, 4)


def test_boxes_are_clipped_to_the_image() -> None:
    prediction = to_prediction(SAMPLE, raw([[-1e-3, 0, 50.001, 50]], [0.5]), (50, 50), "best_box", PLAIN)
    assert prediction.boxes_xyxy.tolist() == [[0, 0, 200, 100]]


def test_a_crop_is_undone() -> None:
    """Of 200 x 100 px a crop of 10 leaves 180 x 80, seen here at 90 x 40."""
    prediction = to_prediction(SAMPLE, raw([[0, 0, 10, 20]], [0.5]), (40, 90), "best_box", PreprocessConfig(crop_px=10))
    assert prediction.boxes_xyxy.tolist() == [[10, 10, 30, 50]]
    assert prediction.peak_xy == (20, 30)


def test_scores() -> None:
    one = raw([[0, 0, 1, 1]], [0.9], math.log(0.9 / 0.1))
    assert image_score(one, "best_box") == pytest.approx(0.9)
    assert image_score(one, "image_head") == pytest.approx(0.9)
    assert image_score(one, "mean_logit") == pytest.approx(0.9)
    assert image_score(raw([], [], 80.0), "image_head") == pytest.approx(1.0)
    assert 0 < image_score(raw([], [], -1000.0), "mean_logit") < 1e-6


def test_another_rule_must_be_significantly_better_to_win() -> None:
    """Twenty defects and twenty good images: the better score errs on one pair, the worse one is right on one."""
    defect = Sample(1, "b", (9, 9), empty_boxes(), empty_labels(), "unboxed", "g", "x")
    samples = [defect] * 20 + [SAMPLE] * 20
    right, wrong = [0.9] * 19 + [0.1] * 20 + [0.9], [0.0002] * 19 + [0.9999] * 20 + [0.0002]
    logits = [math.log(score / (1 - score)) for score in right], [math.log(score / (1 - score)) for score in wrong]
    by_box = [raw([[0, 0, 1, 1]], [score], logit) for score, logit in zip(right, logits[1], strict=True)]
    by_head = [raw([[0, 0, 1, 1]], [score], logit) for score, logit in zip(wrong, logits[0], strict=True)]
    assert choose_rule(samples, by_box) == "best_box"
    assert choose_rule(samples, by_head) == "image_head"
    few = [0, 20]
    assert choose_rule([samples[i] for i in few], [by_box[i] for i in few]) == "mean_logit"


def test_equal_rules_and_one_class_keep_the_mean() -> None:
    same = [raw([[0, 0, 1, 1]], [0.9], 3.0), raw([[0, 0, 1, 1]], [0.1], -3.0)]
    defect = Sample(1, "b", (9, 9), empty_boxes(), empty_labels(), "unboxed", "g", "x")
    assert choose_rule([defect, SAMPLE], same) == "mean_logit"
    assert choose_rule([SAMPLE, SAMPLE], same) == "mean_logit"
