import math

import numpy as np
import pytest
import torch

from data_tools.records import Sample, empty_boxes, empty_labels
from data_tools.transforms import PreprocessConfig
from detect.model import RawDetections
from detect.to_prediction import choose_rule, image_score, to_prediction

SAMPLE = Sample(3, "a.png", (100, 200), empty_boxes(), empty_labels(), "good", "g")
PLAIN = PreprocessConfig()


def raw(boxes: list[list[float]], scores: list[float], logit: float = 0.0) -> RawDetections:
    labels = torch.ones(len(scores), dtype=torch.int64)
    return RawDetections(torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), labels, logit)


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


def test_the_rule_with_the_best_auc_wins() -> None:
    def auc(scores: list[float], positive: list[bool]) -> float:
        pairs = [(p > n) + 0.5 * (p == n) for p, y in zip(scores, positive, strict=True) if y
                 for n, z in zip(scores, positive, strict=True) if not z]  # fmt: skip
        return float(np.mean(pairs))

    defect = Sample(1, "b", (9, 9), empty_boxes(), empty_labels(), "unboxed", "g", "x")
    by_box = [raw([[0, 0, 1, 1]], [0.9], -50.0), raw([[0, 0, 1, 1]], [0.1], 50.0)]
    by_head = [raw([], [], 3.0), raw([[0, 0, 1, 1]], [0.9999], -3.0)]
    assert choose_rule([defect, SAMPLE], by_box, auc) == "best_box"
    assert choose_rule([defect, SAMPLE], by_head, auc) == "image_head"
    assert choose_rule([defect, SAMPLE], [by_head[0], raw([], [], -3.0)], auc) == "mean_logit"
