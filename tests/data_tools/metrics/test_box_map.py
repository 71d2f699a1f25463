import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from data_tools.metrics.box_map import NAMES, box_map, images_beyond, tercile_edges

BOX = (10, 10, 30, 30)
OTHER = (50, 50, 80, 80)
NOWHERE = (0, 60, 20, 95)


def test_one_of_two_found(make_sample, make_prediction) -> None:
    found = box_map([make_sample(boxes=[BOX, OTHER])], [make_prediction(boxes=[BOX], scores=[0.9])], 1)
    assert found["ap"] == pytest.approx(51 / 101)


def test_true_false_true(make_sample, make_prediction) -> None:
    prediction = make_prediction(boxes=[BOX, NOWHERE, OTHER], scores=[0.9, 0.8, 0.7])
    found = box_map([make_sample(boxes=[BOX, OTHER])], [prediction], 1)
    assert found["ap"] == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_iou_of_exactly_a_half(make_sample, make_prediction) -> None:
    half = make_prediction(boxes=[(10, 10, 20, 30)], scores=[0.9])
    found = box_map([make_sample(boxes=[BOX])], [half], 1)
    assert found["ap50"] == pytest.approx(1.0)
    assert found["ap"] == pytest.approx(0.1)


def test_no_detections_at_all_is_zero_and_no_truth_is_undefined(make_sample, make_prediction) -> None:
    assert box_map([make_sample(boxes=[BOX])], [make_prediction()], 1)["ap"] == 0.0
    found = box_map([make_sample()], [make_prediction(boxes=[BOX], scores=[0.9])], 1)
    assert found == dict.fromkeys(NAMES)


def test_boxes_on_good_images_count_and_unboxed_images_do_not(make_sample, make_prediction) -> None:
    samples = [make_sample(1, [BOX]), make_sample(2), make_sample(3, status="unboxed")]
    hit = make_prediction(1, boxes=[BOX], scores=[0.5])
    false = [make_prediction(i, boxes=[BOX], scores=[0.9]) for i in (2, 3)]
    quiet = [make_prediction(i) for i in (2, 3)]
    assert box_map(samples, [hit, *quiet], 1)["ap50"] == pytest.approx(1.0)
    assert box_map(samples, [hit, quiet[0], false[1]], 1)["ap50"] == pytest.approx(1.0)
    assert box_map(samples, [hit, false[0], quiet[1]], 1)["ap50"] == pytest.approx(0.5)


def test_sizes_by_area(make_sample, make_prediction) -> None:
    found = box_map([make_sample(boxes=[BOX])], [make_prediction(boxes=[BOX], scores=[0.9])], 1)
    assert found["ap_small"] == pytest.approx(1.0)
    assert found["ap_medium"] is None
    assert found["ap_large"] is None


def test_images_with_more_boxes_of_a_class_than_coco_counts() -> None:
    halves = np.repeat([1, 2], 100)
    assert images_beyond([np.ones(100, int), halves, np.zeros(0, int)]) == 0
    assert images_beyond([np.ones(101, int), np.append(halves, 2), np.ones(100, int)]) == 2


def plain_pycocotools(samples, predictions, num_classes: int) -> list[float]:
    """pycocotools as its own documentation uses it, image by image."""
    truth, found = COCO(), COCO()
    for coco, is_truth in ((truth, True), (found, False)):
        annotations = []
        for sample, prediction in zip(samples, predictions, strict=True):
            one = sample if is_truth else prediction
            labels = sample.labels if is_truth else prediction.box_labels
            scores = np.ones(len(labels)) if is_truth else prediction.box_scores
            for box, label, score in zip(one.boxes_xyxy.tolist(), labels.tolist(), scores.tolist(), strict=True):
                x1, y1, x2, y2 = box
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": sample.image_id,
                        "category_id": label,
                        "iscrowd": 0,
                        "bbox": [x1, y1, x2 - x1, y2 - y1],
                        "area": (x2 - x1) * (y2 - y1),
                        "score": score,
                    }
                )
        coco.dataset = {
            "images": [{"id": s.image_id} for s in samples],
            "annotations": annotations,
            "categories": [{"id": i + 1} for i in range(num_classes)],
        }
        coco.createIndex()
    evaluation = COCOeval(truth, found, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return [float(v) for v in evaluation.stats[:9]]


def random_case(rng, make_sample, make_prediction):
    """Mostly good images, tied scores, one image with more boxes than pycocotools looks at, two classes."""
    samples, predictions = [], []
    for image_id in rng.permutation(np.arange(1, 61)).tolist():
        boxes = random_boxes(rng, int(rng.integers(1, 4)) if rng.random() < 0.3 else 0)
        sample = make_sample(image_id, boxes)
        object.__setattr__(sample, "labels", rng.integers(1, 3, len(boxes)))
        guesses = random_boxes(rng, 130 if image_id == 7 else int(rng.integers(0, 9)))
        guesses = np.concatenate([np.clip(boxes + rng.normal(0, 3, boxes.shape), 0, 100), guesses])
        guesses = np.concatenate(
            [np.minimum(guesses[:, :2], guesses[:, 2:]), np.maximum(guesses[:, :2], guesses[:, 2:])], 1
        )
        prediction = make_prediction(image_id, boxes=guesses, scores=rng.integers(0, 8, len(guesses)) / 8)
        object.__setattr__(prediction, "box_labels", rng.integers(1, 3, len(guesses)))
        samples.append(sample)
        predictions.append(prediction)
    return samples, predictions


def random_boxes(rng, count: int) -> np.ndarray:
    corners = rng.uniform(0, 60, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(2, 40, (count, 2))], axis=1)


@pytest.mark.parametrize("seed", range(6))
def test_taking_good_images_together_changes_no_figure(make_sample, make_prediction, seed: int) -> None:
    samples, predictions = random_case(np.random.default_rng(seed), make_sample, make_prediction)
    expected = [None if value < 0 else value for value in plain_pycocotools(samples, predictions, 2)]
    found = box_map(samples, predictions, 2)
    assert [found[name] for name in NAMES] == expected
    assert found == {name: box_map(samples, predictions, 2, (100.0, 400.0))[name] for name in NAMES}


def test_thirds_of_the_training_boxes(make_sample, make_prediction) -> None:
    training = [make_sample(i, [(0, 0, side, side)]) for i, side in enumerate((10, 20, 30), start=1)]
    edges = tercile_edges(training)
    assert edges == pytest.approx((300, 1700 / 3))
    assert tercile_edges(training[:2]) is None
    small, large = (0, 0, 10, 10), (40, 40, 80, 80)
    found = box_map([make_sample(boxes=[small, large])], [make_prediction(boxes=[small], scores=[0.9])], 1, edges)
    assert (found["ap_smallest_third"], found["ap_largest_third"]) == pytest.approx((1.0, 0.0))
    assert found["ap_middle_third"] is None
