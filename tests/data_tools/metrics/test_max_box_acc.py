import numpy as np
import pytest

from data_tools.core.geometry import iou
from data_tools.core.heatmaps import boxes_to_map, full_size, normalise, regions_above
from data_tools.metrics.max_box_acc import (
    FRACTIONS,
    BoxAccuracy,
    _best_overlaps,
    _read,
    _step,
    box_accuracy,
    max_box_acc,
)


def test_a_map_that_is_the_box(make_sample, make_prediction) -> None:
    heatmap = np.zeros((100, 100), dtype=np.float32)
    heatmap[20:40, 30:70] = 1.0
    accuracy = box_accuracy([make_sample(boxes=[(30, 20, 70, 40)])], [make_prediction(heatmap=heatmap)])
    assert accuracy is not None
    assert accuracy.any_region.min() == accuracy.largest.min() == 1.0


def test_a_flat_map_misses_and_no_map_is_undefined(make_sample, make_prediction) -> None:
    samples = [make_sample(boxes=[(30, 20, 70, 40)])]
    accuracy = box_accuracy(samples, [make_prediction(heatmap=np.ones((4, 4), dtype=np.float32))])
    assert accuracy is not None
    assert accuracy.any_region.max() == accuracy.largest.max() == 0.0
    assert box_accuracy(samples, [make_prediction()]) is None
    assert box_accuracy([make_sample()], [make_prediction(heatmap=np.eye(3, dtype=np.float32))]) is None


def test_v1_takes_the_largest_region_and_v2_any(make_sample, make_prediction) -> None:
    heatmap = np.zeros((100, 100), dtype=np.float32)
    heatmap[10:20, 10:20] = heatmap[50:90, 50:90] = 1.0
    accuracy = box_accuracy([make_sample(boxes=[(10, 10, 20, 20)])], [make_prediction(heatmap=heatmap)])
    assert accuracy is not None
    assert accuracy.largest.max() == 0.0
    assert accuracy.any_region.min() == 1.0


def test_the_validation_cut_is_applied_frozen() -> None:
    here, there = np.zeros(19), np.zeros(19)
    here[3], here[7], there[7] = 0.9, 0.5, 1.0
    accuracy, validation = (BoxAccuracy(one, np.stack([one] * 3, axis=1)) for one in (here, there))
    found = max_box_acc(accuracy, validation)
    assert found["oracle"] is not None
    assert found["validation"] is not None
    assert (found["oracle"]["max_box_acc"], found["oracle"]["max_box_acc_v2"]) == pytest.approx((0.9, 0.9))
    assert (found["validation"]["max_box_acc"], found["validation"]["max_box_acc_v2"]) == pytest.approx((0.5, 0.5))
    assert found["validation"]["fraction"] == pytest.approx(0.4)
    assert max_box_acc(accuracy, None)["validation"] is None


def published_boxes(scoremap: np.ndarray, fractions) -> list[list[int]]:
    """The published way from a map to the box of its largest region: 8 bits, OpenCV contours, inclusive corners."""
    import cv2  # comes with albumentations

    gray = (scoremap * 255).astype(np.uint8)[:, :, None]
    boxes = []
    for fraction in fractions:
        _, cut = cv2.threshold(gray, int(fraction * gray.max()), 255, cv2.THRESH_BINARY)
        contours = cv2.findContours(cut, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)[0]
        x, y, w, h = cv2.boundingRect(max(contours, key=cv2.contourArea))
        boxes.append([x, y, min(x + w, scoremap.shape[1] - 1), min(y + h, scoremap.shape[0] - 1)])
    return boxes


def test_close_to_the_published_evaluator(make_sample, make_prediction) -> None:
    """Per image and cut the IoU is the published one up to its rounding and its wider boxes, on smooth maps."""
    rng = np.random.default_rng(0)
    samples, predictions, published = [], [], np.zeros((30, len(FRACTIONS)))
    for i in range(30):
        corner = rng.uniform(20, 120, 2)
        box = np.concatenate([corner, corner + rng.uniform(30, 80, 2)])
        seen = np.clip(box + rng.normal(0, 12, 4), 0, 224)
        full = boxes_to_map(np.array([seen]), np.ones(1), (224, 224), (224, 224))
        samples.append(make_sample(i + 1, [box], (224, 224)))
        predictions.append(make_prediction(i + 1, size_hw=(224, 224), heatmap=full))
        theirs = np.array(published_boxes(full / full.max(), FRACTIONS), dtype=float)
        x1, y1, x2, y2 = np.floor(box)
        wide, true = theirs + np.array([0, 0, 1, 1]), np.array([[x1, y1, x2 + 1, y2 + 1]])
        published[i] = iou(wide, true)[:, 0]
    ours = box_accuracy(samples, predictions)
    assert ours is not None
    apart = np.abs(ours.largest - (published >= 0.5).mean(axis=0))
    assert apart.max() < 0.11
    assert apart.mean() < 0.03
    assert ours.largest.max() >= 0.7


def test_reading_a_coarse_map_eight_times_a_cell_is_enough(make_sample, make_prediction) -> None:
    """267 x 275 pixels, 9 x 9 cells, read every third pixel: the boxes overlap the exact ones at IoU 0.75 or more."""
    rng = np.random.default_rng(1)
    for _ in range(10):
        heatmap = rng.random((9, 9), dtype=np.float32)
        exact = full_size(heatmap, (267, 275))
        assert exact is not None
        read = _read(normalise(heatmap), (267, 275), _step((9, 9), (267, 275)))  # type: ignore[arg-type]
        largest = [
            found.boxes_xyxy[found.areas.argmax()] * scale
            for found, scale in ((regions_above(exact, 0.8), 1), (regions_above(read, 0.8), 3))
        ]
        overlap = iou(largest[0][None], largest[1][None])[0, 0]
        assert overlap == 0 or overlap >= 0.75  # 0: two regions nearly as large as each other


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 1.0])
def test_what_one_top_tells_is_what_a_search_finds(make_sample, noise: float) -> None:
    """Smooth maps, noise, and coarse values with plateaus: at every cut the same overlaps as by labelling regions."""
    rng = np.random.default_rng(0)
    for trial in range(12):
        corner = rng.uniform(0, 150, 2)
        sample = make_sample(1, [np.concatenate([corner, corner + rng.uniform(20, 100, 2)])], (267, 275))
        heatmap = boxes_to_map(sample.boxes_xyxy, np.ones(1), (267, 275), (9, 9)) + noise * rng.random((9, 9))
        values = normalise(np.round(heatmap * 8) / 8 if trial % 3 == 0 else heatmap)
        assert values is not None
        step = _step(values.shape, sample.size_hw)
        read = _read(values, sample.size_hw, step)
        expected = np.zeros((2, len(FRACTIONS)))
        for i, fraction in enumerate(FRACTIONS):
            found = regions_above(read, fraction)
            overlap = iou(np.minimum(found.boxes_xyxy * step, (275, 267, 275, 267)), sample.boxes_xyxy).max(axis=1)
            expected[:, i] = overlap[found.areas.argmax()], overlap.max()
        np.testing.assert_array_equal(_best_overlaps([(read, step, sample)])[:, 0], expected)
