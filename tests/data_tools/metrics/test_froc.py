import pytest

from data_tools.metrics.froc import froc_by_rule

A, B, NOWHERE = (10, 10, 20, 20), (60, 60, 80, 80), (30, 80, 50, 95)


def test_by_hand(make_sample, make_prediction) -> None:
    """Marks .9 a, .8 false, .7 b, .6 false, .5 a again on four images with two defects."""
    samples = [make_sample(1, [A]), make_sample(2, [B]), make_sample(3), make_sample(4)]
    predictions = [
        make_prediction(1, boxes=[A, A], scores=[0.9, 0.5]),
        make_prediction(2, boxes=[NOWHERE, B], scores=[0.8, 0.7]),
        make_prediction(3, boxes=[NOWHERE], scores=[0.6]),
        make_prediction(4),
    ]
    curves = froc_by_rule(samples, predictions)
    curve, on_good = curves["iou_0.5"], curves["iou_0.5_false_on_good_only"]
    assert curve is not None
    assert curve.false_per_image.tolist() == [0, 0.25, 0.25, 0.5, 0.5]
    assert curve.lesion_fraction.tolist() == [0.5, 0.5, 1, 1, 1]
    assert curve.at(0.25) == 1.0
    assert on_good is not None
    assert on_good.false_per_image.tolist() == [0, 0, 0, 0.5, 0.5]


def test_a_centre_nearby_hits_where_the_overlap_does_not(make_sample, make_prediction) -> None:
    samples, near = [make_sample(1, [A])], [make_prediction(1, boxes=[(22, 10, 32, 20)], scores=[0.9])]
    curves = froc_by_rule(samples, near)
    strict, loose = curves["iou_0.5"], curves["centre_within_15px"]
    assert strict is not None
    assert loose is not None
    assert strict.lesion_fraction.tolist() == [0.0]
    assert loose.lesion_fraction.tolist() == [1.0]


def test_undefined_without_lesions_or_images_to_count_on(make_sample, make_prediction) -> None:
    assert set(froc_by_rule([make_sample(1)], [make_prediction(1)]).values()) == {None}
    assert froc_by_rule([make_sample(1, [A])], [make_prediction(1)])["iou_0.5_false_on_good_only"] is None


def test_no_boxes_at_all_find_nothing(make_sample, make_prediction) -> None:
    curve = froc_by_rule([make_sample(1, [A]), make_sample(2)], [make_prediction(1), make_prediction(2)])["iou_0.5"]
    assert curve is not None
    assert curve.at(1.0) == pytest.approx(0.0)
