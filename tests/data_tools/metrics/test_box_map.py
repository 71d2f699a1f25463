import pytest

from data_tools.metrics.box_map import NAMES, box_map

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
