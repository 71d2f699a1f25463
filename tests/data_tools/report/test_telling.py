"""Which images tell most, worked out by hand from the rows of conftest.py and from made-up ones."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from data_tools.core.records import Dataset, Prediction, PredictionHeader, PredictionSet, Sample
from data_tools.report.outcomes import ImageOutcome, Threshold, image_outcomes, thresholds_of
from data_tools.report.telling import RULE, most_telling

Page = Any  # as conftest.py makes it
MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]
Outcomes = Callable[..., list[ImageOutcome]]
BOX = (40, 40, 60, 60)
HIT, FAR, FARTHER = (50, 50), (90, 50), (99, 50)


@pytest.fixture(scope="session")
def outcomes_of(make_report: Callable[..., Any]) -> Outcomes:
    def build(samples: Sequence[Sample], predictions: dict[str, Sequence[Prediction]]) -> list[ImageOutcome]:
        sets = {label: PredictionSet(PredictionHeader("p"), tuple(one)) for label, one in predictions.items()}
        report = make_report(Dataset(tuple(samples), ("defect",)), sets)
        return image_outcomes(report.judged, dict.fromkeys(sets, Threshold(0.5, "")))

    return build


def chosen(images: list[ImageOutcome]) -> list[int]:
    return [one.image.sample.image_id for one in most_telling(images)]


def test_two_differences_and_a_false_alarm(judged: Page) -> None:
    images = image_outcomes(judged.report.judged, thresholds_of(judged.report))
    # 50.2 px and 40 px apart; an abstention (image 6) shows no place; image 2 alone is an overkill
    assert chosen(images) == [8, 5, 2]
    assert "detector hit" in most_telling(images)[0].why
    assert "50.2 px" in most_telling(images)[0].why


def test_the_second_speaks_for_another_approach(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    peaks = {1: (HIT, FARTHER), 2: (HIT, FARTHER), 3: (FAR, HIT), 4: (FAR, FAR), 5: (None, HIT)}
    samples = [make_sample(i, [BOX]) for i in peaks]
    runs = {name: [make_prediction(i, 0.9, peak=p[k]) for i, p in peaks.items()] for k, name in enumerate("ab")}
    assert chosen(outcomes_of(samples, runs)) == [1, 3]


def test_the_false_alarm_that_one_approach_alone_raises_comes_first(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    scores = {1: (0.99, 0.99), 2: (0.8, 0.1), 3: (0.7, 0.1), 4: (0.2, 0.3)}
    samples = [make_sample(i) for i in scores]
    runs = {name: [make_prediction(i, s[k]) for i, s in scores.items()] for k, name in enumerate("ab")}
    images = outcomes_of(samples, runs)
    assert chosen(images) == [2]
    assert most_telling(images)[0].why == "a good image, flagged by a"
    assert chosen(images[:1]) == [1]  # flagged by both, where no other is flagged
    assert chosen(images[3:]) == []


def test_a_single_approach_shows_its_farthest_peaks(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    peaks = {1: HIT, 2: FAR, 3: FARTHER, 4: FAR}
    images = outcomes_of(
        [make_sample(i, [BOX]) for i in peaks], {"a": [make_prediction(i, 0.9, peak=p) for i, p in peaks.items()]}
    )
    assert chosen(images) == [3, 2, 4]
    assert most_telling([]) == []


def test_where_all_are_far_the_farthest_are_shown(
    outcomes_of: Outcomes, make_sample: MakeSample, make_prediction: MakePrediction
) -> None:
    samples = [make_sample(i, [BOX]) for i in (1, 2)]
    runs = {name: [make_prediction(1, 0.9, peak=FAR), make_prediction(2, 0.9, peak=FARTHER)] for name in "ab"}
    assert chosen(outcomes_of(samples, runs)) == [2, 1]


def test_the_page_draws_them_and_says_by_which_rule(judged: Page) -> None:
    text = judged.path.read_text(encoding="utf-8")
    assert RULE in text
    assert text.count('id="telling"') == 1
    assert "a good image, flagged by" in text
