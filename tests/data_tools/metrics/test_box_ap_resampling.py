from dataclasses import replace

import numpy as np
import pytest

from data_tools.core.records import Prediction, Sample
from data_tools.metrics.bootstrap import Clusters
from data_tools.metrics.box_ap_resampling import box_ap, box_ap_at, tied_share
from data_tools.metrics.box_map import box_map

BOX, OTHER, NOWHERE = (10, 10, 30, 30), (50, 50, 80, 80), (0, 60, 20, 95)


def once(samples, predictions, num_classes: int = 1) -> float:
    clusters = Clusters.of([sample.group for sample in samples])
    statistic = box_ap_at((0.5,), samples, predictions, num_classes, clusters)
    assert statistic is not None
    return float(statistic(np.ones((1, clusters.total)))[0])


def test_by_hand(make_sample, make_prediction) -> None:
    two = make_sample(1, [BOX, OTHER])
    assert once([two], [make_prediction(1, boxes=[BOX], scores=[0.9])]) == pytest.approx(51 / 101)
    three = make_prediction(1, boxes=[BOX, NOWHERE, OTHER], scores=[0.9, 0.8, 0.7])
    assert once([two], [three]) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert once([two], [make_prediction(1)]) == 0.0
    assert box_ap_at((0.5,), [make_sample(1)], [three], 1, Clusters.of(["g"])) is None


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
    statistic = box_ap_at((0.5,), samples, predictions, 2, clusters)
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
    statistic = box_ap_at((0.5,), samples, answers, 1, Clusters.of(["a", "b"]))
    assert statistic is not None
    values = statistic(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]]))
    assert values[[0, 2]] == pytest.approx([1.0, 1.0])
    assert np.isnan(values[1])


def tied_images(make_sample, make_prediction, order: str) -> tuple[list[Sample], list[Prediction]]:
    """Images that are boxed where `order` has a 1; each has one predicted box of score 1, right on the boxed ones."""
    samples, answers = [], []
    for i, boxed in enumerate(order, start=1):
        samples.append(make_sample(i, [BOX] if boxed == "1" else [], group=f"g{i % 4}"))
        answers.append(make_prediction(i, boxes=[BOX], scores=[1.0]))
    return samples, answers


@pytest.mark.parametrize(("order", "value"), [("111000", 1.0), ("000111", 0.5)])
def test_ties_are_taken_in_the_order_of_the_image_ids(make_sample, make_prediction, order: str, value: float) -> None:
    samples, answers = tied_images(make_sample, make_prediction, order)
    assert once(samples, answers) == pytest.approx(value)
    assert box_map(samples, answers, 1)["ap50"] == pytest.approx(value)
    backwards = slice(None, None, -1)
    assert once(samples[backwards], answers[backwards]) == pytest.approx(value)


@pytest.mark.parametrize("seed", range(4))
def test_ties_of_all_kinds_are_as_pycocotools_has_them(make_sample, make_prediction, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples, predictions = random_images(rng, make_sample, make_prediction)
    predictions = [replace(p, box_scores=np.round(p.box_scores, 1)) for p in predictions]
    assert once(samples, predictions, 2) == pytest.approx(box_map(samples, predictions, 2)["ap50"], abs=1e-12)


def test_swapped_groups_swap_their_boxes(make_sample, make_prediction) -> None:
    """A finds both boxes and nothing else, B nothing but what is false: swapping one of two groups makes them equal."""
    samples = [make_sample(1, [BOX], group="a"), make_sample(2, [BOX], group="b")]
    right = [make_prediction(i, boxes=[BOX], scores=[0.9 - 0.1 * i]) for i in (1, 2)]
    wrong = [make_prediction(i, boxes=[NOWHERE], scores=[5.0 - i]) for i in (1, 2)]
    clusters = Clusters.of(["a", "b"])
    a, b = (box_ap((0.5,), samples, answers, 1, clusters) for answers in (right, wrong))
    assert a is not None
    assert b is not None
    flips = a.flips(b)(np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]))
    # with one group swapped each has one box found and one false: the box comes first or second
    assert flips[:2] == pytest.approx([1.0, -1.0])
    assert flips[2] == pytest.approx(-flips[3])
    assert abs(flips[2]) < 0.6


def test_the_share_of_tied_scores(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [BOX]), make_sample(2), make_sample(3, status="unboxed")]
    answers = [
        make_prediction(1, boxes=[BOX, OTHER], scores=[0.9, 0.5]),
        make_prediction(2, boxes=[BOX, OTHER], scores=[0.9, 0.4]),
        make_prediction(3, boxes=[BOX], scores=[0.5]),
    ]
    assert tied_share(samples, answers) == 0.5
    assert tied_share(samples[:1], [make_prediction(1)]) is None
