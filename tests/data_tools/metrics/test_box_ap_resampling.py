from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.records import Prediction, Sample
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.box_ap_resampling import box_ap50_of
from data_tools.metrics.box_map import box_map

BOX, OTHER, NOWHERE = (10, 10, 30, 30), (50, 50, 80, 80), (0, 60, 20, 95)


def once(samples, predictions, num_classes: int = 1) -> float:
    clusters = Clusters.of([sample.group for sample in samples])
    statistic = box_ap50_of(samples, predictions, num_classes, clusters)
    assert statistic is not None
    return float(statistic(np.ones((1, clusters.total)))[0])


def test_by_hand(make_sample, make_prediction) -> None:
    two = make_sample(1, [BOX, OTHER])
    assert once([two], [make_prediction(1, boxes=[BOX], scores=[0.9])]) == pytest.approx(51 / 101)
    three = make_prediction(1, boxes=[BOX, NOWHERE, OTHER], scores=[0.9, 0.8, 0.7])
    assert once([two], [three]) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert once([two], [make_prediction(1)]) == 0.0
    assert box_ap50_of([make_sample(1)], [three], 1, Clusters.of(["g"])) is None


def random_images(rng, make_sample, make_prediction) -> tuple[list[Sample], list[Prediction]]:
    """30 images of six groups and two classes; every score is another, and one image has 130 boxes."""
    samples, predictions = [], []
    for i in range(1, 31):
        status = str(rng.choice(["good", "boxed", "unboxed"]))
        count = int(rng.integers(1, 4)) if status == "boxed" else 0
        corners = rng.uniform(0, 60, (count, 2))
        true = np.concatenate([corners, corners + rng.uniform(5, 38, (count, 2))], axis=1)
        guesses = rng.uniform(0, 60, (130 if i == 5 else int(rng.integers(0, 6)), 2))
        found = np.concatenate(
            [np.clip(true + rng.normal(0, 3, true.shape), 0, 100), np.concatenate([guesses, guesses + 20], axis=1)]
        )
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2])
        sample = make_sample(i, true, status=status, group=f"g{i % 6}")
        prediction = make_prediction(i, boxes=found, scores=rng.random(len(found)))
        samples.append(replace(sample, labels=rng.integers(1, 3, count)))
        predictions.append(replace(prediction, box_labels=rng.integers(1, 3, len(found))))
    return samples, predictions


@pytest.mark.parametrize("seed", range(5))
def test_a_resample_is_coco_s_figure_of_the_images_drawn(make_sample, make_prediction, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples, predictions = random_images(rng, make_sample, make_prediction)
    assert once(samples, predictions, 2) == pytest.approx(box_map(samples, predictions, 2)["ap50"], abs=1e-12)
    clusters = Clusters.of([sample.group for sample in samples])
    statistic = box_ap50_of(samples, predictions, 2, clusters)
    assert statistic is not None
    counts = rng.multinomial(clusters.total, np.full(clusters.total, 1 / clusters.total), size=4)
    for row, value in zip(counts, statistic(counts.astype(float)), strict=True):
        drawn = np.repeat(np.arange(len(samples)), row[clusters.codes])
        images = [replace(samples[place], image_id=i) for i, place in enumerate(drawn, start=1)]
        answers = [replace(predictions[place], image_id=i) for i, place in enumerate(drawn, start=1)]
        assert value == pytest.approx(box_map(images, answers, 2)["ap50"], abs=1e-12)


def test_a_resample_without_truth_is_undefined(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [BOX], group="a"), make_sample(2, group="b")]
    answers = [make_prediction(1, boxes=[BOX], scores=[0.5]), make_prediction(2)]
    statistic = box_ap50_of(samples, answers, 1, Clusters.of(["a", "b"]))
    assert statistic is not None
    values = statistic(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    assert values[[0, 2]] == pytest.approx([1.0, 1.0])
    assert np.isnan(values[1])
