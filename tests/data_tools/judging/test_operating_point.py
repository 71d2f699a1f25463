"""The operating point of the report: chosen on validation, told on the judged images, null with a reason else."""

from collections.abc import Callable
from typing import Any

import pytest

from data_tools.core.records import Dataset, Prediction, Sample, Splits
from data_tools.judging.evaluation_report import EvaluationReport
from data_tools.judging.judge_predictions import evaluate
from data_tools.metrics.operating_point import Costs, EscapeRate, Rule
from data_tools.report.table import describe_remarks, describe_rule, side_by_side

MakeSample, MakePrediction = Callable[..., Sample], Callable[..., Prediction]
# by image: whether it is a defect, and its score; 1..6 validation, 7..12 test
IMAGES = {
    1: (True, 0.9),
    2: (True, 0.8),
    3: (True, 0.3),
    4: (False, 0.7),
    5: (False, 0.2),
    6: (False, 0.1),
    7: (True, 0.95),
    8: (True, 0.25),
    9: (False, 0.5),
    10: (False, 0.4),
    11: (False, 0.1),
    12: (False, 0.0),
}
BOX = (40, 40, 60, 60)
Judge = Callable[..., EvaluationReport]


@pytest.fixture
def judge(make_sample: MakeSample, make_prediction: MakePrediction) -> Judge:
    def judged(rule: Rule, validation: tuple[int, ...] = (1, 2, 3, 4, 5, 6), scores: Any = None) -> EvaluationReport:
        images = {i: (kind, (scores or {}).get(i, score)) for i, (kind, score) in IMAGES.items()}
        samples = tuple(make_sample(i, [BOX] if kind else [], group=f"g{i}") for i, (kind, _) in images.items())
        test = tuple(range(7, 13))
        dataset = Dataset(samples, ("defect",), None, Splits(0, "", (), validation, test))
        sets = [{"a": [make_prediction(i, images[i][1]) for i in ids]} for ids in (test, validation)]
        chosen_on = sets[1] if validation else None
        return evaluate(dataset, sets[0], validation=chosen_on, metrics=("auc",), resamples=100, operating_point=rule)

    return judged


def section(report: EvaluationReport) -> dict[str, Any]:
    found: dict[str, Any] = report.runs["a"].metrics["operating_point"]
    return found


def test_costs_are_counted_by_hand(judge: Judge) -> None:
    point = section(judge(Costs(10, 1)))  # on validation: one overkill at .3, three images of six good
    assert point["threshold"] == 0.3
    assert point["validation_tpr"] is None
    assert point["rule"]["name"] == "costs"
    assert (point["rule"]["escape"], point["rule"]["overkill"]) == (10, 1)
    validation = {key: point["validation"][key] for key in ("n_positive", "n_negative", "n_groups", "defect_share")}
    assert validation == {"n_positive": 3, "n_negative": 3, "n_groups": 6, "defect_share": 0.5}
    assert point["validation"]["cost_per_image"] == pytest.approx(1 / 6)
    assert point["validation"]["overkill"] == pytest.approx(1 / 3)
    assert point["test"]["escape"]["value"] == 0.5  # the defect of score .25
    assert point["test"]["overkill"]["value"] == 0.5  # .5 and .4
    assert point["test"]["cost_per_image"]["value"] == pytest.approx((10 + 2) / 6)
    for name in ("escape", "overkill", "cost_per_image"):
        low, high = point["test"][name]["ci95"]
        assert low <= point["test"][name]["value"] <= high
        assert low < high
    assert point["useless"] is False


def test_an_escape_rate_has_no_cost(judge: Judge) -> None:
    report = judge(EscapeRate(0.34))  # two of three are enough
    point = section(report)
    assert (point["threshold"], point["validation_tpr"]) == (0.8, pytest.approx(0.66))
    assert point["test"]["cost_per_image"] == {"value": None, "ci95": None}
    assert "34 %" in describe_rule(report.to_json())
    assert "cost an image" not in side_by_side(report.to_json())


def test_the_default_is_the_threshold_of_tpr_98_percent(judge: Judge) -> None:
    assert section(judge(EscapeRate()))["threshold"] == 0.3


@pytest.mark.parametrize(
    ("validation", "reason"),
    [
        ((), "no validation predictions"),
        ((4, 5, 6), "no defect images in validation"),
        ((1, 2, 3), "no good images in validation"),
    ],
)
def test_what_cannot_be_chosen_is_null_with_the_reason(judge: Judge, validation: tuple[int, ...], reason: str) -> None:
    report = judge(Costs(1, 1), validation)
    point = section(report)
    assert point["threshold"] is None
    assert reason in point["reason"]
    assert point["validation"] is point["test"] is point["useless"] is None
    assert describe_remarks(report.to_json()) == []


@pytest.mark.parametrize(
    ("scores", "rule", "words"),
    [
        (dict.fromkeys(range(1, 7), 0.5), EscapeRate(), "every good image of validation (3 of 3)"),
        (dict.fromkeys(range(9, 13), 0.99), EscapeRate(), "every good image of the judged images (4 of 4)"),
        ({4: 0.99}, Costs(1, 100), "flags no image of validation"),
        ({7: 0.0, 8: 0.0, 9: 0.0, 10: 0.0}, EscapeRate(), "flags no image of the judged images"),
    ],
)
def test_a_useless_threshold_is_called_so_in_words(
    judge: Judge, scores: dict[int, float], rule: Rule, words: str
) -> None:
    report = judge(rule, scores=scores)
    assert section(report)["useless"] is True
    (remark,) = describe_remarks(report.to_json())
    assert words in remark
    assert "useless" in side_by_side(report.to_json())
