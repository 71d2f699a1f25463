from collections.abc import Callable, Sequence

import numpy as np
import pytest

from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.report.cases import (
    OUTCOMES,
    Case,
    Threshold,
    at_random,
    gather,
    report_thresholds,
    worst_first,
)

BOX = (40, 40, 60, 60)
HALF = Threshold(0.5, "by hand")
MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


def a_set(*predictions: Prediction) -> PredictionSet:
    return PredictionSet(PredictionHeader("p"), predictions)


def one_case(sample: Sample, **predictions: Prediction) -> Case:
    sets = {label: a_set(prediction) for label, prediction in predictions.items()}
    return gather([sample], sets, dict.fromkeys(predictions, HALF))[0]


@pytest.mark.parametrize(
    ("boxes", "scores", "peaks", "outcomes"),
    [
        ((), (0.4, 0.1), ((5, 5), None), ("pass",)),
        ((), (0.5, 0.1), ((5, 5), None), ("overkill", "disagreement")),  # at the threshold is flagged
        ((), (0.5, 0.9), ((5, 5), None), ("overkill",)),
        ((BOX,), (0.9, 0.9), ((50, 50), (60, 60)), ("hit", "caught")),  # the border belongs to the box
        ((BOX,), (0.9, 0.9), ((50, 50), (75, 50)), ("near miss", "caught")),  # 15 px
        ((BOX,), (0.9, 0.9), ((50, 50), (75.1, 50)), ("off target", "disagreement", "caught")),
        ((BOX,), (0.9, 0.9), ((50, 50), None), ("no peak", "disagreement", "caught")),
        ((BOX,), (0.9, 0.4), ((50, 50), (50, 50)), ("escape", "disagreement", "hit")),
        ((BOX,), (0.1, 0.4), ((0, 0), (0, 0)), ("escape", "off target")),
    ],
)
def test_outcomes_by_hand(
    make_sample: MakeSample,
    make_prediction: MakePrediction,
    boxes: Sequence[Sequence[float]],
    scores: tuple[float, float],
    peaks: tuple[tuple[float, float] | None, ...],
    outcomes: tuple[str, ...],
) -> None:
    a, b = (make_prediction(score=score, peak=peak) for score, peak in zip(scores, peaks, strict=True))
    assert one_case(make_sample(boxes=boxes), a=a, b=b).outcomes == outcomes


def test_a_defect_without_boxes_has_no_distance(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    case = one_case(make_sample(status=UNBOXED), a=make_prediction(score=0.9, peak=(1, 1)))
    assert case.outcomes == ("caught",)
    assert case.worst_px is None


def test_without_a_threshold_nothing_is_an_escape(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    sample, prediction = make_sample(boxes=[BOX]), make_prediction(score=0.0, peak=(50, 50))
    (case,) = gather([sample], {"a": a_set(prediction)}, {})
    assert case.outcomes == ("hit",)


def test_every_outcome_has_its_meaning_in_words() -> None:
    assert all(OUTCOMES.values())


def test_thresholds_come_from_validation_where_there_is_one() -> None:
    report = {
        "runs": {
            "frozen": {"metrics": {"operating_point": {"threshold": 0.25}, "fpr_at_tpr": {"0.98": {"threshold": 0.5}}}},
            "here": {"metrics": {"operating_point": {"threshold": None}, "fpr_at_tpr": {"0.98": {"threshold": 0.5}}}},
            "neither": {"metrics": {"fpr_at_tpr": {"0.98": None}}},
            "nothing": {},
        }
    }
    found = report_thresholds(report)
    assert {label: threshold.value for label, threshold in found.items()} == {"frozen": 0.25, "here": 0.5}
    assert "validation" in found["frozen"].source
    assert "optimistic" in found["here"].source
    assert report_thresholds({}) == {}


def test_the_worst_come_first(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    peaks: dict[int, tuple[float, float] | None] = {1: (50, 50), 2: (70, 50), 3: None, 4: (90, 50)}
    samples = [make_sample(number, [BOX]) for number in peaks] + [make_sample(5), make_sample(6)]
    found = [make_prediction(number, score=0.9, peak=peak) for number, peak in peaks.items()]
    found += [make_prediction(5, score=0.8), make_prediction(6, score=0.1)]
    cases = gather(samples, {"a": a_set(*found)}, {"a": HALF})
    assert [case.sample.image_id for case in worst_first(cases, 10)] == [3, 4, 2, 5, 1]
    assert [case.sample.image_id for case in worst_first(cases, 2)] == [3, 4]


def test_random_cases_are_seeded_and_distinct(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    samples = [make_sample(number) for number in range(1, 21)]
    cases = gather(samples, {"a": a_set(*(make_prediction(sample.image_id) for sample in samples))}, {})
    first, again = ([case.sample.image_id for case in at_random(cases, 8, seed)] for seed in (np.int64(3), np.int64(3)))
    assert first == again
    assert len(set(first)) == 8
    assert len(at_random(cases, 99, 0)) == 20


def test_a_missing_prediction_is_named(make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    with pytest.raises(InputError, match=r"a: 1 images .* \[2\]"):
        gather([make_sample(1), make_sample(2)], {"a": a_set(make_prediction(1))}, {})
