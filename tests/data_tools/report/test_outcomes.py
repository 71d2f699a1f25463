from collections.abc import Callable, Sequence

import numpy as np
import pytest

from data_tools.core.records import UNBOXED, Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.report.outcomes import (
    OUTCOMES,
    ImageOutcome,
    Threshold,
    at_random,
    image_outcomes,
    thresholds_of,
    worst_first,
)

BOX = (40, 40, 60, 60)
HALF = Threshold(0.5, "by hand")
MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]


MakeReport = Callable[..., EvaluationReport]
Outcomes = Callable[..., list[ImageOutcome]]


@pytest.fixture(scope="session")
def outcomes_of(make_report: MakeReport) -> Outcomes:
    """The outcomes of samples from lists of predictions by label, all with the same threshold or without any."""

    def build(
        samples: Sequence[Sample], predictions: dict[str, Sequence[Prediction]], threshold: Threshold | None = HALF
    ) -> list[ImageOutcome]:
        sets = {label: PredictionSet(PredictionHeader("p"), tuple(one)) for label, one in predictions.items()}
        report = make_report(Dataset(tuple(samples), ("defect",)), sets)
        return image_outcomes(report.judged, {} if threshold is None else dict.fromkeys(sets, threshold))

    return build


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
    outcomes_of: Outcomes,
    make_sample: MakeSample,
    make_prediction: MakePrediction,
    boxes: Sequence[Sequence[float]],
    scores: tuple[float, float],
    peaks: tuple[tuple[float, float] | None, ...],
    outcomes: tuple[str, ...],
) -> None:
    a, b = (make_prediction(score=score, peak=peak) for score, peak in zip(scores, peaks, strict=True))
    (image,) = outcomes_of([make_sample(boxes=boxes)], {"a": [a], "b": [b]})
    assert image.outcomes == outcomes


def test_a_defect_without_boxes_has_no_distance(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    (image,) = outcomes_of([make_sample(status=UNBOXED)], {"a": [make_prediction(score=0.9, peak=(1, 1))]})
    assert image.outcomes == ("caught",)
    assert image.worst_px is None


def test_without_a_threshold_nothing_is_an_escape(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    prediction = make_prediction(score=0.0, peak=(50, 50))
    (image,) = outcomes_of([make_sample(boxes=[BOX])], {"a": [prediction]}, None)
    assert image.outcomes == ("hit",)


def test_every_outcome_has_its_meaning_in_words() -> None:
    assert all(OUTCOMES.values())


@pytest.mark.parametrize(
    ("metrics", "value", "source"),
    [
        ({"operating_point": {"threshold": 0.25}, "fpr_at_tpr": {"0.98": {"threshold": 0.5}}}, 0.25, "validation"),
        ({"operating_point": {"threshold": None}, "fpr_at_tpr": {"0.98": {"threshold": 0.5}}}, 0.5, "optimistic"),
        ({"fpr_at_tpr": {"0.98": None}}, None, ""),
        ({}, None, ""),
    ],
)
def test_thresholds_come_from_validation_where_there_is_one(
    make_report: MakeReport, metrics: dict, value: float | None, source: str
) -> None:
    report = make_report(Dataset((), ("defect",)), {"a": PredictionSet(PredictionHeader("p"))}, metrics)
    threshold = thresholds_of(report).get("a")
    assert (threshold and threshold.value) == value
    assert threshold is None or source in threshold.source


def test_the_worst_come_first(outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction) -> None:
    peaks: dict[int, tuple[float, float] | None] = {1: (50, 50), 2: (70, 50), 3: None, 4: (90, 50)}
    samples = [make_sample(number, [BOX]) for number in peaks] + [make_sample(5), make_sample(6)]
    predictions = [make_prediction(number, score=0.9, peak=peak) for number, peak in peaks.items()]
    predictions += [make_prediction(5, score=0.8), make_prediction(6, score=0.1)]
    images = outcomes_of(samples, {"a": predictions})
    assert [image.sample.image_id for image in worst_first(images, 10)] == [3, 4, 2, 5, 1]
    assert [image.sample.image_id for image in worst_first(images, 2)] == [3, 4]


def test_random_images_are_seeded_and_distinct(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    samples = [make_sample(number) for number in range(1, 21)]
    images = outcomes_of(samples, {"a": [make_prediction(sample.image_id) for sample in samples]}, None)
    first, again = (
        [image.sample.image_id for image in at_random(images, 8, seed)] for seed in (np.int64(3), np.int64(3))
    )
    assert first == again
    assert len(set(first)) == 8
    assert len(at_random(images, 99, 0)) == 20


def test_nothing_judged_has_no_outcomes() -> None:
    assert image_outcomes({}, {}) == []
