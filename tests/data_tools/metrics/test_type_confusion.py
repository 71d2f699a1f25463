"""The confusion of types, and AP50 of each, by hand and against pycocotools' mean over classes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_tools.core.records import Prediction, Sample
from data_tools.metrics.box_map import ap50_by_class, box_map, class_free
from data_tools.metrics.type_confusion import type_confusion

A, B = [0, 0, 10, 10], [50, 50, 60, 60]


def labelled(sample: Sample, labels: list[int]) -> Sample:
    return replace(sample, labels=np.array(labels, dtype=np.int64))


def called(prediction: Prediction, labels: list[int]) -> Prediction:
    return replace(prediction, box_labels=np.array(labels, dtype=np.int64))


def test_confusion_by_hand(make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]) -> None:
    """A of class 1 found as 2, twice; B of class 2 missed; a box on nothing; one below the threshold."""
    truth = [labelled(make_sample(1, [A, B]), [1, 2]), make_sample(2), make_sample(3, status="unboxed")]
    boxes = [
        called(make_prediction(1, boxes=[A, A, B], scores=[0.9, 0.8, 0.2]), [2, 1, 2]),
        called(make_prediction(2, boxes=[A], scores=[0.7]), [2]),
        called(make_prediction(3, boxes=[A], scores=[0.7]), [1]),
    ]
    assert type_confusion(truth, boxes, 2, 0.5).tolist() == [[0, 1, 0], [0, 0, 1], [1, 1, 0]]


def test_ap50_of_each_type(make_sample: Callable[..., Sample], make_prediction: Callable[..., Prediction]) -> None:
    """Class 1 is found, class 2 is called 1: AP50 1 and 0, the mean 0.5; set aside, both are found."""
    truth = [labelled(make_sample(1, [A, B]), [1, 2])]
    boxes = [called(make_prediction(1, boxes=[A, B], scores=[0.9, 0.8]), [1, 1])]
    assert ap50_by_class(truth, boxes, 3) == [pytest.approx(1.0), 0.0, None]
    assert box_map(truth, boxes, 3)["ap50"] == pytest.approx(0.5)
    alike = [replace(one, labels=np.ones_like(one.labels)) for one in truth]
    assert box_map(alike, class_free(boxes), 1)["ap50"] == pytest.approx(1.0)
    assert ap50_by_class([make_sample(1)], [make_prediction(1)], 2) == [None, None]


@given(st.integers(0, 10_000))
def test_every_box_is_counted_once_and_the_mean_over_types_is_ap50(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, boxes = [], []
    for number in range(1, 5):
        corners = rng.uniform(0, 60, (int(rng.integers(0, 4)), 2))
        own = np.concatenate([corners, corners + rng.uniform(5, 30, corners.shape)], axis=1)
        labels = rng.integers(1, 4, len(own))
        status = "boxed" if len(own) else "good"
        kind = "scratch" if len(own) else "good"
        truth.append(Sample(number, f"{number}.png", (100, 100), own, labels, status, "g", kind))
        shaken = own + rng.normal(0, 2, own.shape) * [[1, 1, 1, 1]]
        shaken[:, 2:] = np.maximum(shaken[:, 2:], shaken[:, :2] + 1)
        shaken = shaken.clip(0, 100)
        names = np.where(rng.random(len(own)) < 0.7, labels, rng.integers(1, 4, len(own)))
        scores = rng.random(len(own))
        boxes.append(Prediction(number, f"{number}.png", (100, 100), 0.5, shaken, scores, names, None, None))
    counts = type_confusion(truth, boxes, 3, 0.3)
    for k in range(3):
        assert counts[k].sum() == sum(int((s.labels == k + 1).sum()) for s in truth)
        assert counts[:, k].sum() == sum(int(((p.box_labels == k + 1) & (p.box_scores >= 0.3)).sum()) for p in boxes)
    known = [value for value in ap50_by_class(truth, boxes, 3) if value is not None]
    mean = box_map(truth, boxes, 3)["ap50"]
    assert (mean is None) == (not known)
    if mean is not None:
        assert np.mean(known) == pytest.approx(mean)
