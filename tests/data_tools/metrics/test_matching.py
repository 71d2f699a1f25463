from data_tools.metrics.matching import AGAIN, FALSE, FIRST, match_boxes

A, B = (10, 10, 20, 20), (12, 10, 22, 20)


def test_the_best_score_takes_the_box_whatever_the_order(make_sample, make_prediction) -> None:
    outcome = match_boxes(
        make_sample(boxes=[A]), make_prediction(boxes=[A, A, (50, 50, 60, 60)], scores=[0.5, 0.9, 0.7])
    )
    assert outcome.tolist() == [AGAIN, FIRST, FALSE]


def test_a_box_takes_the_closest_free_one(make_sample, make_prediction) -> None:
    outcome = match_boxes(make_sample(boxes=[A, B]), make_prediction(boxes=[B, B, B], scores=[0.9, 0.8, 0.7]))
    assert outcome.tolist() == [FIRST, FIRST, AGAIN]


def test_nothing_to_match(make_sample, make_prediction) -> None:
    assert match_boxes(make_sample(boxes=[A]), make_prediction()).tolist() == []
    assert match_boxes(make_sample(), make_prediction(boxes=[A], scores=[0.9])).tolist() == [FALSE]
