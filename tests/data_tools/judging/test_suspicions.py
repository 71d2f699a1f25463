"""Predictions in another convention, or of other images, are remarked; right ones and weak ones are not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from data_tools.core.geometry import best_centre
from data_tools.core.records import Prediction, Sample
from data_tools.judging.suspicions import suspicions

SIZE = (120, 200)
HEIGHT, WIDTH = SIZE
Boxes = NDArray[np.float64]


@pytest.fixture
def samples(make_sample) -> list[Sample]:
    """16 boxed images with a box anywhere, and 8 good ones."""
    rng = np.random.default_rng(3)
    boxed = []
    for i in range(1, 17):
        x, y, w, h = rng.uniform(0, WIDTH - 40), rng.uniform(0, HEIGHT - 30), rng.uniform(12, 40), rng.uniform(12, 30)
        boxed.append(make_sample(i, [(x, y, x + w, y + h)], SIZE))
    return [*boxed, *(make_sample(i, [], SIZE) for i in range(17, 25))]


def predicted(
    samples: list[Sample], make_prediction, change: Callable[[Boxes], Boxes] = lambda box: box, peaks_only: bool = False
) -> list[Prediction]:
    """The true boxes after a change, cut to the image."""
    predictions = []
    for s in samples:
        boxes = s.boxes_xyxy.copy()
        if s.is_defect:
            boxes = np.clip(change(boxes), 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])
            boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2])
        scores = np.full(len(boxes), 0.9)
        own, told = ((), ()) if peaks_only else (boxes, scores)
        peak = best_centre(boxes, scores)
        predictions.append(make_prediction(s.image_id, 0.1 + 0.8 * s.is_defect, own, told, peak, SIZE))
    return predictions


def test_right_predictions_are_not_remarked(samples, make_prediction) -> None:
    assert suspicions(samples, predicted(samples, make_prediction)) == ()
    assert suspicions(samples, predicted(samples, make_prediction, peaks_only=True)) == ()
    rng = np.random.default_rng(0)
    assert suspicions(samples, predicted(samples, make_prediction, lambda b: b + rng.uniform(-4, 4, b.shape))) == ()


def test_nothing_found_and_nothing_to_find_are_not_remarked(samples, make_prediction, make_sample) -> None:
    silent = [make_prediction(s.image_id, 0.0, size_hw=SIZE) for s in samples]
    assert suspicions(samples, silent) == ()
    good = [s for s in samples if not s.is_defect]
    assert suspicions(good, predicted(good, make_prediction)) == ()
    assert suspicions([], []) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b / [WIDTH, HEIGHT, WIDTH, HEIGHT], "shares of the image"),
        (lambda b: b[:, [1, 0, 3, 2]], "x and y swapped"),
        (lambda b: b / 2, "another image size, 2 times as wide"),
        (lambda b: b / [WIDTH, HEIGHT, WIDTH, HEIGHT] * 100, "another image size"),
        (lambda b: b[:, [1, 0, 3, 2]] / [HEIGHT, WIDTH, HEIGHT, WIDTH] * [WIDTH, HEIGHT, WIDTH, HEIGHT], "transposed"),
        (lambda b: [WIDTH, 0, WIDTH, 0] + b[:, [2, 1, 0, 3]] * [-1, 1, -1, 1], "mirrored left to right"),
        (lambda b: [0, HEIGHT, 0, HEIGHT] + b[:, [0, 3, 2, 1]] * [1, -1, 1, -1], "upside down"),
    ],
)
@pytest.mark.parametrize("peaks_only", [False, True])
def test_another_convention_is_named(samples, make_prediction, change, words: str, peaks_only: bool) -> None:
    remarks = suspicions(samples, predicted(samples, make_prediction, change, peaks_only))
    assert any(words in one for one in remarks), remarks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: np.hstack([b[:, :2], b[:, 2:] - b[:, :2]]), "width, height taken for corners"),
        (lambda b: np.hstack([b[:, :2], b[:, :2] + b[:, 2:]]), "corners taken for x, y, width, height"),
        (lambda b: b + np.tile(b[:, 2:] - b[:, :2], 2) / 2, "centre, width and height"),
    ],
)
def test_other_ways_to_write_a_box_are_named(make_sample, make_prediction, change, words: str) -> None:
    """Boxes near the top left corner, so that no reading leaves the image."""
    rng = np.random.default_rng(1)
    corners = [(x, y, x + w, y + h) for x, y, w, h in rng.uniform([8, 8, 50, 40], [20, 20, 70, 50], (12, 4))]
    samples = [make_sample(i, [box], SIZE) for i, box in enumerate(corners, 1)]
    remarks = suspicions(samples, predicted(samples, make_prediction, change))
    assert any(words in one for one in remarks), remarks


def test_predictions_of_other_images_are_remarked(samples, make_prediction) -> None:
    """Every image has the boxes of another one, or all have the same."""
    boxes = [s.boxes_xyxy for s in samples if s.is_defect]
    others = iter(np.roll(np.array(boxes), 5, axis=0))
    remarks = suspicions(samples, predicted(samples, make_prediction, lambda _: next(others), peaks_only=True))
    assert any("no better than by chance" in one for one in remarks), remarks
    corner = np.array([[5.0, 5, 25, 20]])
    remarks = suspicions(samples, predicted(samples, make_prediction, lambda _: corner.copy(), peaks_only=True))
    assert [one.split(" (")[0] for one in remarks] == ["the peaks fit their own images no better than by chance"]


def test_scores_that_rank_good_images_above_defects_are_remarked(samples, make_prediction) -> None:
    turned = [make_prediction(s.image_id, 1.0 - s.is_defect + s.image_id / 1000, size_hw=SIZE) for s in samples]
    (remark,) = suspicions(samples, turned)
    assert "good images score above defects (AUC 0.000)" in remark


def test_maps_on_their_side_are_remarked(samples, make_prediction) -> None:
    maps = [make_prediction(s.image_id, 0.5, size_hw=SIZE, heatmap=np.eye(40, 24)) for s in samples]
    (remark,) = suspicions(samples, maps)
    assert "24 maps have the shape of their image on its side (1.png: 40 x 24 cells on 120 x 200 pixels" in remark


def test_right_boxes_of_the_wrong_classes_are_remarked(samples, make_prediction) -> None:
    other = [replace(p, box_labels=p.box_labels + 1) for p in predicted(samples, make_prediction)]
    (remark,) = suspicions(samples, other)
    assert "16 of 16 boxes that fit a true one are of another class (1.png: 2 instead of 1)" in remark


@pytest.mark.parametrize(
    ("called", "is_remarked"),
    [
        ([2, 3, 1], True),  # another order
        ([3, 3, 3], False),  # all are one class: it has not learnt them
        ([2, 1, 3], True),  # two of three exchanged, in most of the images
    ],
)
def test_classes_that_are_not_learnt_yet_are_not_taken_for_another_order(
    samples, make_prediction, called: list[int], is_remarked: bool
) -> None:
    true = [1, 1, 1, 2, 2, 2, 3, 1, 2, 1, 2, 3, 3, 1, 2, 3]
    typed = [replace(s, labels=np.array([one])) for s, one in zip(samples, true, strict=False)]
    told = [
        replace(p, box_labels=np.array([called[one - 1]]))
        for p, one in zip(predicted(typed, make_prediction), true, strict=False)
    ]
    remarks = suspicions(typed, told)
    assert len(remarks) == is_remarked
    assert all("in another order" in one for one in remarks)
